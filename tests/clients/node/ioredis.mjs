// ioredis.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Redis } from "ioredis";
import { AUTH_PORT, EVERY_BYTE, Inbox, PASSWORD, PORT, UNIX_SOCKET, check, run, unique, waitUntil } from "./harness.mjs";

const BOTH = ["RESP2", "RESP3"];

function create(protocol, options = {}) {
  const client = new Redis({ host: "127.0.0.1", port: PORT, protocol: Number(protocol.at(-1)), ...options });
  client.on("error", () => {}); // without a listener it would write to the console
  return client;
}

/** Runs `body` with two clients, one to subscribe, and disconnects them. */
async function withClients(protocol, body, options = {}) {
  const publisher = create(protocol);
  const subscriber = create(protocol, options);
  try {
    await body(publisher, subscriber);
  } finally {
    subscriber.disconnect();
    publisher.disconnect();
  }
}

check("ready check, connection commands, quit", BOTH, async (protocol) => {
  const client = create(protocol, { connectionName: "io-checker", db: 1 });
  await once(client, "ready");
  assert.equal(client.serverInfo?.loading ?? "0", "0");
  assert.match(await client.info(), /^redis_version:\d+\.\d+\.\d+\r$/m);
  assert.equal(await client.ping(), "PONG");
  assert.equal(await client.echo("hello"), "hello");
  assert.equal(await client.select(0), "OK");
  assert.equal(await client.client("GETNAME"), "io-checker");
  const own = await client.client("INFO");
  assert.match(own, new RegExp(`^id=${await client.client("ID")} .* name=io-checker .* resp=${protocol.at(-1)}`));
  assert.deepEqual(await client.config("GET", "no-such-setting"), []);
  assert.equal((await client.config("GET", "maxclients"))[0], "maxclients");
  assert.equal((await client.command("INFO", "publish"))[0][1], 3);
  await assert.rejects(client.call("NOSUCHCOMMAND", "x"),
    { message: "ERR unknown command 'NOSUCHCOMMAND', with args beginning with: 'x' " });
  const closed = once(client, "end");
  assert.equal(await client.quit(), "OK");
  await closed;
});

check("AUTH with a right, a wrong and no password", BOTH, async (protocol) => {
  const options = { port: AUTH_PORT, retryStrategy: () => null };
  for (const credentials of [{ password: PASSWORD }, { username: "default", password: PASSWORD }]) {
    const client = create(protocol, { ...options, ...credentials });
    assert.equal(await client.publish(unique("auth"), "x"), 0);
    client.disconnect();
  }
  for (const credentials of [{ password: "wrong" }, {}]) {
    const client = create(protocol, { ...options, ...credentials });
    await assert.rejects(client.ping());
    client.disconnect();
  }
});

check("over the Unix socket", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher, subscriber) => {
    const channel = unique("unix"), inbox = new Inbox();
    subscriber.on("message", inbox.push);
    assert.equal(await subscriber.subscribe(channel), 1);
    assert.equal(await publisher.publish(channel, "from tcp"), 1);
    assert.deepEqual(await inbox.take(1), [[channel, "from tcp"]]);
  }, { path: UNIX_SOCKET });
});

check("subscribe, psubscribe, unsubscribe, and PING between", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher, subscriber) => {
    const stem = unique("news"), exact = new Inbox(), pattern = new Inbox();
    subscriber.on("message", exact.push);
    subscriber.on("pmessage", pattern.push);
    assert.equal(await subscriber.subscribe(`${stem}.art`, `${stem}.cat`), 2);
    assert.equal(await subscriber.psubscribe(`${stem}.a*`), 3);
    await subscriber.ping();
    assert.equal(await publisher.publish(`${stem}.art`, "both"), 2);
    assert.equal(await publisher.publish(`${stem}.cat`, ""), 1);
    assert.deepEqual(await exact.take(2), [[`${stem}.art`, "both"], [`${stem}.cat`, ""]]);
    assert.deepEqual(await pattern.take(1), [[`${stem}.a*`, `${stem}.art`, "both"]]);
    assert.deepEqual(await publisher.pubsub("NUMSUB", `${stem}.art`, stem), [`${stem}.art`, 1, stem, 0]);
    assert.deepEqual(await publisher.pubsub("CHANNELS", `${stem}.c*`), [`${stem}.cat`]);
    assert.equal(await subscriber.unsubscribe(`${stem}.art`), 2);
    assert.equal(await subscriber.punsubscribe(`${stem}.a*`), 1);
    assert.equal(await subscriber.unsubscribe(), 0);
    assert.equal(await publisher.publish(`${stem}.cat`, "nobody"), 0);
    assert.equal(await subscriber.echo("normal"), "normal");
  });
});

check("messageBuffer and pmessageBuffer, 1 MiB too", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher, subscriber) => {
    const channel = unique("binary"), exact = new Inbox(), pattern = new Inbox();
    const large = Buffer.alloc(1 << 20, EVERY_BYTE);
    subscriber.on("messageBuffer", exact.push);
    subscriber.on("pmessageBuffer", pattern.push);
    await subscriber.subscribe(channel);
    await subscriber.psubscribe(`${channel}*`);
    for (const payload of [EVERY_BYTE, large]) assert.equal(await publisher.publish(channel, payload), 2);
    const [[name, small], [, big]] = await exact.take(2);
    assert.equal(name.toString(), channel);
    assert.ok(small.equals(EVERY_BYTE) && big.equals(large));
    const [[, , smallToo], [, , bigToo]] = await pattern.take(2);
    assert.ok(smallToo.equals(EVERY_BYTE) && bigToo.equals(large));
  });
});

check("ssubscribe and spublish", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher, subscriber) => {
    const channel = unique("shard"), inbox = new Inbox();
    subscriber.on("smessage", inbox.push);
    assert.equal(await subscriber.ssubscribe(channel), 1);
    assert.equal(await publisher.publish(channel, "not for shards"), 0);
    assert.equal(await publisher.spublish(channel, "for shards"), 1);
    assert.deepEqual(await inbox.take(1), [[channel, "for shards"]]);
    assert.deepEqual(await publisher.pubsub("SHARDNUMSUB", channel), [channel, 1]);
    assert.equal(await subscriber.sunsubscribe(channel), 0);
    assert.equal(await publisher.spublish(channel, "nobody"), 0);
  });
});

check("a pipeline of 1,000 PUBLISH, and automatic pipelining", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher, subscriber) => {
    const channel = unique("pipeline"), inbox = new Inbox();
    const numbers = Array.from({ length: 1000 }, (_, i) => String(i));
    subscriber.on("message", (_, message) => inbox.push(message));
    await subscriber.subscribe(channel);
    const pipeline = publisher.pipeline();
    for (const number of numbers) pipeline.publish(channel, number);
    assert.deepEqual(await pipeline.exec(), numbers.map(() => [null, 1]));
    assert.deepEqual(await inbox.take(1000), numbers);
    const automatic = publisher.duplicate({ enableAutoPipelining: true });
    const replies = await Promise.all(numbers.map((number) => automatic.publish(channel, number)));
    assert.ok(replies.every((reply) => reply === 1));
    assert.deepEqual(await inbox.take(1000), numbers);
    automatic.disconnect();
  });
});

check("after CLIENT KILL TYPE pubsub the client reconnects and subscribes again", BOTH, async (protocol) => {
  const connectionName = unique("victim");
  await withClients(protocol, async (publisher, subscriber) => {
    const stem = unique("kill"), inbox = new Inbox();
    subscriber.on("message", inbox.push).on("pmessage", inbox.push).on("smessage", inbox.push);
    await subscriber.subscribe(`${stem}.c`);
    await subscriber.psubscribe(`${stem}.p*`);
    await subscriber.ssubscribe(`${stem}.s`);
    const victim = async () =>
      (await publisher.client("LIST", "TYPE", "pubsub")).split("\n").find((line) => line.includes(` name=${connectionName} `));
    const before = await victim();
    assert.match(before, / flags=P .* sub=1 psub=1 ssub=1 /);
    assert.ok((await publisher.client("KILL", "TYPE", "pubsub")) >= 1);
    await waitUntil(async () => {
      const now = await victim();
      return now && now.split(" ")[0] !== before.split(" ")[0] && / sub=1 psub=1 ssub=1 /.test(now);
    }, "the new subscriptions");
    assert.equal(await publisher.publish(`${stem}.c`, "1"), 1);
    assert.equal(await publisher.publish(`${stem}.p1`, "2"), 1);
    assert.equal(await publisher.spublish(`${stem}.s`, "3"), 1);
    assert.deepEqual(await inbox.take(3), [[`${stem}.c`, "1"], [`${stem}.p*`, `${stem}.p1`, "2"], [`${stem}.s`, "3"]]);
  }, { connectionName });
});

await run("ioredis");
