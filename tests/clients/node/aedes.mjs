// aedes with aedes-persistence-redis: retained messages, the queues of clients that are away, and wills. Each check
// kills the broker's process and goes on with another one, which has only what the server under check kept.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Redis } from "ioredis";
import mqtt from "mqtt";
import { EVERY_BYTE, Inbox, PORT, check, run, startProcess, unique, waitUntil } from "./harness.mjs";

const BOTH = ["RESP2", "RESP3"];

/** Runs `body` with a function that starts a broker and one that connects a client to the newest broker. Leaves no key behind. */
async function withBrokers(protocol, body) {
  const prefix = `${unique("aedes")}:`, version = Number(protocol.at(-1));
  const redis = new Redis({ host: "127.0.0.1", port: PORT, protocol: version });
  const brokers = [], clients = [];
  let port;
  const start = async (heartbeat = 60_000) => {
    const [broker, message] = await startProcess("aedes_broker.mjs", prefix, version, heartbeat);
    brokers.push(broker);
    ({ port } = message);
    return async () => {
      broker.kill("SIGKILL");
      await once(broker, "exit");
    };
  };
  /** A connected client. Its session outlives its connection when it has an id. */
  const connect = async (clientId, more = {}) => {
    const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId, clean: !clientId, reconnectPeriod: 0, ...more });
    client.on("error", () => {});
    clients.push(client);
    const inbox = new Inbox();
    client.on("message", (topic, payload, packet) => inbox.push([topic, payload.toString("latin1"), packet.retain]));
    await once(client, "connect");
    client.stream.setNoDelay();
    return { client, inbox };
  };
  const keys = async (pattern) => {
    const found = [];
    for await (const some of redis.scanStream({ match: `${prefix}${pattern}` })) found.push(...some);
    return found.map((key) => key.slice(prefix.length)).sort();
  };
  try {
    await body({ start, connect, keys, redis, prefix });
  } finally {
    for (const client of clients) client.end(true);
    for (const broker of brokers) broker.kill("SIGKILL");
    for (const key of await keys("*")) await redis.del(prefix + key);
    redis.disconnect();
  }
}

const numbered = (count, topic = "news") => Array.from({ length: count }, (_, n) => [topic, `${n}`, false]);

check("retained messages: 300 topics, wildcards, one replaced and one removed", BOTH, (protocol) =>
  withBrokers(protocol, async ({ start, connect, keys, redis, prefix }) => {
    const kill = await start();
    const { client } = await connect();
    const keep = (topic, payload) => client.publishAsync(topic, payload, { qos: 1, retain: true });
    for (let n = 0; n < 300; n += 1) await keep(`house/${n % 3}/${n}`, Buffer.concat([EVERY_BYTE, Buffer.from(`${n}`)]));
    await keep("house/0/0", "replaced");
    await keep("house/1/1", "");
    await waitUntil(async () => (await redis.hlen(`${prefix}retained`)) === 299, "the removal"); // it is acknowledged before
    assert.deepEqual(await keys("*"), ["retained"]);
    await kill();

    await start();
    const all = await connect();
    await all.client.subscribeAsync("house/#", { qos: 1 });
    const wanted = Array.from({ length: 300 }, (_, n) => [`house/${n % 3}/${n}`, `${EVERY_BYTE.toString("latin1")}${n}`, true]);
    wanted[0][1] = "replaced";
    wanted.splice(1, 1);
    assert.deepEqual((await all.inbox.take(299)).sort(), wanted.sort());
    for (const [filter, count] of [["house/2/+", 100], ["house/1/1", 0], ["house/1/4", 1]]) {
      const { client: one, inbox } = await connect();
      await one.subscribeAsync([filter, "end"], { qos: 1 });
      await one.publishAsync("end", "", { qos: 1 });
      const received = await inbox.take(count + 1);
      assert.deepEqual([received.length, received.filter(([, , retained]) => !retained)], [count + 1, [["end", "", false]]]);
    }
  }));

for (const qos of [1, 2]) {
  check(`100 messages of QoS ${qos} for a client that is away, while the broker is killed`, BOTH, (protocol) =>
    withBrokers(protocol, async ({ start, connect, keys, redis, prefix }) => {
      const kill = await start();
      const reader = await connect("reader");
      await reader.client.subscribeAsync("news", { qos });
      await reader.client.endAsync();
      const { client } = await connect();
      for (const [topic, payload] of numbered(100)) await client.publishAsync(topic, payload, { qos });
      // aedes acknowledges a message before it has put it into the queue.
      await waitUntil(async () => (await redis.llen(`${prefix}outgoing:reader`)) === 100, "the last message");
      await kill();

      await start();
      const again = await connect("reader");
      assert.deepEqual(await again.inbox.take(100), numbered(100));
      // With QoS 2 the list keeps the names of messages that are gone until the client comes again.
      const left = qos === 1 ? /^(outgoing|packet)/ : /^(outgoing:reader:|packet)/;
      await waitUntil(async () => !(await keys("*")).some((key) => left.test(key)), "the last acknowledgement");
      // Nothing comes twice: the next message is the next one.
      const writer = await connect();
      await writer.client.publishAsync("news", "last", { qos });
      assert.deepEqual(await again.inbox.take(1), [["news", "last", false]]);
      await again.client.unsubscribeAsync("news");
      assert.deepEqual((await keys("*")).filter((key) => /^client/.test(key)), []);
    }));
}

check("the broker is killed while it delivers: nothing is lost, and twice comes only what was not acknowledged", BOTH, (protocol) =>
  withBrokers(protocol, async ({ start, connect, keys, redis, prefix }) => {
    const kill = await start();
    const reader = await connect("reader");
    await reader.client.subscribeAsync("news", { qos: 1 });
    await reader.client.endAsync();
    const writer = await connect();
    for (const [topic, payload] of numbered(200)) await writer.client.publishAsync(topic, payload, { qos: 1 });
    await waitUntil(async () => (await redis.llen(`${prefix}outgoing:reader`)) === 200, "the last message");

    const first = await connect("reader");
    await waitUntil(() => first.inbox.items.length >= 50, "50 messages");
    await kill();
    const received = first.inbox.items.splice(0);

    await start();
    const second = await connect("reader");
    await waitUntil(() => second.inbox.items.at(-1)?.[1] === "199", "the last message");
    await waitUntil(async () => (await keys("outgoing*")).length === 0, "an empty queue");
    const more = second.inbox.items;
    assert.deepEqual([received, more], [numbered(200).slice(0, received.length), numbered(200).slice(200 - more.length)]);
    assert.ok(received.length + more.length >= 200, `${received.length} and ${more.length}`);
  }));

check("wills: of a lost connection, and of a broker that was killed", BOTH, (protocol) =>
  withBrokers(protocol, async ({ start, connect, keys }) => {
    const will = (payload) => ({ will: { topic: "gone", payload, qos: 1 } });
    const kill = await start();
    const watcher = await connect("watcher");
    await watcher.client.subscribeAsync("gone", { qos: 1 });
    const first = await connect(undefined, will("first"));
    const polite = await connect(undefined, will("polite"));
    await connect(undefined, will("second"));
    await waitUntil(async () => (await keys("will:*")).length === 3, "three wills");
    first.client.stream.destroy();
    assert.deepEqual(await watcher.inbox.take(1), [["gone", "first", false]]);
    await polite.client.endAsync();
    await waitUntil(async () => (await keys("will:*")).length === 1, "one will");
    await kill();

    // A broker publishes the wills of one whose heartbeats it misses. It looks for them every four heartbeats of its own.
    await start(100);
    const again = await connect("watcher");
    assert.deepEqual(await again.inbox.take(1), [["gone", "second", false]]);
    await waitUntil(async () => (await keys("will*")).length === 0, "no will");
    assert.deepEqual(again.inbox.items, []);
  }));

await run("aedes");
