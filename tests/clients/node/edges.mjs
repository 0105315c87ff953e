// node-redis and ioredis through edges: two fanfares with one hub. Only against fanfare; the hub may be a redis-server.

import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { HUBS, withEdges } from "./edge_servers.mjs";
import { EVERY_BYTE, Inbox, check, run, waitUntil } from "./harness.mjs";

const NO_HUB = { message: "NOUPSTREAM no connection to the upstream" };

/** What the checks need, in both libraries' terms. What arrives is [channel, message] in `inbox`, as text. */
const LIBRARIES = {
  "node-redis": async (port, protocol) => {
    const client = createClient({ RESP: protocol, socket: { host: "127.0.0.1", port } });
    const inbox = new Inbox(), push = (message, channel) => inbox.push(channel, message);
    let losses = 0;
    client.on("error", () => {}); // without a listener a lost connection would end the process
    client.on("reconnecting", () => (losses += 1));
    await client.connect();
    return {
      inbox,
      publish: (channel, message) => client.publish(channel, message),
      spublish: (channel, message) => client.sPublish(channel, message),
      publishAll: (channel, messages) => Promise.all(messages.map((message) => client.publish(channel, message))),
      transaction: (channel, messages) => messages.reduce((multi, message) => multi.publish(channel, message), client.multi()).exec(),
      subscribe: (channel) => client.subscribe(channel, push),
      psubscribe: (pattern) => client.pSubscribe(pattern, push),
      ssubscribe: (channel) => client.sSubscribe(channel, push),
      unsubscribe: (channel) => client.unsubscribe(channel),
      pubsub: (...words) => client.sendCommand(["PUBSUB", ...words]),
      losses: () => losses,
      end: () => client.destroy(),
    };
  },
  ioredis: async (port, protocol) => {
    const client = new Redis({ host: "127.0.0.1", port, protocol });
    const inbox = new Inbox();
    let losses = 0;
    client.on("error", () => {}); // without a listener it would write to the console
    client.on("reconnecting", () => (losses += 1));
    client.on("message", inbox.push).on("smessage", inbox.push).on("pmessage", (_, channel, message) => inbox.push(channel, message));
    await client.ping();
    return {
      inbox,
      publish: (channel, message) => client.publish(channel, message),
      spublish: (channel, message) => client.spublish(channel, message),
      publishAll: async (channel, messages) => {
        const pipeline = client.pipeline();
        for (const message of messages) pipeline.publish(channel, message);
        return (await pipeline.exec()).map(([error, reply]) => error ?? reply);
      },
      transaction: async (channel, messages) => {
        const multi = client.multi();
        for (const message of messages) multi.publish(channel, message);
        return (await multi.exec()).map(([error, reply]) => error ?? reply);
      },
      subscribe: (channel) => client.subscribe(channel),
      psubscribe: (pattern) => client.psubscribe(pattern),
      ssubscribe: (channel) => client.ssubscribe(channel),
      unsubscribe: (channel) => client.unsubscribe(channel),
      pubsub: (...words) => client.pubsub(...words),
      losses: () => losses,
      end: () => client.disconnect(),
    };
  },
};

const VARIANTS = Object.keys(LIBRARIES).flatMap((library) => HUBS.map((hub, index) => `${library} RESP${index + 2}, hub ${hub}`));

/** A check with a client at each edge, `b` to publish and `a` to subscribe. The options are the edges'. */
function checkWithEdges(title, options, body) {
  check(title, VARIANTS, async (variant) => {
    const [library, protocol, , hub] = variant.split(/,? /), clients = [];
    await withEdges(hub, options, async (servers) => {
      try {
        for (const port of [servers.a, servers.b]) clients.push(await LIBRARIES[library](port, Number(protocol.at(-1))));
        await body(servers, ...clients);
      } finally {
        for (const client of clients) client.end();
      }
    });
  });
}

checkWithEdges("channels, patterns and shard channels", [], async (_, a, b) => {
  assert.equal(await b.publish("news.art", "nobody"), 0);
  await a.subscribe("news.art");
  await a.psubscribe("news.*");
  await a.ssubscribe("shard");
  assert.equal(await b.publish("news.art", "both"), 2);
  assert.equal(await b.publish("news.cat", ""), 1);
  assert.equal(await b.publish("shard", "not for shards"), 0);
  assert.equal(await b.spublish("shard", "for shards"), 1);
  assert.deepEqual(await a.inbox.take(4), [["news.art", "both"], ["news.art", "both"], ["news.cat", ""], ["shard", "for shards"]]);
  assert.deepEqual(await b.pubsub("NUMSUB", "news.art", "none"), ["news.art", 1, "none", 0]);
  assert.deepEqual(await b.pubsub("SHARDNUMSUB", "shard"), ["shard", 1]);
  assert.deepEqual(await b.pubsub("CHANNELS", "news.*"), ["news.art"]);
  await a.unsubscribe("news.art");
  assert.equal(await b.publish("news.art", "pattern"), 1 + 1); // the other edge keeps the channel for five seconds
  assert.deepEqual(await a.inbox.take(1), [["news.art", "pattern"]]);
  assert.deepEqual(a.inbox.items, []);
});

checkWithEdges("1,000 messages at once, a transaction, 1 MiB", [], async (_, a, b) => {
  const numbers = Array.from({ length: 1000 }, (_, i) => String(i));
  const received = async (count) => (await a.inbox.take(count)).map(([, message]) => message);
  await a.subscribe("c");
  assert.deepEqual(await b.publishAll("c", numbers), numbers.map(() => 1));
  assert.deepEqual(await received(1000), numbers);
  assert.deepEqual(await b.transaction("c", ["one", "two"]), [1, 1]);
  assert.deepEqual(await received(2), ["one", "two"]);
  const large = EVERY_BYTE.toString("latin1").repeat(4096);
  assert.equal(await b.publish("c", large), 1);
  assert.ok((await received(1))[0] === large);
});

async function subscribeThrice(client) {
  await client.subscribe("c");
  await client.psubscribe("p*");
  await client.ssubscribe("s");
}

/** That the three subscriptions work, as soon as they are back and the publisher's edge has the hub. */
async function reached(servers, a, b) {
  await servers.waitForHub(servers.b);
  await waitUntil(async () => (await b.pubsub("NUMSUB", "c"))[1] === 1 && (await b.pubsub("NUMPAT")) === 1
    && (await b.pubsub("SHARDNUMSUB", "s"))[1] === 1, "the subscriptions");
  assert.deepEqual([await b.publish("c", "1"), await b.publish("p1", "2"), await b.spublish("s", "3")], [1, 1, 1]);
  assert.deepEqual(await a.inbox.take(3), [["c", "1"], ["p1", "2"], ["s", "3"]]);
  assert.deepEqual(a.inbox.items, []);
}

checkWithEdges("the hub is killed: the subscriber reconnects and subscribes again", [], async (servers, a, b) => {
  await subscribeThrice(a);
  await reached(servers, a, b);
  await servers.killHub();
  await servers.waitForHub(servers.b, 0);
  await assert.rejects(b.publish("c", "lost"), NO_HUB);
  await servers.waitForHub(servers.a, 0);
  await servers.startHub();
  await reached(servers, a, b);
});

checkWithEdges("the hub is away for longer than a subscriber waits for it", ["--upstream-timeout", "1"], async (servers, a, b) => {
  await subscribeThrice(a);
  await servers.killHub();
  // It is closed, and so is each connection on which it has tried in vain to subscribe again.
  await waitUntil(() => a.losses() >= 3, "the edge to close three connections");
  await servers.startHub();
  await reached(servers, a, b);
});

checkWithEdges("upstream-loss-policy keep: the subscriber stays connected", ["--upstream-loss-policy", "keep"], async (servers, a, b) => {
  await subscribeThrice(a);
  await servers.killHub();
  await servers.waitForHub(servers.a, 0);
  await servers.startHub();
  await servers.waitForHub(servers.a);
  await reached(servers, a, b);
});

await run("Node clients through edges");
