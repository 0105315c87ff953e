// @upstash/redis, which speaks HTTP: commands and the shapes of their replies, pipelines, transactions, scripts, any bytes, errors, and
// subscriptions. Redis has no such port, so that these checks run against fanfare only.

import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";
import { Inbox, PASSWORD, check, run, unique, waitUntil } from "./harness.mjs";

const URL = process.env.CHECK_HTTP, AUTH_URL = process.env.CHECK_AUTH_HTTP;
const client = (options = {}) => new Redis({ url: URL, token: "any", retry: false, enableTelemetry: false, ...options });
// As it is by default, `/pipeline` and base64, and `POST /` with replies as text.
const WAYS = ["together", "one by one"];
const by = (way, options) =>
  client(way === "together" ? options : { enableAutoPipelining: false, responseEncoding: false, ...options });

check("strings, numbers and objects", WAYS, async (way) => {
  const redis = by(way), key = unique("text");
  assert.equal(await redis.ping(), "PONG");
  assert.equal(await redis.set(key, "h\u00e9 \"\\\n\u{1F600}"), "OK");
  assert.equal(await redis.get(key), "h\u00e9 \"\\\n\u{1F600}");
  assert.equal(await redis.set(key, "x", { nx: true }), null);
  assert.equal(await redis.set(key, { a: [1, null, "b"] }, { ex: 100 }), "OK");
  assert.deepEqual(await redis.get(key), { a: [1, null, "b"] });
  assert.ok((await redis.ttl(key)) > 0);
  assert.equal(await redis.incrbyfloat(unique("number"), 1.5), 1.5);
  assert.equal(await redis.get(unique("none")), null);
  assert.equal(await redis.set(key, true), "OK");
  assert.equal(await redis.get(key), true);
  assert.equal(await redis.del(key), 1);
});

check("lists, hashes, sets, sorted sets and scans", WAYS, async (way) => {
  const redis = by(way);
  const [list, hash, set, sorted] = ["list", "hash", "set", "sorted"].map(unique);
  assert.equal(await redis.rpush(list, "a", "OK", 3), 3);
  assert.deepEqual(await redis.lrange(list, 0, -1), ["a", "OK", 3]);
  assert.equal(await redis.hset(hash, { name: "x", n: 7 }), 2);
  assert.deepEqual(await redis.hgetall(hash), { name: "x", n: 7 });
  assert.deepEqual(await redis.hmget(hash, "n", "none"), { n: 7, none: null });
  await redis.sadd(set, "b", "a");
  assert.deepEqual((await redis.smembers(set)).sort(), ["a", "b"]);
  await redis.zadd(sorted, { score: 2, member: "two" }, { score: 1, member: "one" });
  assert.deepEqual(await redis.zrange(sorted, 0, -1, { withScores: true }), ["one", 1, "two", 2]);
  const [, found] = await redis.scan(0, { match: list, count: 100_000 });
  assert.deepEqual(found, [list]);
  assert.equal(await redis.del(list, hash, set, sorted), 4);
});

check("streams", WAYS, async (way) => {
  const redis = by(way), stream = unique("stream");
  const id = await redis.xadd(stream, "*", { field: "value" });
  assert.deepEqual(await redis.xrange(stream, "-", "+"), { [id]: { field: "value" } });
  assert.deepEqual(await redis.xread(stream, "0"), [[stream, [[id, ["field", "value"]]]]]);
  await redis.del(stream);
});

check("a pipeline, with errors among its replies", WAYS, async (way) => {
  const redis = by(way), key = unique("text");
  const pipeline = redis.pipeline().set(key, "x").lpush(key, "y").get(key).strlen(key);
  const replies = await pipeline.exec({ keepErrors: true });
  assert.deepEqual([replies[0].result, replies[2].result, replies[3].result], ["OK", "x", 1]);
  assert.match(replies[1].error, /^WRONGTYPE /);
  await assert.rejects(redis.pipeline().get(key).lpush(key, "y").exec(), /Command 2 \[ lpush \] failed: WRONGTYPE/);
  const many = redis.pipeline();
  for (let number = 0; number < 2000; number += 1) many.echo(`${number}`);
  assert.deepEqual(await many.exec(), Array.from({ length: 2000 }, (_, number) => number));
  await redis.del(key);
});

check("a transaction, with an error among its replies, and one that is aborted", WAYS, async (way) => {
  const redis = by(way), key = unique("number");
  assert.deepEqual(await redis.multi().set(key, 1).incr(key).exec(), ["OK", 2]);
  const replies = await redis.multi().lpush(key, "x").incr(key).exec({ keepErrors: true });
  assert.match(replies[0].error, /^WRONGTYPE /);
  assert.equal(replies[1].result, 3);
  const wrong = redis.multi().incr(key);
  wrong.chain({ command: ["incr"], deserialize: (value) => value });
  await assert.rejects(wrong.exec(), /wrong number of arguments for 'incr'/);
  assert.equal(await redis.get(key), 3);
  await redis.del(key);
});

check("commands at the same time", WAYS, async (way) => {
  const redis = by(way), key = unique("number");
  assert.deepEqual((await Promise.all([redis.incr(key), redis.incr(key), redis.incr(key)])).sort(), [1, 2, 3]);
  await redis.del(key);
});

check("scripts", WAYS, async (way) => {
  const redis = by(way), key = unique("text");
  assert.deepEqual(await redis.eval("return {KEYS[1], ARGV[1], 7, false}", [key], ["x"]), [key, "x", 7, null]);
  const text = `-- ${key}\nreturn redis.call('set', KEYS[1], ARGV[1])`;
  // It sends a digest that nobody knows, and then the text.
  assert.equal(await redis.createScript(text).exec([key], ["y"]), "OK");
  assert.equal(await redis.get(key), "y");
  const digest = await redis.scriptLoad(text);
  assert.deepEqual(await redis.scriptExists(digest, "0".repeat(40)), [1, 0]);
  assert.equal(await redis.evalsha(digest, [key], ["z"]), "OK");
  await assert.rejects(redis.eval("return redis.error_reply('MINE is this')", [], []), /MINE is this/);
  await redis.del(key);
});

check("a mebibyte in and out", WAYS, async (way) => {
  const redis = by(way, { automaticDeserialization: false }), key = unique("text");
  const text = "\u00e9\"".repeat(350_000);
  await redis.set(key, text);
  assert.equal(await redis.get(key), text);
  await redis.del(key);
});

check("errors, and what needs a connection of its own", async () => {
  const redis = by("one by one"), key = unique("text");
  await redis.set(key, "x");
  await assert.rejects(redis.lpush(key, "y"), /^UpstashError: WRONGTYPE .*command was: \["lpush"/);
  await assert.rejects(redis.exec(["nothing"]), /unknown command 'nothing'/);
  await assert.rejects(redis.exec(["blpop", key, 0]), /'blpop' may block/);
  await assert.rejects(redis.exec(["monitor"]), /'monitor' can't be used over HTTP/);
  await redis.del(key);
});

check("a password is the token", async () => {
  const redis = client({ url: AUTH_URL, token: PASSWORD });
  assert.equal(await redis.ping(), "PONG");
  await assert.rejects(client({ url: AUTH_URL, token: "wrong" }).ping(), /WRONGPASS/);
});

check("subscriptions to channels and patterns", async () => {
  const redis = client(), channel = unique("channel"), messages = new Inbox(), matched = new Inbox(), counts = new Inbox();
  const subscriber = redis.subscribe(channel);
  subscriber.on("message", ({ channel: from, message }) => messages.push(from, message));
  subscriber.on("subscribe", counts.push);
  const pattern = redis.psubscribe(`${channel}*`);
  pattern.on("pmessage", ({ pattern: by, channel: from, message }) => matched.push(by, from, message));
  assert.deepEqual(await counts.take(1), [1]);
  await waitUntil(async () => (await redis.exec(["pubsub", "numpat"])) >= 1, "the pattern");
  for (const message of ["text, with commas", { a: 1 }, 7]) assert.equal(await redis.publish(channel, message), 2);
  assert.deepEqual(await messages.take(3), [[channel, "text, with commas"], [channel, { a: 1 }], [channel, 7]]);
  await redis.publish(`${channel}x`, { b: 2 });
  assert.deepEqual((await matched.take(3)).at(-1), [`${channel}*`, `${channel}x`, { b: 2 }]);
  await subscriber.unsubscribe();
  await pattern.unsubscribe();
  await waitUntil(async () => (await redis.exec(["pubsub", "numsub", channel]))[1] === 0, "the end of the subscription");
});

run("@upstash/redis");
