// node-redis, as one uses it for scripts: `scripts`, which sends a script's digest and, where that is unknown, its text,
// and `functions`.

import assert from "node:assert/strict";
import { createClient, defineScript } from "redis";
import { Inbox, check, run, unique, waitUntil } from "./harness.mjs";
import { BOTH, blocked, options, withClients } from "./node_redis_clients.mjs";

/** A script that nobody has sent before. */
const fresh = (script) => `-- ${unique("script")}\n${script}`;

/** Runs `body` with a client that has these scripts and functions. */
async function withScripts(protocol, more, body) {
  const client = createClient({ ...options(protocol), ...more });
  client.on("error", () => {});
  await client.connect();
  try {
    await body(client);
  } finally {
    client.destroy();
  }
}

function append() {
  return defineScript({
    NUMBER_OF_KEYS: 1,
    SCRIPT: fresh("redis.call('rpush', KEYS[1], unpack(ARGV)) return redis.call('lrange', KEYS[1], 0, -1)"),
    parseCommand(parser, key, ...values) {
      parser.pushKey(key);
      parser.push(...values);
    },
    transformReply: (reply) => reply.join(""),
  });
}

check("scripts: their digest, and their text when the server has forgotten them", BOTH, async (protocol) => {
  const script = append(), key = unique("list");
  await withScripts(protocol, { scripts: { append: script } }, async (client) => {
    assert.deepEqual(await client.scriptExists(script.SHA1), [0]);
    assert.deepEqual([await client.append(key, "a"), await client.append(key, "b", "c")], ["a", "abc"]);
    assert.deepEqual(await client.scriptExists([script.SHA1, "0".repeat(40)]), [1, 0]);
    await client.scriptFlush("ASYNC");
    await assert.rejects(client.evalSha(script.SHA1, { keys: [key], arguments: ["x"] }), { message: "NOSCRIPT No matching script. Please use EVAL." });
    assert.equal(await client.append(key, "d"), "abcd");
    assert.equal(await client.scriptLoad(script.SCRIPT), script.SHA1);
    assert.deepEqual(await client.evalSha(script.SHA1, { keys: [key], arguments: ["e"] }), [..."abcde"]);
    assert.deepEqual(await Promise.all(["f", "g", "h"].map((value) => client.append(key, value))), ["abcdef", "abcdefg", "abcdefgh"]);
    await client.del(key);
  });
});

check("scripts in MULTI, with WATCH", BOTH, async (protocol) => {
  const script = append(), key = unique("list");
  await withScripts(protocol, { scripts: { append: script } }, async (client) => {
    assert.deepEqual(await client.multi().append(key, "a").append(key, "b").lLen(key).exec(), ["a", "ab", 2]);
    await client.scriptFlush();
    assert.deepEqual(await client.multi().append(key, "c").append(key, "d").exec(), ["abc", "abcd"]);
    const text = unique("text");
    await client.set(text, "x");
    const replies = await client.multi().append(text, "x").append(key, "e").exec().catch((error) => error.replies);
    assert.match(replies[0].message, /^WRONGTYPE /);
    assert.equal(replies[1], "abcde");
    await client.watch(key);
    await client.duplicate().connect().then(async (other) => {
      await other.append(key, "f");
      other.destroy();
    });
    await assert.rejects(client.multi().append(key, "lost").exec(), /watched keys has been changed/);
    assert.equal(await client.append(key, "g"), "abcdefg");
    await client.del([key, text]);
  });
});

check("eval, evalRo: arguments, replies and errors", BOTH, (protocol) =>
  withClients(protocol, 1, async (client) => {
    const key = unique("set");
    await client.sAdd(key, ["1", "2"]);
    assert.deepEqual(await client.eval("return {KEYS[1], ARGV[1], 3.9, true, false, {ok = 'OK'}}", { keys: ["k"], arguments: ["v"] }), ["k", "v", 3, 1, null, "OK"]);
    assert.deepEqual(await client.evalRo("return redis.call('smembers', KEYS[1])", { keys: [key] }), ["1", "2"]);
    const set = await client.eval("redis.setresp(3) return redis.call('smembers', KEYS[1])", { keys: [key] });
    assert.deepEqual([...set].sort(), ["1", "2"]);
    const truths = await client.eval("redis.setresp(3) return {true, false, {double = 0.5}, {map = {a = 1}}}", {});
    if (protocol === "RESP3") assert.deepEqual(truths.map((one) => (one instanceof Object ? { ...one } : one)), [true, false, 0.5, { a: 1 }]);
    else assert.deepEqual(truths, [1, 0, "0.5", ["a", 1]]);
    await assert.rejects(client.evalRo("return redis.call('del', KEYS[1])", { keys: [key] }), /ERR Write commands are not allowed from read-only scripts/);
    await assert.rejects(client.eval("#!lua flags=no-writes\nreturn redis.call('del', KEYS[1])", { keys: [key] }), /ERR Write commands are not allowed from read-only scripts/);
    await assert.rejects(client.eval("x = 1", {}), /Attempt to modify a readonly table|Script attempted to create global variable 'x'/);
    await client.del(key);
  }));

check("functions: loaded, called, in MULTI, listed, replaced, deleted", BOTH, async (protocol) => {
  const library = unique("library").replaceAll(":", "_"), key = unique("number");
  const call = (name, more) => ({
    [name]: { NUMBER_OF_KEYS: 1, parseCommand: (parser, key, ...values) => { parser.pushKey(key); parser.push(...values); }, transformReply: Number, ...more },
  });
  const functions = { [library]: { ...call(`${library}_add`), ...call(`${library}_get`, { IS_READ_ONLY: true }) } };
  const code = (factor) => `#!lua name=${library}
redis.register_function('${library}_add', function(keys, args) return redis.call('incrby', keys[1], args[1] * ${factor}) end)
redis.register_function{function_name = '${library}_get', callback = function(keys) return redis.call('get', keys[1]) end, flags = {'no-writes'}}`;
  await withScripts(protocol, { functions }, async (client) => {
    const [add, get] = [`${library}_add`, `${library}_get`];
    try {
      assert.equal(await client.functionLoad(code(1)), library);
      await assert.rejects(client.functionLoad(code(1)), { message: `ERR Library '${library}' already exists` });
      assert.deepEqual([await client[library][add](key, "5"), await client[library][get](key)], [5, 5]);
      assert.equal(await client.functionLoad(code(2), { REPLACE: true }), library);
      assert.deepEqual(await client.multi()[library][add](key, "5")[library][get](key).exec(), [15, 15]);
      assert.deepEqual([await client.fCall(add, { keys: [key], arguments: ["1"] }), await client.fCallRo(get, { keys: [key] })], [17, "17"]);
      await assert.rejects(client.fCallRo(add, { keys: [key], arguments: ["1"] }), { message: "ERR Can not execute a script with write flag using *_ro command." });
      const [{ library_name, engine, functions: listed, library_code }] = await client.functionListWithCode({ LIBRARYNAME: library });
      assert.deepEqual([library_name, engine, library_code], [library, "LUA", code(2)]);
      assert.deepEqual(listed.map(({ name, description, flags }) => [name, description, [...flags]]).sort(), [[add, null, []], [get, null, ["no-writes"]]]);
      const { running_script, engines } = await client.functionStats();
      assert.equal(running_script, null);
      assert.ok(engines.LUA.libraries_count >= 1 && engines.LUA.functions_count >= 2);
    } finally {
      assert.equal(await client.functionDelete(library), "OK");
    }
    await assert.rejects(client[library][add](key, "1"), { message: "ERR Function not found" });
    assert.equal(await client.del(key), 1);
  });
});

check("what a function writes and publishes serves those who wait", BOTH, (protocol) =>
  withClients(protocol, 3, async (client, worker, subscriber) => {
    const library = unique("library").replaceAll(":", "_"), key = unique("list"), channel = unique("channel"), heard = new Inbox();
    await subscriber.subscribe(channel, (message) => heard.push(message));
    await client.functionLoad(`#!lua name=${library}
redis.register_function('${library}_give', function(keys, args)
  for _, each in ipairs(args) do redis.call('rpush', keys[1], each) redis.call('publish', '${channel}', each) end
  return redis.call('llen', keys[1])
end)`);
    try {
      const [outcome] = await blocked(client, worker, (one) => one.blPop(key, 0));
      assert.equal(await client.fCall(`${library}_give`, { keys: [key], arguments: ["a", "b", "c"] }), 3);
      assert.deepEqual({ ...(await outcome) }, { key, element: "a" });
      assert.deepEqual([await heard.take(3), await client.lRange(key, 0, -1)], [["a", "b", "c"], ["b", "c"]]);
    } finally {
      await client.functionDelete(library);
    }
    await client.del(key);
  }));

check("a function that never ends: others are told, FUNCTION KILL ends it", BOTH, (protocol) =>
  withClients(protocol, 2, async (client, other) => {
    const library = unique("library").replaceAll(":", "_");
    await client.functionLoad(`#!lua name=${library}\nredis.register_function{function_name = '${library}_loop', callback = function() while true do end end, flags = {'no-writes'}}`);
    const { "busy-reply-threshold": before } = await other.configGet("busy-reply-threshold");
    await other.configSet("busy-reply-threshold", "20");
    try {
      const outcome = client.fCall(`${library}_loop`, {}).then(() => assert.fail("it ended"), (error) => error.message);
      await waitUntil(() => other.get(unique("none")).then(() => false, (error) => error.message ===
        "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."), "the function to be busy");
      assert.equal((await other.functionStats()).running_script.name, `${library}_loop`);
      assert.equal(await other.functionKill(), "OK");
      // Redis 7.0 names the wrong command.
      assert.match(await outcome, new RegExp(`^ERR Script killed by user with (FUNCTION|SCRIPT) KILL\\.\\.\\. script: ${library}_loop, on @user_function:2\\.$`));
      await assert.rejects(other.functionKill(), { message: "NOTBUSY No scripts in execution right now." });
    } finally {
      await other.configSet("busy-reply-threshold", before);
      await other.functionDelete(library);
    }
  }));

await run("node-redis scripts");
