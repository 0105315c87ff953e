// ioredis, as one uses it for scripts: `defineCommand`, which sends a script's text once and then its digest, and functions.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Redis } from "ioredis";
import { EVERY_BYTE, Inbox, PORT, check, run, unique, waitUntil } from "./harness.mjs";
import { BOTH, blocked, withClients } from "./ioredis_clients.mjs";

const digest = (script) => createHash("sha1").update(script).digest("hex");
/** A script that nobody has sent before. */
const fresh = (script) => `-- ${unique("script")}\n${script}`;
const APPEND = "redis.call('rpush', KEYS[1], unpack(ARGV)) return redis.call('llen', KEYS[1])";

check("what a script returns", BOTH, (protocol) =>
  withClients(protocol, 1, async (client) => {
    const key = unique("hash");
    assert.deepEqual(await client.eval("return {1, -2.9, 'x', false, true, {ok = 'fine'}, {}, {1, {2}}, nil, 9}", 0), [1, -2, "x", null, 1, "fine", [], [1, [2]]]);
    assert.deepEqual([await client.eval("return", 0), await client.eval("return 2^53", 0), await client.eval("return tostring(2^53 + 0.1)", 0)],
      [null, 2 ** 53, "9.007199254741e+15"]);
    assert.deepEqual(await client.eval("return {#ARGV, KEYS[1], KEYS[2], ARGV[1]}", 2, "a", "b", "c"), [1, "a", "b", "c"]);
    await client.hset(key, "a", 1, "b", 2);
    // Inside a script replies are those of RESP2, whatever the client speaks, until it asks for others.
    assert.deepEqual(await client.eval("return redis.call('hgetall', KEYS[1])", 1, key), ["a", "1", "b", "2"]);
    const map = await client.eval("redis.setresp(3) return redis.call('hgetall', KEYS[1])", 1, key);
    assert.deepEqual(map.sort(), ["1", "2", "a", "b"]); // ioredis makes an array of a map
    assert.equal(`${await client.eval("redis.setresp(3) return {double = 1.5}", 0)}`, "1.5");
    assert.deepEqual(await client.evalBuffer("return ARGV[1]", 0, EVERY_BYTE), EVERY_BYTE);
    await client.del(key);
  }));

check("errors: of a command, of the script, caught, and made by it", BOTH, (protocol) =>
  withClients(protocol, 1, async (client) => {
    const key = unique("text"), wrong = "return redis.call('lpush', KEYS[1], 'x')";
    await client.set(key, "x");
    await assert.rejects(client.eval(wrong, 1, key), { message:
      `WRONGTYPE Operation against a key holding the wrong kind of value script: ${digest(wrong)}, on @user_script:1.` });
    assert.deepEqual(await client.eval("local e = redis.pcall('lpush', KEYS[1], 'x') return {e.err, type(e)}", 1, key),
      ["WRONGTYPE Operation against a key holding the wrong kind of value", "table"]);
    assert.deepEqual(await client.eval("return {pcall(redis.call, 'nothing')}", 0), [null, "ERR Unknown Redis command called from script"]);
    await assert.rejects(client.eval("return redis.error_reply('MINE is this')", 0), { message: "MINE is this" });
    const broken = "\nlocal a = nil\nreturn a.b";
    await assert.rejects(client.eval(broken, 0), { message:
      `ERR user_script:3: attempt to index local 'a' (a nil value) script: ${digest(broken)}, on @user_script:3.` });
    await assert.rejects(client.eval("return (", 0), /^ReplyError: ERR Error compiling script \(new function\): user_script:1: unexpected symbol near '<eof>'/);
    await assert.rejects(client.evalsha(digest(fresh("return 1")), 0), { message: "NOSCRIPT No matching script. Please use EVAL." });
    const writes = "return redis.call('set', KEYS[1], 'y')";
    await assert.rejects(client.eval_ro(writes, 1, key), /ERR Write commands are not allowed from read-only scripts/);
    assert.equal(await client.eval_ro("return redis.call('get', KEYS[1])", 1, key), "x");
    await client.del(key);
  }));

check("defineCommand: keys, buffers, a prefix, scripts of the options", BOTH, (protocol) =>
  withClients(protocol, 1, async (client) => {
    const [a, b, prefix] = [unique("a"), unique("b"), `${unique("prefix")}:`];
    client.defineCommand("append1", { numberOfKeys: 1, lua: APPEND });
    client.defineCommand("names", { lua: "return {#KEYS, #ARGV, KEYS[1], ARGV[1]}" });
    client.defineCommand("echo", { numberOfKeys: 0, lua: "return ARGV[1]" });
    assert.deepEqual([await client.append1(a, "x"), await client.append1(a, "y", "z"), await client.lrange(a, 0, -1)], [1, 3, ["x", "y", "z"]]);
    assert.deepEqual(await client.names(2, a, b, "c"), [2, 1, a, "c"]);
    assert.deepEqual(await client.echoBuffer(EVERY_BYTE), EVERY_BYTE);
    const prefixed = new Redis({ host: "127.0.0.1", port: PORT, protocol: Number(protocol.at(-1)), keyPrefix: prefix, scripts: { more: { numberOfKeys: 1, lua: APPEND } } });
    try {
      assert.deepEqual([await prefixed.more("list", "x"), await prefixed.more("list", "y")], [1, 2]);
    } finally {
      prefixed.disconnect();
    }
    assert.deepEqual(await client.lrange(`${prefix}list`, 0, -1), ["x", "y"]);
    await client.del(a, `${prefix}list`);
  }));

check("a script that the server has forgotten is sent again", BOTH, (protocol) =>
  withClients(protocol, 2, async (client, other) => {
    const lua = fresh(APPEND), sha = digest(lua), key = unique("list");
    client.defineCommand("append1", { numberOfKeys: 1, lua });
    assert.deepEqual(await client.script("EXISTS", sha), [0]);
    assert.equal(await client.append1(key, "a"), 1);
    assert.deepEqual([await client.script("EXISTS", sha, digest("x")), await other.evalsha(sha, 1, key, "b")], [[1, 0], 2]);
    await other.script("FLUSH");
    await assert.rejects(other.evalsha(sha, 1, key, "x"), /NOSCRIPT/);
    assert.equal(await client.append1(key, "c"), 3);
    await other.script("FLUSH", "SYNC");
    assert.deepEqual(await client.pipeline().append1(key, "d").llen(key).exec(), [[null, 4], [null, 3]]); // sent again after the rest
    assert.deepEqual(await client.pipeline().append1(key, "e").append1(key, "f").exec(), [[null, 5], [null, 6]]);
    assert.equal(await other.script("LOAD", lua), sha);
    assert.equal(await other.evalsha(sha, 1, key, "g"), 7);
    assert.deepEqual(await client.lrange(key, 0, -1), [..."abcdefg"]);
    await client.del(key);
  }));

check("in MULTI: the text and the digest, an error among the replies, and WATCH", BOTH, (protocol) =>
  withClients(protocol, 2, async (client, other) => {
    const lua = fresh(APPEND), key = unique("list"), text = unique("text");
    client.defineCommand("append1", { numberOfKeys: 1, lua });
    assert.deepEqual(await client.multi().append1(key, "a").append1(key, "b").lrange(key, 0, -1).exec(), [[null, 1], [null, 2], [null, ["a", "b"]]]);
    await client.set(text, "x");
    const [[, first], [error], [, last]] = await client.multi().append1(key, "c").evalsha(digest(lua), 1, text, "d").append1(key, "e").exec();
    assert.deepEqual([first, last], [3, 4]);
    assert.match(error.message, /^WRONGTYPE /);
    await client.watch(key);
    await other.eval(lua, 1, key, "f");
    assert.equal(await client.multi().append1(key, "lost").exec(), null);
    await client.watch(key);
    await other.eval("return redis.call('llen', KEYS[1])", 1, key);
    assert.deepEqual(await client.multi().append1(key, "g").exec(), [[null, 6]]);
    await client.del(key, text);
  }));

check("a script is one step: twenty clients that read, add and write", BOTH, (protocol) =>
  withClients(protocol, 20, async (...clients) => {
    const key = unique("number");
    const lua = "local n = tonumber(redis.call('get', KEYS[1]) or 0) for i = 1, 10 do n = n + 1 redis.call('set', KEYS[1], n) end return n";
    const seen = await Promise.all(clients.flatMap((client) => {
      client.defineCommand("addTen", { numberOfKeys: 1, lua });
      return Array.from({ length: 50 }, () => client.addTen(key));
    }));
    assert.deepEqual(seen.sort((a, b) => a - b), Array.from({ length: 1000 }, (_, n) => (n + 1) * 10));
    await clients[0].del(key);
  }));

check("what a script writes and publishes serves those who wait", BOTH, (protocol) =>
  withClients(protocol, 6, async (client, a, b, c, d, subscriber) => {
    const [list, from, to, scores, channel] = ["list", "from", "to", "scores", "channel"].map(unique), heard = new Inbox();
    subscriber.on("message", (...message) => heard.push(message));
    await subscriber.subscribe(channel);
    const waiting = [
      await blocked(client, a, () => a.brpop(list, 0)),
      await blocked(client, b, () => b.blpop(list, 0)),
      await blocked(client, c, () => c.blmove(from, to, "LEFT", "RIGHT", 0)),
      await blocked(client, d, () => d.bzpopmin(scores, 0)),
    ];
    const lua = `for i = 1, 3 do redis.call('publish', ARGV[1], i) end
      redis.call('rpush', KEYS[1], 'gone') redis.call('del', KEYS[1]) redis.call('lpush', KEYS[1], 'x', 'y', 'z')
      redis.call('rpush', KEYS[2], 'm') redis.call('zadd', KEYS[3], 2 ^ 52 + 1, 'high', 1, 'low')
      return {redis.call('llen', KEYS[1]), redis.call('zcard', KEYS[3]), redis.call('publish', ARGV[1], 'end')}`;
    assert.deepEqual(await client.eval(lua, 3, list, from, scores, channel), [3, 2, 1]);
    assert.deepEqual(await Promise.all(waiting.map(([outcome]) => outcome)), [[list, "x"], [list, "z"], "m", [scores, "low", "1"]]);
    assert.deepEqual(await heard.take(4), ["1", "2", "3", "end"].map((text) => [channel, text]));
    assert.deepEqual([await client.lrange(list, 0, -1), await client.lrange(to, 0, -1), await client.zscore(scores, "high")],
      [["y"], ["m"], "4503599627370497"]);
    await client.del(list, to, scores);
  }));

check("the libraries, the limit of unpack, and a script of 100 KB", BOTH, (protocol) =>
  withClients(protocol, 1, async (client) => {
    const value = { a: [1, 2.5, "ä", null, true], b: {}, c: { d: [] } };
    const round = "return cjson.encode(cjson.decode(ARGV[1]))";
    assert.deepEqual(JSON.parse(await client.eval(round, 0, JSON.stringify(value))), { ...value, c: { d: {} } });
    assert.equal(await client.eval("return cjson.encode(cmsgpack.unpack(cmsgpack.pack({1, 'x', {true}})))", 0), '[1,"x",[true]]');
    assert.deepEqual(await client.eval("return {struct.unpack('>I2s', struct.pack('>I2s', 258, 'abc'))}", 0), [258, "abc", 7]);
    assert.deepEqual(await client.eval("return {bit.bxor(5, 3), bit.tohex(255), redis.sha1hex('')}", 0), [6, "000000ff", digest("")]);
    const key = unique("list");
    assert.equal(await client.eval("return redis.call('rpush', KEYS[1], unpack(ARGV))", 1, key, Array.from({ length: 7000 }, (_, n) => n)), 7000);
    assert.deepEqual(await client.eval("local t = {} for i = 1, 1e6 do t[i] = i end return {pcall(unpack, t), table.unpack == nil}", 0), [null, 1]);
    const long = `local n = 0\n${"n = n + 1\n".repeat(10_000)}return n`;
    assert.deepEqual([await client.eval(long, 0), await client.evalsha(digest(long), 0)], [10_000, 10_000]);
    await client.del(key);
  }));

check("functions: FUNCTION LOAD, LIST, DELETE, FCALL", BOTH, (protocol) =>
  withClients(protocol, 1, async (client) => {
    const library = unique("library").replaceAll(":", "_"), key = unique("hash");
    const code = (step) => `#!lua name=${library}
      local function add(keys, args) return redis.call('hincrby', keys[1], args[1], ${step}) end
      redis.register_function('${library}_add', add)
      redis.register_function{function_name = '${library}_get', callback = function(keys, args) return redis.call('hget', keys[1], args[1]) end,
        flags = {'no-writes'}, description = 'one field'}`;
    try {
      assert.equal(await client.function("LOAD", code(1)), library);
      await assert.rejects(client.function("LOAD", code(1)), { message: `ERR Library '${library}' already exists` });
      assert.deepEqual([await client.fcall(`${library}_add`, 1, key, "a"), await client.fcall(`${library}_add`, 1, key, "a")], [1, 2]);
      assert.equal(await client.function("LOAD", "REPLACE", code(10)), library);
      assert.deepEqual([await client.fcall(`${library}_add`, 1, key, "a"), await client.fcall_ro(`${library}_get`, 1, key, "a")], [12, "12"]);
      await assert.rejects(client.fcall_ro(`${library}_add`, 1, key, "a"), { message: "ERR Can not execute a script with write flag using *_ro command." });
      assert.deepEqual(await client.multi().fcall(`${library}_add`, 1, key, "b").fcall(`${library}_get`, 1, key, "a").exec(), [[null, 10], [null, "12"]]);
      const listed = JSON.stringify(await client.function("LIST", "LIBRARYNAME", library));
      for (const part of [library, `${library}_add`, `${library}_get`, "one field", "no-writes"]) assert.ok(listed.includes(JSON.stringify(part)), listed);
    } finally {
      await client.function("DELETE", library);
    }
    await assert.rejects(client.fcall(`${library}_add`, 1, key, "a"), { message: "ERR Function not found" });
    assert.equal(await client.del(key), 1);
  }));

check("a script that never ends: others are told, and SCRIPT KILL ends it", BOTH, (protocol) =>
  withClients(protocol, 2, async (client, other) => {
    const [, before] = await other.config("GET", "busy-reply-threshold");
    await other.config("SET", "busy-reply-threshold", 20);
    try {
      const endless = "while true do end";
      const outcome = client.eval(endless, 0).then(() => assert.fail("it ended"), (error) => error.message);
      await waitUntil(() => other.get(unique("none")).then(() => false, (error) => error.message ===
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."), "the script to be busy");
      assert.equal(await other.script("KILL"), "OK");
      assert.equal(await outcome, `ERR Script killed by user with SCRIPT KILL... script: ${digest(endless)}, on @user_script:1.`);
      assert.equal(await client.ping(), "PONG");
      await assert.rejects(other.script("KILL"), { message: "NOTBUSY No scripts in execution right now." });
    } finally {
      await other.config("SET", "busy-reply-threshold", before);
    }
  }));

await run("ioredis scripts");
