// node-redis' own calls for hashes, sets, sorted sets, bits, HyperLogLog and places, and blocking pops of sorted sets.

import assert from "node:assert/strict";
import { RESP_TYPES, WatchError } from "redis";
import { EVERY_BYTE, check, run, unique } from "./harness.mjs";
import { BOTH, blocked, withClients } from "./node_redis_clients.mjs";

const WRONG_TYPE = { message: "WRONGTYPE Operation against a key holding the wrong kind of value" };

const sorted = (list) => [...list].sort();
/** ["a", 1, "b", 2] as node-redis has members with scores. */
const scored = (...flat) => Array.from({ length: flat.length / 2 }, (_, n) => ({ value: flat[2 * n], score: flat[2 * n + 1] }));

check("hashes", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("hash"), none = unique("none");
  assert.deepEqual([await client.hSet(key, "a", "1"), await client.hSet(key, { a: "2", b: "x", "": "empty" })], [1, 2]);
  assert.equal(await client.hSet(key, new Map([["m", "5"]])), 1);
  assert.deepEqual([await client.hSetNX(key, "a", "9"), await client.hSetNX(key, "new", "9")], [0, 1]);
  assert.deepEqual([await client.hGet(key, "a"), await client.hGet(key, "none"), await client.hGet(none, "a")], ["2", null, null]);
  assert.deepEqual({ ...(await client.hGetAll(key)) }, { a: "2", b: "x", "": "empty", m: "5", new: "9" });
  assert.deepEqual({ ...(await client.hGetAll(none)) }, {});
  assert.deepEqual(await client.hmGet(key, ["b", "none", "a"]), ["x", null, "2"]);
  assert.deepEqual([sorted(await client.hKeys(key)), sorted(await client.hVals(key)), await client.hLen(key)],
    [["", "a", "b", "m", "new"], ["2", "5", "9", "empty", "x"], 5]);
  assert.deepEqual([await client.hExists(key, ""), await client.hExists(key, "none"), await client.hStrLen(key, "")], [1, 0, 5]);
  assert.deepEqual([await client.hIncrBy(key, "a", 40), await client.hIncrByFloat(key, "a", 0.5)], [42, "42.5"]);
  await assert.rejects(client.hIncrBy(key, "b", 1), { message: "ERR hash value is not an integer" });
  assert.equal(await client.hDel(key, ["b", "m", "none"]), 2);
  assert.deepEqual([sorted(await client.hRandFieldCount(key, 9)), (await client.hRandFieldCount(key, -9)).length], [["", "a", "new"], 9]);
  assert.deepEqual(sorted((await client.hRandFieldCountWithValues(key, 9)).map(({ field, value }) => `${field}=${value}`)), ["=empty", "a=42.5", "new=9"]);
  assert.deepEqual([await client.hRandField(none), await client.type(key)], [null, "hash"]);
  await assert.rejects(client.sAdd(key, "x"), WRONG_TYPE);
  assert.deepEqual([await client.hDel(key, ["a", "", "new"]), await client.exists(key)], [3, 0]);
}));

check("sets", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const a = unique("a"), b = unique("b"), to = unique("to"), none = unique("none");
  assert.deepEqual([await client.sAdd(a, [..."123456"]), await client.sAdd(a, "6"), await client.sAdd(b, [..."56789"])], [6, 0, 5]);
  assert.deepEqual([await client.sCard(a), sorted(await client.sMembers(a)), [...(await client.sMembers(none))]], [6, [..."123456"], []]);
  assert.deepEqual([await client.sIsMember(a, "1"), await client.sIsMember(a, "9"), await client.smIsMember(a, ["1", "9"])], [1, 0, [1, 0]]);
  assert.deepEqual([sorted(await client.sInter([a, b])), sorted(await client.sUnion([a, b])), sorted(await client.sDiff([a, b]))],
    [["5", "6"], [..."123456789"], [..."1234"]]);
  assert.deepEqual([await client.sInterCard([a, b]), await client.sInterCard([a, b], { LIMIT: 1 })], [2, 1]);
  assert.deepEqual([await client.sInterStore(to, [a, b]), await client.sUnionStore(to, [a, b]), await client.sDiffStore(to, [b, a])], [2, 9, 3]);
  assert.deepEqual([await client.sMove(a, to, "1"), await client.sMove(a, to, "1"), await client.sRem(a, ["2", "9"])], [1, 0, 1]);
  assert.deepEqual([sorted(await client.sMembers(to)), sorted(await client.sRandMemberCount(a, 9)), await client.sRandMember(none)],
    [["1", "7", "8", "9"], [..."3456"], null]);
  const popped = [await client.sPop(a), ...(await client.sPopCount(a, 9))];
  assert.deepEqual([sorted(popped), await client.sPop(a), await client.exists(a)], [[..."3456"], null, 0]);
  assert.deepEqual(await client.sort(b, { DIRECTION: "DESC", LIMIT: { offset: 0, count: 2 } }), ["9", "8"]);
  await assert.rejects(client.hSet(b, "a", "b"), WRONG_TYPE);
  assert.equal(await client.del([b, to]), 2);
}));

check("sorted sets", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("zset"), other = unique("other"), to = unique("to"), none = unique("none");
  assert.equal(await client.zAdd(key, scored("a", 1, "b", 2.5, "c", 3, "top", Infinity, "bottom", -Infinity)), 5);
  assert.deepEqual([await client.zAdd(key, scored("a", 9, "new", 1), { condition: "NX" }),
    await client.zAdd(key, scored("a", 1.75, "none", 9), { condition: "XX", CH: true })], [1, 1]);
  assert.deepEqual([await client.zAdd(key, scored("b", 1), { comparison: "GT", CH: true }),
    await client.zAdd(key, scored("b", 2.25), { comparison: "LT", CH: true })], [0, 1]);
  assert.deepEqual([await client.zAddIncr(key, scored("b", 0.25)[0]), await client.zAddIncr(key, scored("b", 1)[0], { condition: "NX" })], [2.5, null]);
  assert.deepEqual([await client.zIncrBy(key, 0.5, "c"), await client.zScore(key, "top"), await client.zScore(key, "none")], [3.5, Infinity, null]);
  assert.deepEqual([await client.zmScore(key, ["a", "none", "bottom"]), await client.zCard(key)], [[1.75, null, -Infinity], 6]);
  assert.deepEqual(await client.zRange(key, 0, -1), ["bottom", "new", "a", "b", "c", "top"]);
  assert.deepEqual([await client.zRank(key, "a"), await client.zRevRank(key, "a"), await client.zRank(key, "none")], [2, 3, null]);
  assert.deepEqual(await client.zRangeWithScores(key, 0, 2), scored("bottom", -Infinity, "new", 1, "a", 1.75));
  assert.deepEqual(await client.zRangeWithScores(key, 0, 1, { REV: true }), scored("top", Infinity, "c", 3.5));
  assert.deepEqual(await client.zRange(key, "+inf", "(1", { BY: "SCORE", REV: true, LIMIT: { offset: 1, count: 2 } }), ["c", "b"]);
  assert.deepEqual(await client.zRangeByScoreWithScores(key, "-inf", 2, { LIMIT: { offset: 1, count: 2 } }), scored("new", 1, "a", 1.75));
  assert.deepEqual([await client.zRangeByScore(key, "(1", 3.5), await client.zCount(key, "(1", 3.5)], [["a", "b", "c"], 3]);
  assert.deepEqual([await client.zRem(key, ["bottom", "none"]), await client.zRemRangeByScore(key, 3, 4), await client.zRemRangeByRank(key, 0, 0)],
    [1, 1, 1]);
  assert.deepEqual([await client.zPopMin(key), await client.zPopMaxCount(key, 9)], [scored("a", 1.75)[0], scored("top", Infinity, "b", 2.5)]);
  assert.deepEqual([await client.zPopMin(key), await client.zPopMaxCount(key, 2), await client.exists(key)], [null, [], 0]);

  await client.zAdd(key, [..."abcdefg"].map((value) => ({ value, score: 0 })));
  assert.deepEqual([await client.zRangeByLex(key, "[b", "(d"), await client.zRange(key, "+", "[e", { BY: "LEX", REV: true, LIMIT: { offset: 1, count: 1 } })],
    [["b", "c"], ["f"]]);
  assert.deepEqual([await client.zLexCount(key, "-", "(c"), await client.zRemRangeByLex(key, "[c", "+")], [2, 5]);
  assert.deepEqual([sorted(await client.zRandMemberCount(key, 9)), (await client.zRandMemberCount(key, -9)).length, await client.zRandMember(none)],
    [["a", "b"], 9, null]);
  assert.deepEqual((await client.zRandMemberCountWithScores(key, -1)).map(({ score }) => score), [0]);
  await client.zAdd(other, scored("b", 1, "z", 2));
  assert.deepEqual(await client.zUnionWithScores([{ key, weight: 1 }, { key: other, weight: 2 }]), scored("a", 0, "b", 2, "z", 4));
  assert.deepEqual(await client.zInterWithScores([key, other], { AGGREGATE: "MAX" }), scored("b", 1));
  assert.deepEqual([await client.zDiff([key, other]), await client.zDiffWithScores([other, key]), await client.zInterCard([key, other])],
    [["a"], scored("z", 2), 1]);
  assert.deepEqual([await client.zUnionStore(to, [key, other]), await client.zInterStore(to, [key, other]), await client.zDiffStore(to, [other, key]),
    await client.zRangeStore(to, key, 0, -1)], [3, 1, 1, 2]);
  assert.deepEqual(await client.zmPop([none, to], "MAX", { COUNT: 9 }), { key: to, members: scored("b", 0, "a", 0) });
  assert.equal(await client.zmPop([none, to], "MIN"), null);
  await assert.rejects(client.zRange(key, "x", 1, { BY: "SCORE" }), { message: "ERR min or max is not a float" });
  await assert.rejects(client.lPush(key, "x"), WRONG_TYPE);
  assert.equal(await client.del([key, other]), 2);
}));

check("blocking pops of sorted sets: at once, in vain, and waiting for a member", BOTH, (protocol) =>
  withClients(protocol, 2, async (client, worker) => {
    const a = unique("a"), b = unique("b");
    await client.zAdd(b, scored("x", 1, "y", 2.5, "z", 3));
    assert.deepEqual({ ...(await worker.bzPopMin([a, b], 1)) }, { key: b, value: "x", score: 1 });
    assert.deepEqual({ ...(await worker.bzPopMax([a, b], 1)) }, { key: b, value: "z", score: 3 });
    assert.deepEqual(await worker.bzmPop(1, [a, b], "MIN", { COUNT: 9 }), { key: b, members: scored("y", 2.5) });
    assert.deepEqual([await worker.bzPopMin(a, 0.01), await worker.bzPopMax(a, 0.01), await worker.bzmPop(0.01, a, "MAX")], [null, null, null]);
    for (const [command, wanted] of [
      [() => worker.bzPopMin([b, a], 0), { key: a, value: "low", score: 1 }],
      [() => worker.bzPopMax(a, 0), { key: a, value: "high", score: Infinity }],
    ]) {
      const [outcome] = await blocked(client, worker, command);
      assert.equal(await client.zAdd(a, scored("high", Infinity, "low", 1)), 2);
      assert.deepEqual({ ...(await outcome) }, wanted);
      await client.del(a);
    }
    // In EXEC, the waiter gets what is there at the end.
    const [outcome] = await blocked(client, worker, () => worker.bzmPop(0, [b, a], "MIN", { COUNT: 2 }));
    assert.deepEqual(await client.multi().zAdd(a, scored("five", 5)).zAdd(a, scored("three", 3)).zIncrBy(a, -4, "five").exec(), [1, 1, 1]);
    assert.deepEqual([await outcome, await client.exists(a)], [{ key: a, members: scored("five", 1, "three", 3) }, 0]);
  }));

check("bits, LCS and HyperLogLog", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const a = unique("a"), b = unique("b"), to = unique("to");
  assert.deepEqual([await client.setBit(a, 7, 1), await client.setBit(a, 7, 1), await client.getBit(a, 7)], [0, 1, 1]);
  await client.mSet([[a, Buffer.from("fff000", "hex")], [b, Buffer.from("0f0f", "hex")]]);
  assert.deepEqual([await client.bitCount(a), await client.bitCount(a, { start: 1, end: -1 }), await client.bitCount(a, { start: 4, end: 11, mode: "BIT" })],
    [12, 4, 8]);
  assert.deepEqual([await client.bitPos(a, 0), await client.bitPos(a, 1, 2), await client.bitOp("XOR", to, [a, b])], [12, -1, 3]);
  const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  assert.equal((await buffers.get(to)).toString("hex"), "f0ff00");
  assert.deepEqual(await client.bitField(to, [
    { operation: "OVERFLOW", behavior: "FAIL" },
    { operation: "INCRBY", encoding: "u8", offset: 0, increment: 15 },
    { operation: "INCRBY", encoding: "u8", offset: 0, increment: 1 },
    { operation: "GET", encoding: "i8", offset: 0 },
    { operation: "SET", encoding: "u4", offset: "#1", value: 0 },
  ]), [255, null, -1, 15]);
  assert.deepEqual(await client.bitFieldRo(to, [{ encoding: "u8", offset: 0 }]), [240]);
  await client.mSet({ [a]: "ohmytext", [b]: "mynewtext" });
  assert.deepEqual([await client.lcs(a, b), await client.lcsLen(a, b)], ["mytext", 6]);
  assert.deepEqual({ ...(await client.lcsIdxWithMatchLen(a, b, { MINMATCHLEN: 4 })) }, { matches: [[[4, 7], [5, 8], 4]], len: 6 });
  await client.del([a, b, to]);
  assert.deepEqual([await client.pfAdd(a, [..."abcde"]), await client.pfAdd(a, "a"), await client.pfAdd(b, [..."defg"])], [1, 0, 1]);
  assert.deepEqual([await client.pfCount([a, b]), await client.pfMerge(to, [a, b]), await client.pfCount(to)], [7, "OK", 7]);
  assert.equal(await client.del([a, b, to]), 3);
}));

check("places", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("geo"), to = unique("to"), center = { longitude: 15, latitude: 37 };
  assert.equal(await client.geoAdd(key, [{ longitude: 13.361389, latitude: 38.115556, member: "Palermo" },
    { longitude: 15.087269, latitude: 37.502669, member: "Catania" }]), 2);
  assert.deepEqual([await client.geoDist(key, "Palermo", "Catania", "km"), await client.geoDist(key, "Palermo", "none")], [166.2742, null]);
  assert.deepEqual(await client.geoHash(key, ["Palermo", "none"]), ["sqc8b49rny0", null]);
  const [{ longitude, latitude }, nowhere] = await client.geoPos(key, ["Palermo", "none"]);
  assert.deepEqual([Number(longitude).toFixed(6), Number(latitude).toFixed(6), nowhere], ["13.361389", "38.115556", null]);
  assert.deepEqual(await client.geoSearch(key, center, { radius: 200, unit: "km" }, { SORT: "ASC" }), ["Catania", "Palermo"]);
  const found = await client.geoSearchWith(key, "Palermo", { width: 400, height: 400, unit: "km" }, ["WITHDIST", "WITHHASH"], { SORT: "DESC" });
  assert.deepEqual(found.map(({ member, distance, hash }) => [member, distance, hash]),
    [["Catania", 166.2742, 3479447370796909], ["Palermo", 0, 3479099956230698]]);
  assert.deepEqual(await client.geoRadius(key, center, 200, "km", { SORT: "ASC", COUNT: 1 }), ["Catania"]);
  assert.equal(await client.geoSearchStore(to, key, center, { radius: 100, unit: "km" }, { STOREDIST: true }), 1);
  assert.deepEqual([await client.zRange(to, 0, -1), await client.del([key, to])], [["Catania"], 2]);
}));

check("hScanIterator, sScanIterator and zScanIterator see each of 1,000 members once; scanIterator its type", BOTH, (protocol) =>
  withClients(protocol, 1, async (client) => {
    const key = unique("scan"), names = Array.from({ length: 1000 }, (_, n) => `member:${n}`);
    const seen = async (iterator, text = String) => {
      const all = [];
      for await (const items of iterator) all.push(...items.map(text));
      return all.sort();
    };
    const wanted = sorted(names.map((name, n) => `${name}=${n}`));
    for (const more of [{}, { COUNT: 7 }, { MATCH: "*" }]) {
      await client.hSet(key, Object.fromEntries(names.map((name, n) => [name, n])));
      assert.deepEqual(await seen(client.hScanIterator(key, more), ({ field, value }) => `${field}=${value}`), wanted);
      await client.del(key);
      await client.sAdd(key, names);
      assert.deepEqual(await seen(client.sScanIterator(key, more)), sorted(names));
      await client.del(key);
      await client.zAdd(key, names.map((value, score) => ({ value, score })));
      assert.deepEqual(await seen(client.zScanIterator(key, more), ({ value, score }) => `${value}=${score}`), wanted);
      assert.deepEqual([await seen(client.scanIterator({ MATCH: key, TYPE: "zset" })), await seen(client.scanIterator({ MATCH: key, TYPE: "set" }))],
        [[key], []]);
      await client.del(key);
    }
  }));

check("buffers, one of 1 MiB", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const key = Buffer.concat([Buffer.from(unique("binary")), EVERY_BYTE]), large = Buffer.alloc(1 << 20, EVERY_BYTE);
  await client.hSet(key, EVERY_BYTE, large);
  assert.ok((await buffers.hGet(key, EVERY_BYTE)).equals(large));
  const [field] = await buffers.hKeys(key);
  assert.ok(field.equals(EVERY_BYTE));
  await client.del(key);
  await client.zAdd(key, [{ value: large, score: 2 }, { value: EVERY_BYTE, score: 1 }]);
  const members = await buffers.zRange(key, 0, -1);
  assert.ok(members[0].equals(EVERY_BYTE) && members[1].equals(large));
  assert.equal(await client.del(key), 1);
}));

check("MULTI over every type, and WATCH on a hash and a sorted set", BOTH, (protocol) =>
  withClients(protocol, 2, async (client, rival) => {
    const user = unique("user"), board = unique("board"), tags = unique("tags");
    const [set, added, tagged, hash, members, ranking] = await client.multi().hSet(user, { name: "ada" }).zAdd(board, scored("ada", 5))
      .sAdd(tags, "new").hGetAll(user).sMembers(tags).zRangeWithScores(board, 0, -1).exec();
    assert.deepEqual([set, added, tagged, { ...hash }, [...members], ranking], [1, 1, 1, { name: "ada" }, ["new"], scored("ada", 5)]);
    const takePart = async (change) => {
      await client.watch([user, board]);
      await change();
      return client.multi().hIncrBy(user, "tries", 1).exec();
    };
    await assert.rejects(takePart(() => rival.hSet(user, "name", "eve")), WatchError);
    await assert.rejects(takePart(() => rival.zIncrBy(board, 1, "ada")), WatchError);
    assert.deepEqual(await takePart(() => rival.hGet(user, "name")), [1]);
    assert.equal(await client.del([user, board, tags]), 3);
  }));

await run("node-redis types");
