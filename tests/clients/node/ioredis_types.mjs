// ioredis's own calls for hashes, sets, sorted sets, bits, HyperLogLog and places, and blocking pops of sorted sets.

import assert from "node:assert/strict";
import { EVERY_BYTE, check, run, unique } from "./harness.mjs";
import { BOTH, blocked, withClients } from "./ioredis_clients.mjs";

const WRONG_TYPE = { message: "WRONGTYPE Operation against a key holding the wrong kind of value" };

const sorted = (list) => [...list].sort();

/** Members and scores as pairs: RESP2 has them flat, and scores are texts. */
function pairs(reply) {
  const flat = reply.flat();
  const score = (text) => ({ inf: Infinity, "-inf": -Infinity })[text] ?? Number(text);
  return Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], score(flat[2 * n + 1])]);
}

check("hashes", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("hash"), none = unique("none");
  assert.deepEqual([await client.hset(key, "a", "1", "b", "x"), await client.hset(key, { a: "2", "": "empty" })], [2, 1]);
  assert.deepEqual([await client.hset(key, new Map([["m", "5"]])), await client.hmset(key, { b: "y" })], [1, "OK"]);
  assert.deepEqual([await client.hsetnx(key, "a", "9"), await client.hsetnx(key, "new", "9")], [0, 1]);
  assert.deepEqual([await client.hget(key, "a"), await client.hget(key, "none"), await client.hget(none, "a")], ["2", null, null]);
  assert.deepEqual({ ...(await client.hgetall(key)) }, { a: "2", b: "y", "": "empty", m: "5", new: "9" });
  assert.deepEqual({ ...(await client.hgetall(none)) }, {});
  assert.deepEqual([await client.hmget(key, "b", "none", "a"), await client.hmget(none, ["a"])], [["y", null, "2"], [null]]);
  assert.deepEqual([sorted(await client.hkeys(key)), sorted(await client.hvals(key)), await client.hlen(key)],
    [["", "a", "b", "m", "new"], ["2", "5", "9", "empty", "y"], 5]);
  assert.deepEqual([await client.hexists(key, ""), await client.hexists(key, "none"), await client.hstrlen(key, "")], [1, 0, 5]);
  assert.deepEqual([await client.hincrby(key, "a", 40), await client.hincrbyfloat(key, "a", 0.5)], [42, "42.5"]);
  await assert.rejects(client.hincrby(key, "b", 1), { message: "ERR hash value is not an integer" });
  assert.equal(await client.hdel(key, "b", "m", "none"), 2);
  assert.deepEqual([sorted(await client.hrandfield(key, 9)), (await client.hrandfield(key, -9)).length], [["", "a", "new"], 9]);
  assert.deepEqual(Object.fromEntries(pairs(await client.hrandfield(key, 9, "WITHVALUES")).filter(([field]) => field)), { a: 42.5, new: 9 });
  assert.deepEqual([await client.hrandfield(none), await client.type(key)], [null, "hash"]);
  await assert.rejects(client.sadd(key, "x"), WRONG_TYPE);
  assert.deepEqual([await client.hdel(key, "a", "", "new"), await client.exists(key)], [3, 0]);
}));

check("sets", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const a = unique("a"), b = unique("b"), to = unique("to"), none = unique("none");
  assert.deepEqual([await client.sadd(a, ..."12345"), await client.sadd(a, ["5", "6"]), await client.sadd(b, ..."56789")], [5, 1, 5]);
  assert.deepEqual([await client.scard(a), sorted(await client.smembers(a)), [...(await client.smembers(none))]], [6, [..."123456"], []]);
  assert.deepEqual([await client.sismember(a, "1"), await client.sismember(a, "9"), await client.smismember(a, "1", "9")], [1, 0, [1, 0]]);
  assert.deepEqual([sorted(await client.sinter(a, b)), sorted(await client.sunion(a, b)), sorted(await client.sdiff(a, b))],
    [["5", "6"], [..."123456789"], [..."1234"]]);
  assert.deepEqual([await client.sintercard(2, a, b), await client.sintercard(2, a, b, "LIMIT", 1)], [2, 1]);
  assert.deepEqual([await client.sinterstore(to, a, b), await client.sunionstore(to, a, b), await client.sdiffstore(to, b, a)], [2, 9, 3]);
  assert.deepEqual([await client.smove(a, to, "1"), await client.smove(a, to, "1"), await client.srem(a, "2", "9")], [1, 0, 1]);
  assert.deepEqual([sorted(await client.smembers(to)), sorted(await client.srandmember(a, 9)), await client.srandmember(none)],
    [["1", "7", "8", "9"], [..."3456"], null]);
  const popped = [await client.spop(a), ...(await client.spop(a, 9))];
  assert.deepEqual([sorted(popped), await client.spop(a), await client.exists(a)], [[..."3456"], null, 0]);
  assert.deepEqual(await client.sort(b, "LIMIT", 0, 2, "DESC"), ["9", "8"]);
  await assert.rejects(client.hset(b, "a", "b"), WRONG_TYPE);
  assert.equal(await client.del(b, to), 2);
}));

check("sorted sets", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("zset"), other = unique("other"), to = unique("to");
  assert.equal(await client.zadd(key, 1, "a", 2.5, "b", 3, "c", "inf", "top", "-inf", "bottom"), 5);
  assert.deepEqual([await client.zadd(key, "NX", 9, "a", 1, "new"), await client.zadd(key, "XX", "CH", 1.75, "a", 9, "none")], [1, 1]);
  assert.deepEqual([await client.zadd(key, "GT", "CH", 1, "b"), await client.zadd(key, "LT", "CH", 2.25, "b")], [0, 1]);
  assert.equal(Number(await client.zadd(key, "INCR", 0.25, "b")), 2.5);
  assert.equal(await client.zadd(key, "NX", "INCR", 1, "b"), null);
  assert.equal(Number(await client.zincrby(key, 0.5, "c")), 3.5);
  assert.deepEqual([await client.zscore(key, "b"), await client.zscore(key, "none")], ["2.5", null]);
  assert.deepEqual((await client.zmscore(key, "a", "none")).map((score) => score && Number(score)), [1.75, null]);
  assert.deepEqual(await client.zrange(key, 0, -1), ["bottom", "new", "a", "b", "c", "top"]);
  assert.deepEqual([await client.zrank(key, "a"), await client.zrevrank(key, "a"), await client.zrank(key, "none"), await client.zcard(key)],
    [2, 3, null, 6]);
  assert.deepEqual(pairs(await client.zrange(key, 1, 3, "WITHSCORES")), [["new", 1], ["a", 1.75], ["b", 2.5]]);
  assert.deepEqual(pairs(await client.zrevrange(key, 1, 2, "WITHSCORES")), [["c", 3.5], ["b", 2.5]]);
  assert.deepEqual(await client.zrange(key, "+inf", "(1", "BYSCORE", "REV", "LIMIT", 1, 2), ["c", "b"]);
  assert.deepEqual(pairs(await client.zrangebyscore(key, "-inf", 2, "WITHSCORES", "LIMIT", 1, 2)), [["new", 1], ["a", 1.75]]);
  assert.deepEqual([await client.zrevrangebyscore(key, 3.5, "(1"), await client.zcount(key, "(1", 3.5)], [["c", "b", "a"], 3]);
  assert.deepEqual([await client.zrem(key, "bottom", "none"), await client.zremrangebyscore(key, 3, 4), await client.zremrangebyrank(key, 0, 0)],
    [1, 1, 1]);
  assert.deepEqual(pairs(await client.zpopmin(key)), [["a", 1.75]]);
  assert.deepEqual(pairs(await client.zpopmax(key, 9)), [["top", Infinity], ["b", 2.5]]);
  assert.deepEqual([await client.zpopmin(key), await client.exists(key)], [[], 0]);

  await client.zadd(key, ...[..."abcdefg"].flatMap((member) => [0, member]));
  assert.deepEqual([await client.zrangebylex(key, "[b", "(d"), await client.zrevrangebylex(key, "+", "[e", "LIMIT", 1, 1)], [["b", "c"], ["f"]]);
  assert.deepEqual([await client.zlexcount(key, "-", "(c"), await client.zremrangebylex(key, "[c", "+")], [2, 5]);
  assert.deepEqual([sorted(await client.zrandmember(key, 9)), (await client.zrandmember(key, -9)).length], [["a", "b"], 9]);
  await client.zadd(other, 1, "b", 2, "z");
  assert.deepEqual(pairs(await client.zunion(2, key, other, "WEIGHTS", 1, 2, "WITHSCORES")), [["a", 0], ["b", 2], ["z", 4]]);
  assert.deepEqual([await client.zinter(2, key, other), await client.zdiff(2, key, other), await client.zintercard(2, key, other)], [["b"], ["a"], 1]);
  assert.deepEqual([await client.zunionstore(to, 2, key, other, "AGGREGATE", "MAX"), await client.zinterstore(to, 2, key, other),
    await client.zdiffstore(to, 2, other, key), await client.zrangestore(to, key, 0, -1)], [3, 1, 1, 2]);
  const [name, popped] = await client.zmpop(2, `${key}:none`, to, "MAX", "COUNT", 9);
  assert.deepEqual([name, pairs(popped), await client.zmpop(1, to, "MIN")], [to, [["b", 0], ["a", 0]], null]);
  await assert.rejects(client.zadd(key, "x", "y"), { message: "ERR value is not a valid float" });
  await assert.rejects(client.lpush(key, "x"), WRONG_TYPE);
  assert.equal(await client.del(key, other), 2);
}));

check("blocking pops of sorted sets: at once, in vain, and waiting for a member", BOTH, (protocol) =>
  withClients(protocol, 2, async (client, worker) => {
    const a = unique("a"), b = unique("b");
    const popped = ([key, member, score]) => [key, member, Number(score)];
    await client.zadd(b, 1, "x", 2.5, "y", 3, "z");
    assert.deepEqual(popped(await worker.bzpopmin(a, b, 1)), [b, "x", 1]);
    assert.deepEqual(popped(await worker.bzpopmax([a, b], 1)), [b, "z", 3]);
    const [name, members] = await worker.bzmpop(1, 2, a, b, "MIN", "COUNT", 9);
    assert.deepEqual([name, pairs(members)], [b, [["y", 2.5]]]);
    assert.deepEqual([await worker.bzpopmin(a, 0.01), await worker.bzmpop(0.01, 1, a, "MAX")], [null, null]);
    for (const [command, wanted] of [
      [() => worker.bzpopmin(b, a, 0), [a, "low", 1]],
      [() => worker.bzpopmax(a, 0), [a, "high", 2]],
    ]) {
      const [outcome] = await blocked(client, worker, command);
      assert.equal(await client.zadd(a, 2, "high", 1, "low"), 2);
      assert.deepEqual(popped(await outcome), wanted);
      await client.del(a);
    }
    // In EXEC, the waiter gets what is there at the end.
    const [outcome] = await blocked(client, worker, () => worker.bzmpop(0, 2, b, a, "MIN", "COUNT", 2));
    assert.deepEqual(await client.multi().zadd(a, 5, "five").zadd(a, 3, "three").zincrby(a, -4, "five").exec().then((replies) =>
      replies.map(([, reply]) => Number(reply))), [1, 1, 1]);
    const [key, both] = await outcome;
    assert.deepEqual([key, pairs(both), await client.exists(a)], [a, [["five", 1], ["three", 3]], 0]);
  }));

check("bits, LCS and HyperLogLog", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const a = unique("a"), b = unique("b"), to = unique("to");
  assert.deepEqual([await client.setbit(a, 7, 1), await client.setbit(a, 7, 1), await client.getbit(a, 7)], [0, 1, 1]);
  await client.mset(a, Buffer.from("fff000", "hex"), b, Buffer.from("0f0f", "hex"));
  assert.deepEqual([await client.bitcount(a), await client.bitcount(a, 1, -1), await client.bitcount(a, 4, 11, "BIT")], [12, 4, 8]);
  assert.deepEqual([await client.bitpos(a, 0), await client.bitpos(a, 1, 2), await client.bitop("XOR", to, a, b)], [12, -1, 3]);
  assert.equal((await client.getBuffer(to)).toString("hex"), "f0ff00");
  assert.deepEqual(await client.bitfield(to, "OVERFLOW", "FAIL", "INCRBY", "u8", 0, 15, "INCRBY", "u8", 0, 1, "GET", "i8", 0, "SET", "u4", "#1", 0),
    [255, null, -1, 15]);
  assert.deepEqual(await client.bitfield_ro(to, "GET", "u8", 0), [240]);
  await client.mset(a, "ohmytext", b, "mynewtext");
  assert.deepEqual([await client.lcs(a, b), await client.lcs(a, b, "LEN")], ["mytext", 6]);
  await client.del(a, b, to);
  assert.deepEqual([await client.pfadd(a, ..."abcde"), await client.pfadd(a, "a"), await client.pfadd(b, ..."defg")], [1, 0, 1]);
  assert.deepEqual([await client.pfcount(a, b), await client.pfmerge(to, a, b), await client.pfcount(to)], [7, "OK", 7]);
  assert.equal(await client.del(a, b, to), 3);
}));

check("places", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = unique("geo"), to = unique("to");
  assert.equal(await client.geoadd(key, 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"), 2);
  assert.deepEqual([await client.geodist(key, "Palermo", "Catania", "km"), await client.geodist(key, "Palermo", "none")], ["166.2742", null]);
  assert.deepEqual(await client.geohash(key, "Palermo", "none"), ["sqc8b49rny0", null]);
  const [[longitude, latitude], nowhere] = await client.geopos(key, "Palermo", "none");
  assert.deepEqual([Number(longitude).toFixed(6), Number(latitude).toFixed(6), nowhere], ["13.361389", "38.115556", null]);
  assert.deepEqual(await client.geosearch(key, "FROMLONLAT", 15, 37, "BYRADIUS", 200, "km", "ASC"), ["Catania", "Palermo"]);
  assert.deepEqual(await client.geosearch(key, "FROMMEMBER", "Palermo", "BYBOX", 400, 400, "km", "DESC", "WITHDIST", "WITHHASH"),
    [["Catania", "166.2742", 3479447370796909], ["Palermo", "0.0000", 3479099956230698]]);
  assert.deepEqual(await client.georadius(key, 15, 37, 200, "km", "WITHDIST", "ASC"), [["Catania", "56.4413"], ["Palermo", "190.4424"]]);
  assert.equal(await client.geosearchstore(to, key, "FROMLONLAT", 15, 37, "BYRADIUS", 100, "km", "STOREDIST"), 1);
  assert.deepEqual([await client.zrange(to, 0, -1), await client.del(key, to)], [["Catania"], 2]);
}));

check("hscanStream, sscanStream and zscanStream see each of 1,000 members once; scanStream its type", BOTH, (protocol) =>
  withClients(protocol, 1, async (client) => {
    const key = unique("scan"), names = Array.from({ length: 1000 }, (_, n) => `member:${n}`);
    const seen = async (stream) => {
      const all = [];
      for await (const items of stream) all.push(...items.map(String));
      return all.sort();
    };
    const flat = sorted(names.flatMap((name, n) => [name, `${n}`]));
    for (const more of [{}, { count: 7 }, { match: "*" }]) {
      await client.hset(key, Object.fromEntries(names.map((name, n) => [name, n])));
      assert.deepEqual(await seen(client.hscanStream(key, more)), flat);
      await client.del(key);
      await client.sadd(key, names);
      assert.deepEqual(await seen(client.sscanStream(key, more)), sorted(names));
      await client.del(key);
      await client.zadd(key, ...names.flatMap((name, n) => [n, name]));
      assert.deepEqual(await seen(client.zscanStream(key, more)), flat);
      assert.deepEqual([await seen(client.scanStream({ match: key, type: "zset" })), await seen(client.scanStream({ match: key, type: "set" }))],
        [[key], []]);
      await client.del(key);
    }
  }));

check("buffers, one of 1 MiB", BOTH, (protocol) => withClients(protocol, 1, async (client) => {
  const key = Buffer.concat([Buffer.from(unique("binary")), EVERY_BYTE]), large = Buffer.alloc(1 << 20, EVERY_BYTE);
  await client.hset(key, EVERY_BYTE, large);
  assert.ok((await client.hgetBuffer(key, EVERY_BYTE)).equals(large));
  const [field] = await client.hkeysBuffer(key);
  assert.ok(field.equals(EVERY_BYTE));
  await client.del(key);
  await client.zadd(key, 2, large, 1, EVERY_BYTE);
  const members = await client.zrangeBuffer(key, 0, -1);
  assert.ok(members[0].equals(EVERY_BYTE) && members[1].equals(large));
  assert.equal(await client.del(key), 1);
}));

check("MULTI over every type, and WATCH on a hash and a sorted set", BOTH, (protocol) =>
  withClients(protocol, 2, async (client, rival) => {
    const user = unique("user"), board = unique("board"), tags = unique("tags");
    const replies = await client.multi().hset(user, { name: "ada" }).zadd(board, 5, "ada").sadd(tags, "new").hgetall(user).smembers(tags)
      .zrange(board, 0, -1, "WITHSCORES").lpush(board, "x").exec();
    const [set, added, tagged, hash, members, ranking, wrong] = replies.map(([error, reply]) => error?.message ?? reply);
    assert.deepEqual([set, added, tagged, { ...hash }, [...members], pairs(ranking), wrong],
      [1, 1, 1, { name: "ada" }, ["new"], [["ada", 5]], WRONG_TYPE.message]);
    for (const [change, wanted] of [
      [() => rival.hset(user, "name", "eve"), null],
      [() => rival.zincrby(board, 1, "ada"), null],
      [() => rival.hget(user, "name"), [[null, 1]]],
    ]) {
      await client.watch(user, board);
      await change();
      assert.deepEqual(await client.multi().hincrby(user, "tries", 1).exec(), wanted);
    }
    assert.equal(await client.del(user, board, tags), 3);
  }));

await run("ioredis types");
