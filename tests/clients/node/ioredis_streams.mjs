// ioredis's own calls for streams and their groups, and what blocks.

import assert from "node:assert/strict";
import { EVERY_BYTE, check, run, unique } from "./harness.mjs";
import { BOTH, blocked, withClients } from "./ioredis_clients.mjs";

const WRONG_TYPE = { message: "WRONGTYPE Operation against a key holding the wrong kind of value" };

/** What XREAD and XREADGROUP have found, by stream: RESP2 has lists of names and entries, RESP3 has maps. */
const found = (reply) => (reply === null ? {} : Array.isArray(reply) ? Object.fromEntries(reply) : { ...reply });
/** A map: RESP2 has it flat. */
const fields = (reply) => (Array.isArray(reply)
  ? Object.fromEntries(Array.from({ length: reply.length / 2 }, (_, n) => [reply[2 * n], reply[2 * n + 1]])) : { ...reply });
/** Entries whose field `n` holds the number before the dash. */
const entries = (...ids) => ids.map((id) => [id, ["n", id.split("-")[0]]]);

async function fill(client, key, ...ids) {
  for (const id of ids) assert.equal(await client.xadd(key, id, "n", id.split("-")[0]), id);
}

check("streams: adding, ranges, trimming, deleting", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("stream"), none = unique("none");
  assert.deepEqual([await client.xlen(none), await client.xrange(none, "-", "+"), await client.xadd(none, "NOMKSTREAM", "*", "a", "1")], [0, [], null]);
  await fill(client, key, "1-1", "1-2", "2-0", "3-0");
  assert.deepEqual([await client.xadd(key, "3-*", "n", "3"), await client.xlen(key), await client.type(key)], ["3-1", 5, "stream"]);
  await assert.rejects(client.xadd(key, "3-1", "a", "1"), { message: "ERR The ID specified in XADD is equal or smaller than the target stream top item" });
  assert.deepEqual(await client.xrange(key, "(1-1", "2"), entries("1-2", "2-0"));
  assert.deepEqual(await client.xrevrange(key, "+", "-", "COUNT", 2), entries("3-1", "3-0"));
  assert.deepEqual([await client.xdel(key, "2-0", "9-9"), await client.xlen(key)], [1, 4]);
  assert.deepEqual([await client.xtrim(key, "MAXLEN", "=", 3), await client.xtrim(key, "MINID", "3-1"), await client.xlen(key)], [1, 2, 1]);
  await client.xadd(key, "MAXLEN", "1", "*", "n", "last", "same", "1", "same", "2");
  assert.deepEqual((await client.xrange(key, "-", "+")).map(([, texts]) => texts), [["n", "last", "same", "1", "same", "2"]]);
  await client.xtrim(key, "MAXLEN", 0);
  assert.deepEqual([await client.exists(key), await client.xlen(key)], [1, 0]);
  await client.del(key);
  await Promise.all(Array.from({ length: 1000 }, (_, n) => client.xadd(key, `${n + 1}-0`, "number", n, "text", "same")));
  assert.deepEqual([await client.xtrim(key, "MAXLEN", "~", 450), await client.xlen(key)], [500, 500]);
  assert.equal(await client.xtrim(key, "MINID", "~", "750", "LIMIT", 100), 100);
  await client.set(none, "x");
  await assert.rejects(client.xadd(none, "*", "a", "b"), WRONG_TYPE);
  assert.equal(await client.del(key, none), 2);
}));

check("XREAD: several streams, from an id on, and blocked ones", BOTH, (protocol) => withClients(protocol, 3, async (client, one, two) => {
  const a = unique("a"), b = unique("b"), none = unique("none");
  await fill(client, a, "1-0", "2-0");
  await fill(client, b, "5-0");
  assert.deepEqual(found(await client.xread("STREAMS", a, b, none, "0", "0", "0")), { [a]: entries("1-0", "2-0"), [b]: entries("5-0") });
  assert.deepEqual(found(await client.xread("COUNT", 1, "STREAMS", a, b, "1-0", "5-0")), { [a]: entries("2-0") });
  assert.deepEqual([await client.xread("STREAMS", a, "$"), await client.xread("BLOCK", 1, "STREAMS", none, "0")], [null, null]);
  const [first] = await blocked(client, one, () => one.xread("BLOCK", 0, "STREAMS", a, b, "$", "$"));
  const [second] = await blocked(client, two, () => two.xread("BLOCK", 0, "STREAMS", b, "5-5"));
  await fill(client, b, "5-5", "6-0");
  assert.deepEqual([found(await first), found(await second)], [{ [b]: entries("5-5") }, { [b]: entries("6-0") }]);
  assert.equal(await client.del(a, b), 2);
}));

check("groups: reading, history, acknowledging, what is pending, claiming", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("stream"), ids = Array.from({ length: 8 }, (_, n) => `${n + 1}-0`);
  const read = async (group, consumer, id, ...more) => found(await client.xreadgroup("GROUP", group, consumer, ...more, "STREAMS", key, id));
  assert.equal(await client.xgroup("CREATE", key, "g", "0", "MKSTREAM"), "OK");
  await assert.rejects(client.xgroup("CREATE", key, "g", "0"), { message: "BUSYGROUP Consumer Group name already exists" });
  await assert.rejects(read("none", "c", ">"), { message: `NOGROUP No such key '${key}' or consumer group 'none' in XREADGROUP with GROUP option` });
  await fill(client, key, ...ids);
  assert.deepEqual(await read("g", "alice", ">", "COUNT", 3), { [key]: entries(...ids.slice(0, 3)) });
  assert.deepEqual(await read("g", "bob", ">", "COUNT", 3), { [key]: entries(...ids.slice(3, 6)) });
  assert.deepEqual(await read("g", "alice", "1-0"), { [key]: entries("2-0", "3-0") });
  assert.deepEqual([await read("g", "carol", "0"), await read("g", "carol", ">", "NOACK"), await read("g", "carol", ">")],
    [{ [key]: [] }, { [key]: entries("7-0", "8-0") }, {}]);
  assert.deepEqual(await client.xpending(key, "g"), [6, "1-0", "6-0", [["alice", "3"], ["bob", "3"]]]);
  assert.deepEqual([await client.xack(key, "g", "1-0", "1-0", "8-0"), await client.xack(key, "none", "1-0")], [1, 0]);
  const pending = await client.xpending(key, "g", "-", "+", 9, "alice");
  assert.deepEqual(pending.map(([id, consumer, , deliveries]) => [id, consumer, deliveries]), [["2-0", "alice", 2], ["3-0", "alice", 2]]);
  assert.deepEqual(await client.xpending(key, "g", "IDLE", 3_600_000, "-", "+", 9), []);
  await client.xdel(key, "2-0", "5-0");
  assert.deepEqual(await read("g", "alice", "0"), { [key]: [["2-0", null], ...entries("3-0")] });
  assert.deepEqual(await client.xclaim(key, "g", "carol", 0, "3-0", "4-0", "IDLE", 60_000, "RETRYCOUNT", 7), entries("3-0", "4-0"));
  assert.deepEqual([await client.xclaim(key, "g", "carol", 3_600_000, "6-0"), await client.xclaim(key, "g", "carol", 0, "8-0", "FORCE", "JUSTID")],
    [[], ["8-0"]]);
  const [[id, , idle, deliveries]] = await client.xpending(key, "g", "3-0", "+", 1);
  assert.deepEqual([id, idle >= 60_000, deliveries], ["3-0", true, 7]);
  assert.deepEqual(await client.xautoclaim(key, "g", "dave", 0, "0-0", "COUNT", 3), ["5-0", entries("3-0", "4-0"), ["2-0"]]);
  assert.deepEqual(await client.xautoclaim(key, "g", "dave", 0, "5-0", "JUSTID"), ["0-0", ["6-0", "8-0"], ["5-0"]]);
  assert.deepEqual([await client.xgroup("CREATECONSUMER", key, "g", "eve"), await client.xgroup("DELCONSUMER", key, "g", "dave")], [1, 4]);
  assert.deepEqual(await client.xpending(key, "g"), [0, null, null, null]);
  assert.deepEqual([await client.xgroup("SETID", key, "g", "6-0"), await read("g", "eve", ">")], ["OK", { [key]: entries("7-0", "8-0") }]);
  assert.deepEqual([await client.xgroup("DESTROY", key, "g"), await client.xgroup("DESTROY", key, "g"), await client.del(key)], [1, 0, 1]);
}));

check("XINFO", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("stream");
  await fill(client, key, "1-0", "2-0", "3-0");
  await client.xgroup("CREATE", key, "g", "0");
  await client.xreadgroup("GROUP", "g", "alice", "COUNT", 1, "STREAMS", key, ">");
  const stream = fields(await client.xinfo("STREAM", key));
  const { length, "last-generated-id": last, "entries-added": added, groups, "max-deleted-entry-id": deleted } = stream;
  assert.deepEqual([length, last, added, groups, deleted], [3, "3-0", 3, 1, "0-0"]);
  assert.deepEqual([stream["first-entry"], stream["last-entry"]], entries("1-0", "3-0"));
  assert.deepEqual((await client.xinfo("GROUPS", key)).map(fields),
    [{ name: "g", consumers: 1, pending: 1, "last-delivered-id": "1-0", "entries-read": 1, lag: 2 }]);
  const [{ name, pending, idle }] = (await client.xinfo("CONSUMERS", key, "g")).map(fields);
  assert.deepEqual([name, pending, idle >= 0 && idle < 60_000], ["alice", 1, true]);
  const full = fields(await client.xinfo("STREAM", key, "FULL", "COUNT", 2)), [group] = full.groups.map(fields);
  assert.deepEqual([full.length, full.entries, group["pel-count"], group.pending.map(([id, consumer]) => [id, consumer])],
    [3, entries("1-0", "2-0"), 1, [["1-0", "alice"]]]);
  await client.del(key);
  await assert.rejects(client.xinfo("STREAM", key), { message: "ERR no such key" });
}));

check("blocked groups: one consumer of each gets an entry, and one that hung up none", BOTH, (protocol) => withClients(protocol, 5, async (client, ...waiters) => {
  const key = unique("stream");
  const wait = (group, consumer, waiter) => blocked(client, waiter, () => waiter.xreadgroup("GROUP", group, consumer, "BLOCK", 0, "STREAMS", key, ">"));
  for (const group of ["g", "h"]) await client.xgroup("CREATE", key, group, "$", "MKSTREAM");
  const id = await waiters[0].client("ID");
  const [gone] = await wait("g", "gone", waiters[0]), [first] = await wait("g", "a", waiters[1]), [second] = await wait("g", "b", waiters[2]);
  const [other] = await wait("h", "a", waiters[3]);
  assert.equal(await client.client("KILL", "ID", id), 1);
  await assert.rejects(gone);
  await fill(client, key, "1-0");
  assert.deepEqual([found(await first), found(await other)], [{ [key]: entries("1-0") }, { [key]: entries("1-0") }]);
  await fill(client, key, "2-0");
  assert.deepEqual(found(await second), { [key]: entries("2-0") });
  assert.deepEqual((await client.xpending(key, "g"))[3], [["a", "1"], ["b", "1"]]);
  assert.equal(await client.del(key), 1);
}));

check("buffers, one of 1 MiB; MULTI, WATCH, and a script that adds", BOTH, (protocol) => withClients(protocol, 3, async (client, rival, waiter) => {
  const key = Buffer.concat([Buffer.from(unique("binary")), EVERY_BYTE]), large = Buffer.alloc(1 << 20, EVERY_BYTE);
  const id = await client.xadd(key, "*", EVERY_BYTE, large);
  const [[same, texts]] = await client.xrangeBuffer(key, "-", "+");
  assert.ok(same.equals(Buffer.from(id)) && texts[0].equals(EVERY_BYTE) && texts[1].equals(large));
  const [[, added], [, length], [, range]] = await client.multi().xadd(key, "*", "n", "1").xlen(key).xrange(key, `(${id}`, "+").exec();
  assert.deepEqual([length, range], [2, [[added, ["n", "1"]]]]);
  await client.watch(key);
  await rival.xdel(key, id);
  assert.equal(await client.multi().xlen(key).exec(), null);
  const [waits] = await blocked(client, waiter, () => waiter.xread("BLOCK", 0, "STREAMS", key, "$"));
  const ids = await client.eval("return {redis.call('XADD', KEYS[1], '*', 'n', '2'), redis.call('XADD', KEYS[1], '*', 'n', '3')}", 1, key);
  assert.deepEqual(Object.values(found(await waits)), [[[ids[0], ["n", "2"]], [ids[1], ["n", "3"]]]]);
  assert.equal(await client.del(key), 1);
}));

await run("ioredis streams");
