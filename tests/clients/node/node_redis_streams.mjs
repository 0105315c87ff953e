// node-redis' own calls for streams and their groups: the shapes that it makes of replies, and what blocks.

import assert from "node:assert/strict";
import { RESP_TYPES, WatchError } from "redis";
import { EVERY_BYTE, check, run, unique } from "./harness.mjs";
import { BOTH, blocked, withClients } from "./node_redis_clients.mjs";

const WRONG_TYPE = { message: "WRONGTYPE Operation against a key holding the wrong kind of value" };

/** Replies without the prototypes that node-redis leaves out. */
const plain = (reply) => (reply === null ? null : JSON.parse(JSON.stringify(reply)));
/** Entries whose field `n` holds the number before the dash. */
const entries = (...ids) => ids.map((id) => ({ id, message: { n: id.split("-")[0] } }));
const found = (name, ...ids) => ({ name, messages: entries(...ids) });

async function fill(client, key, ...ids) {
  for (const id of ids) assert.equal(await client.xAdd(key, id, { n: id.split("-")[0] }), id);
}

check("streams: adding, ranges, trimming, deleting", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("stream"), none = unique("none");
  assert.deepEqual([await client.xLen(none), await client.xRange(none, "-", "+"), await client.xAddNoMkStream(none, "*", { a: "1" })], [0, [], null]);
  await fill(client, key, "1-1", "1-2", "2-0", "3-0");
  assert.deepEqual([await client.xAdd(key, "3-*", { n: "3" }), await client.xLen(key), await client.type(key)], ["3-1", 5, "stream"]);
  await assert.rejects(client.xAdd(key, "3-1", { a: "1" }), { message: "ERR The ID specified in XADD is equal or smaller than the target stream top item" });
  assert.deepEqual(plain(await client.xRange(key, "(1-1", "2")), entries("1-2", "2-0"));
  assert.deepEqual(plain(await client.xRevRange(key, "+", "-", { COUNT: 2 })), entries("3-1", "3-0"));
  assert.deepEqual([await client.xDel(key, ["2-0", "9-9"]), await client.xLen(key)], [1, 4]);
  assert.deepEqual([await client.xTrim(key, "MAXLEN", 3), await client.xTrim(key, "MINID", "3-1"), await client.xLen(key)], [1, 2, 1]);
  await client.xAdd(key, "*", { n: "last" }, { TRIM: { strategy: "MAXLEN", strategyModifier: "=", threshold: 1 } });
  assert.deepEqual((await client.xRange(key, "-", "+")).map(({ message }) => message.n), ["last"]);
  await client.xTrim(key, "MAXLEN", 0);
  assert.deepEqual([await client.exists(key), await client.xLen(key)], [1, 0]);
  await client.xSetId(key, "9999999999999-5", { ENTRIESADDED: 100, MAXDELETEDID: "5-5" });
  assert.equal(await client.xAdd(key, "9999999999999-*", { n: "x" }), "9999999999999-6");
  assert.equal((await client.xInfoStream(key))["entries-added"], 101);
  await client.del(key);
  await Promise.all(Array.from({ length: 1000 }, (_, n) => client.xAdd(key, `${n + 1}-0`, { number: `${n}`, text: "same" })));
  assert.deepEqual([await client.xTrim(key, "MAXLEN", 450, { strategyModifier: "~" }), await client.xLen(key)], [500, 500]);
  assert.equal(await client.xTrim(key, "MINID", "750", { strategyModifier: "~", LIMIT: 100 }), 100);
  await client.set(none, "x");
  await assert.rejects(client.xAdd(none, "*", { a: "b" }), WRONG_TYPE);
  assert.equal(await client.del([key, none]), 2);
}));

check("xRead: several streams, from an id on, and blocked ones", BOTH, (protocol) => withClients(protocol, 3, async (client, one, two) => {
  const a = unique("a"), b = unique("b"), none = unique("none");
  await fill(client, a, "1-0", "2-0");
  await fill(client, b, "5-0");
  const from = (...ids) => [a, b, none].slice(0, ids.length).map((key, n) => ({ key, id: ids[n] }));
  assert.deepEqual(plain(await client.xRead(from("0", "0", "0"))), [found(a, "1-0", "2-0"), found(b, "5-0")]);
  assert.deepEqual(plain(await client.xRead(from("1-0", "5-0"), { COUNT: 1 })), [found(a, "2-0")]);
  assert.deepEqual([await client.xRead(from("$")), await client.xRead({ key: none, id: "0" }, { BLOCK: 1 })], [null, null]);
  const [first] = await blocked(client, one, (waiter) => waiter.xRead(from("$", "$"), { BLOCK: 0 }));
  const [second] = await blocked(client, two, (waiter) => waiter.xRead({ key: b, id: "5-5" }, { BLOCK: 0 }));
  await fill(client, b, "5-5", "6-0");
  assert.deepEqual([plain(await first), plain(await second)], [[found(b, "5-5")], [found(b, "6-0")]]);
  assert.equal(await client.del([a, b]), 2);
}));

check("groups: reading, history, acknowledging, what is pending, claiming", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("stream"), ids = Array.from({ length: 8 }, (_, n) => `${n + 1}-0`);
  const read = (group, consumer, id, more) => client.xReadGroup(group, consumer, { key, id }, more);
  assert.equal(await client.xGroupCreate(key, "g", "0", { MKSTREAM: true }), "OK");
  await assert.rejects(client.xGroupCreate(key, "g", "0"), { message: "BUSYGROUP Consumer Group name already exists" });
  await assert.rejects(read("none", "c", ">"), { message: `NOGROUP No such key '${key}' or consumer group 'none' in XREADGROUP with GROUP option` });
  await fill(client, key, ...ids);
  assert.deepEqual(plain(await read("g", "alice", ">", { COUNT: 3 })), [found(key, ...ids.slice(0, 3))]);
  assert.deepEqual(plain(await read("g", "bob", ">", { COUNT: 3 })), [found(key, ...ids.slice(3, 6))]);
  assert.deepEqual(plain(await read("g", "alice", "1-0")), [found(key, "2-0", "3-0")]);
  assert.deepEqual(plain(await read("g", "carol", "0")), [found(key)]);
  assert.deepEqual(plain(await read("g", "carol", ">", { NOACK: true })), [found(key, "7-0", "8-0")]);
  assert.equal(await read("g", "carol", ">"), null);
  assert.deepEqual(plain(await client.xPending(key, "g")),
    { pending: 6, firstId: "1-0", lastId: "6-0", consumers: [{ name: "alice", deliveriesCounter: 3 }, { name: "bob", deliveriesCounter: 3 }] });
  assert.deepEqual([await client.xAck(key, "g", ["1-0", "1-0", "8-0"]), await client.xAck(key, "none", "1-0")], [1, 0]);
  const pending = await client.xPendingRange(key, "g", "-", "+", 9, { consumer: "alice" });
  assert.deepEqual(pending.map(({ id, consumer, deliveriesCounter }) => [id, consumer, deliveriesCounter]), [["2-0", "alice", 2], ["3-0", "alice", 2]]);
  assert.deepEqual(await client.xPendingRange(key, "g", "-", "+", 9, { IDLE: 3_600_000 }), []);
  await client.xDel(key, ["2-0", "5-0"]);
  assert.deepEqual(plain(await client.xClaim(key, "g", "carol", 0, ["3-0", "4-0"], { IDLE: 60_000, RETRYCOUNT: 7 })), entries("3-0", "4-0"));
  assert.deepEqual(await client.xClaim(key, "g", "carol", 3_600_000, "6-0"), []);
  assert.deepEqual(await client.xClaimJustId(key, "g", "carol", 0, "8-0", { FORCE: true }), ["8-0"]);
  const [{ id, millisecondsSinceLastDelivery, deliveriesCounter }] = await client.xPendingRange(key, "g", "3-0", "+", 1);
  assert.deepEqual([id, millisecondsSinceLastDelivery >= 60_000, deliveriesCounter], ["3-0", true, 7]);
  assert.deepEqual(plain(await client.xAutoClaim(key, "g", "dave", 0, "0-0", { COUNT: 3 })),
    { nextId: "5-0", messages: entries("3-0", "4-0"), deletedMessages: ["2-0"] });
  assert.deepEqual(plain(await client.xAutoClaimJustId(key, "g", "dave", 0, "5-0")), { nextId: "0-0", messages: ["6-0", "8-0"], deletedMessages: ["5-0"] });
  assert.deepEqual([await client.xGroupCreateConsumer(key, "g", "eve"), await client.xGroupDelConsumer(key, "g", "dave")], [1, 4]);
  assert.deepEqual(plain(await client.xPending(key, "g")), { pending: 0, firstId: null, lastId: null, consumers: null });
  assert.equal(await client.xGroupSetId(key, "g", "6-0"), "OK");
  assert.deepEqual(plain(await read("g", "eve", ">")), [found(key, "7-0", "8-0")]);
  assert.deepEqual([await client.xGroupDestroy(key, "g"), await client.xGroupDestroy(key, "g"), await client.del(key)], [1, 0, 1]);
}));

check("xInfoStream, xInfoGroups, xInfoConsumers", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("stream");
  await fill(client, key, "1-0", "2-0", "3-0");
  await client.xGroupCreate(key, "g", "0");
  await client.xReadGroup("g", "alice", { key, id: ">" }, { COUNT: 1 });
  const stream = plain(await client.xInfoStream(key));
  const { length, "last-generated-id": last, "entries-added": added, groups, "max-deleted-entry-id": deleted } = stream;
  assert.deepEqual([length, last, added, groups, deleted], [3, "3-0", 3, 1, "0-0"]);
  assert.deepEqual([stream["first-entry"], stream["last-entry"]], entries("1-0", "3-0"));
  assert.deepEqual(plain(await client.xInfoGroups(key)),
    [{ name: "g", consumers: 1, pending: 1, "last-delivered-id": "1-0", "entries-read": 1, lag: 2 }]);
  const [{ name, pending, idle }] = await client.xInfoConsumers(key, "g");
  assert.deepEqual([name, pending, idle >= 0 && idle < 60_000], ["alice", 1, true]);
  await client.del(key);
  await assert.rejects(client.xInfoStream(key), { message: "ERR no such key" });
}));

check("blocked groups: one consumer of each gets an entry, and one that hung up none", BOTH, (protocol) => withClients(protocol, 5, async (client, ...waiters) => {
  const key = unique("stream");
  const wait = (group, consumer, n) => blocked(client, waiters[n], (waiter) => waiter.xReadGroup(group, consumer, { key, id: ">" }, { BLOCK: 0 }));
  for (const group of ["g", "h"]) await client.xGroupCreate(key, group, "$", { MKSTREAM: true });
  const gonesId = await waiters[0].clientId();
  const [gone] = await wait("g", "gone", 0), [first] = await wait("g", "a", 1), [second] = await wait("g", "b", 2), [other] = await wait("h", "a", 3);
  assert.equal(await client.clientKill({ filter: "ID", id: gonesId }), 1);
  await assert.rejects(gone);
  await fill(client, key, "1-0");
  assert.deepEqual([plain(await first), plain(await other)], [[found(key, "1-0")], [found(key, "1-0")]]);
  await fill(client, key, "2-0");
  assert.deepEqual(plain(await second), [found(key, "2-0")]);
  assert.deepEqual((await client.xPending(key, "g")).consumers.map(({ name }) => name), ["a", "b"]);
  assert.equal(await client.del(key), 1);
}));

check("buffers, one of 1 MiB; MULTI and WATCH", BOTH, (protocol) => withClients(protocol, 2, async (client, rival) => {
  const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const key = Buffer.concat([Buffer.from(unique("binary")), EVERY_BYTE]), large = Buffer.alloc(1 << 20, EVERY_BYTE);
  const id = await client.xAdd(key, "*", { large });
  const [{ id: same, message }] = await buffers.xRange(key, "-", "+");
  assert.ok(same.equals(Buffer.from(id)) && message.large.equals(large));
  const [added, length, range] = await client.multi().xAdd(key, "*", { n: "1" }).xLen(key).xRange(key, "(" + id, "+").exec();
  assert.deepEqual([length, range.map((one) => one.id)], [2, [added]]);
  await client.watch(key);
  await rival.xDel(key, id);
  await assert.rejects(client.multi().xLen(key).exec(), WatchError);
  assert.equal(await client.del(key), 1);
}));

await run("node-redis streams");
