// node-redis.

import assert from "node:assert/strict";
import { createClient, RESP_TYPES } from "redis";
import { AUTH_PORT, EVERY_BYTE, Inbox, PASSWORD, PORT, UNIX_SOCKET, check, run, unique, waitUntil } from "./harness.mjs";

const BOTH = ["RESP2", "RESP3"];

function create(protocol, options = {}) {
  const client = createClient({ RESP: Number(protocol.at(-1)), socket: { host: "127.0.0.1", port: PORT }, ...options });
  client.on("error", () => {}); // without a listener a lost connection would end the process
  return client;
}

/** Runs `body` with two connected clients, one to subscribe, and closes them. */
async function withClients(protocol, body, options = {}) {
  const publisher = await create(protocol).connect();
  const subscriber = await create(protocol, options).connect();
  try {
    await body(publisher, subscriber);
  } finally {
    subscriber.destroy();
    publisher.destroy();
  }
}

check("connection commands", BOTH, async (protocol) => {
  const client = await create(protocol, { name: "node-checker", database: 1 }).connect();
  assert.equal(await client.ping(), "PONG");
  assert.equal(await client.ping("hello"), "hello");
  assert.equal(await client.echo("hello"), "hello");
  await client.select(0);
  assert.equal(await client.clientGetName(), "node-checker");
  const id = await client.clientId();
  const own = await client.clientInfo();
  assert.deepEqual([own.id, own.name, own.db, own.resp], [id, "node-checker", 0, Number(protocol.at(-1))]);
  assert.ok((await client.clientList()).some((entry) => entry.id === id && entry.name === "node-checker"));
  assert.match(await client.info("server"), /^redis_version:\d+\.\d+\.\d+\r$/m);
  assert.deepEqual(Object.keys(await client.configGet("maxclients")), ["maxclients"]);
  assert.deepEqual(Object.keys(await client.configGet("no-such-setting")), []);
  const list = await client.commandList();
  assert.equal(await client.commandCount(), list.filter((name) => !name.includes("|")).length);
  assert.equal((await client.commandInfo(["publish"]))[0].arity, 3);
  await assert.rejects(client.sendCommand(["NOSUCHCOMMAND", "x"]),
    { message: "ERR unknown command 'NOSUCHCOMMAND', with args beginning with: 'x' " });
  await client.close();
  assert.equal(client.isOpen, false);
});

check("QUIT", BOTH, async (protocol) => {
  const client = await create(protocol).connect();
  assert.equal(await client.sendCommand(["QUIT"]), "OK");
  client.destroy();
});

check("AUTH with a right, a wrong and no password", BOTH, async (protocol) => {
  const socket = { host: "127.0.0.1", port: AUTH_PORT, reconnectStrategy: false };
  for (const options of [{ password: PASSWORD }, { username: "default", password: PASSWORD }]) {
    const client = await create(protocol, { socket, ...options }).connect();
    assert.equal(await client.publish(unique("auth"), "x"), 0);
    await assert.rejects(client.auth({ password: "wrong" }), /^Error: WRONGPASS/);
    await client.close();
  }
  const wrong = create(protocol, { socket, password: "wrong" });
  await assert.rejects(wrong.connect(), /WRONGPASS invalid username-password pair or user is disabled\./);
  const none = create(protocol, { socket });
  await assert.rejects(none.connect().then(() => none.ping()), /NOAUTH/);
  none.destroy();
});

check("over the Unix socket", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher, subscriber) => {
    const channel = unique("unix"), inbox = new Inbox();
    await subscriber.subscribe(channel, inbox.push);
    assert.equal(await publisher.publish(channel, "from tcp"), 1);
    assert.deepEqual(await inbox.take(1), [["from tcp", channel]]);
  }, { socket: { path: UNIX_SOCKET } });
});

check("subscribe, publish, unsubscribe", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher, subscriber) => {
    const a = unique("a"), b = unique("b"), inbox = new Inbox();
    await subscriber.subscribe([a, b], inbox.push);
    assert.equal(await publisher.publish(a, "to a"), 1);
    assert.equal(await publisher.publish(b, ""), 1);
    assert.deepEqual(await inbox.take(2), [["to a", a], ["", b]]);
    assert.deepEqual({ ...(await publisher.pubSubNumSub([a, b])) }, { [a]: 1, [b]: 1 });
    assert.deepEqual(await publisher.pubSubChannels(a), [a]);
    await subscriber.unsubscribe(a);
    assert.equal(await publisher.publish(a, "nobody"), 0);
    await subscriber.unsubscribe();
    assert.equal(await publisher.publish(b, "nobody"), 0);
    // Out of the subscribed mode the connection takes every command again.
    assert.equal(await subscriber.publish(b, "nobody"), 0);
    assert.deepEqual(inbox.items, []);
  });
});

check("PING and pSubscribe on a subscribed connection", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher, subscriber) => {
    const stem = unique("news"), exact = new Inbox(), pattern = new Inbox();
    const patterns = await publisher.pubSubNumPat();
    await subscriber.subscribe(`${stem}.art`, exact.push);
    await subscriber.pSubscribe(`${stem}.*`, pattern.push);
    await subscriber.ping();
    assert.equal(await publisher.pubSubNumPat(), patterns + 1);
    assert.equal(await publisher.publish(`${stem}.art`, "both"), 2);
    assert.equal(await publisher.publish(`${stem}.cat`, "one"), 1);
    assert.deepEqual(await exact.take(1), [["both", `${stem}.art`]]);
    assert.deepEqual(await pattern.take(2), [["both", `${stem}.art`], ["one", `${stem}.cat`]]);
    await subscriber.pUnsubscribe(`${stem}.*`);
    assert.equal(await publisher.publish(`${stem}.cat`, "nobody"), 0);
  });
});

check("a RESP3 subscriber also publishes, to itself", async () => {
  const client = await create("RESP3").connect();
  const channel = unique("self"), inbox = new Inbox();
  await client.subscribe(channel, inbox.push);
  assert.deepEqual(await Promise.all([client.publish(channel, "1"), client.echo("between"), client.publish(channel, "2")]),
    [1, "between", 1]);
  assert.deepEqual(await inbox.take(2), [["1", channel], ["2", channel]]);
  client.destroy();
});

check("sSubscribe and sPublish", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher, subscriber) => {
    const channel = unique("shard"), inbox = new Inbox();
    await subscriber.sSubscribe(channel, inbox.push);
    assert.equal(await publisher.publish(channel, "not for shards"), 0);
    assert.equal(await publisher.sPublish(channel, "for shards"), 1);
    assert.deepEqual(await inbox.take(1), [["for shards", channel]]);
    assert.deepEqual({ ...(await publisher.pubSubShardNumSub([channel])) }, { [channel]: 1 });
    assert.deepEqual(await publisher.pubSubShardChannels(channel), [channel]);
    await subscriber.sUnsubscribe(channel);
    assert.equal(await publisher.sPublish(channel, "nobody"), 0);
  });
});

check("binary payloads, one of 1 MiB, in buffer mode", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher, subscriber) => {
    const channel = unique("binary"), inbox = new Inbox(), patterns = new Inbox();
    const large = Buffer.alloc(1 << 20, EVERY_BYTE);
    await subscriber.subscribe(channel, inbox.push, true);
    await subscriber.pSubscribe(`${channel}*`, patterns.push, true);
    for (const payload of [EVERY_BYTE, large]) assert.equal(await publisher.publish(channel, payload), 2);
    for (const box of [inbox, patterns]) {
      const [[small, name], [big]] = await box.take(2);
      assert.ok(Buffer.isBuffer(name) && name.toString() === channel);
      assert.ok(small.equals(EVERY_BYTE));
      assert.ok(big.equals(large));
    }
    const buffers = publisher.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    assert.ok((await buffers.echo(EVERY_BYTE)).equals(EVERY_BYTE));
  });
});

check("1,000 PUBLISH at once arrive in order", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher, subscriber) => {
    const channel = unique("burst"), inbox = new Inbox();
    const numbers = Array.from({ length: 1000 }, (_, i) => String(i));
    await subscriber.subscribe(channel, (message) => inbox.push(message));
    const replies = await Promise.all(numbers.map((number) => publisher.publish(channel, number)));
    assert.ok(replies.every((reply) => reply === 1));
    assert.deepEqual(await inbox.take(1000), numbers);
  });
});

check("duplicate()", BOTH, async (protocol) => {
  await withClients(protocol, async (publisher) => {
    const channel = unique("duplicate"), inbox = new Inbox();
    const subscriber = await publisher.duplicate().connect();
    await subscriber.subscribe(channel, inbox.push);
    assert.equal(await publisher.publish(channel, "hi"), 1);
    assert.deepEqual(await inbox.take(1), [["hi", channel]]);
    await subscriber.close();
    await waitUntil(async () => (await publisher.publish(channel, "probe")) === 0, "the subscriber's disconnection");
  });
});

check("after CLIENT KILL TYPE pubsub the client reconnects and subscribes again", BOTH, async (protocol) => {
  const name = unique("victim");
  await withClients(protocol, async (publisher, subscriber) => {
    const stem = unique("kill"), inbox = new Inbox();
    await subscriber.subscribe(`${stem}.c`, inbox.push);
    await subscriber.pSubscribe(`${stem}.p*`, inbox.push);
    await subscriber.sSubscribe(`${stem}.s`, inbox.push);
    const victim = async () => (await publisher.clientList({ TYPE: "PUBSUB" })).find((entry) => entry.name === name);
    const before = await victim();
    assert.deepEqual([before.sub, before.psub, before.ssub, before.flags], [1, 1, 1, "P"]);
    assert.ok((await publisher.clientKill({ filter: "TYPE", type: "pubsub" })) >= 1);
    await waitUntil(async () => {
      const now = await victim();
      return now && now.id !== before.id && now.sub === 1 && now.psub === 1 && now.ssub === 1;
    }, "the new subscriptions");
    assert.equal(await publisher.publish(`${stem}.c`, "1"), 1);
    assert.equal(await publisher.publish(`${stem}.p1`, "2"), 1);
    assert.equal(await publisher.sPublish(`${stem}.s`, "3"), 1);
    assert.deepEqual(await inbox.take(3), [["1", `${stem}.c`], ["2", `${stem}.p1`], ["3", `${stem}.s`]]);
  }, { name });
});

await run("node-redis");
