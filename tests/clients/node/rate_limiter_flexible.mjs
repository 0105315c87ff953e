// rate-limiter-flexible over ioredis and node-redis: limits that are kept by a script, shared by several connections.

import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { BurstyRateLimiter, RateLimiterQueue, RateLimiterRedis, RateLimiterUnion } from "rate-limiter-flexible";
import { createClient } from "redis";
import { PORT, check, run, unique, waitUntil } from "./harness.mjs";

const FOUR = ["ioredis RESP2", "ioredis RESP3", "node-redis RESP2", "node-redis RESP3"];
/** For what takes a second of its own. */
const TWO = ["ioredis RESP2", "node-redis RESP3"];
// Seconds; longer than any check takes.
const LONG = 600;

/** Runs `body` with a function that makes a limiter with a connection of its own, and a prefix for keys, which are deleted. */
async function withLimiters(client, body) {
  const keyPrefix = unique("limit"), protocol = Number(client.at(-1)), clients = [];
  const connect = async () => {
    let storeClient;
    if (client.startsWith("ioredis")) {
      storeClient = new Redis({ host: "127.0.0.1", port: PORT, protocol });
      clients.push(() => storeClient.disconnect());
    } else {
      storeClient = await createClient({ RESP: protocol, socket: { host: "127.0.0.1", port: PORT } }).connect();
      clients.push(() => storeClient.destroy());
    }
    return storeClient;
  };
  const redis = new Redis({ host: "127.0.0.1", port: PORT });
  try {
    const make = async (options) => new RateLimiterRedis({ storeClient: await connect(), useRedisPackage: client.startsWith("node-redis"), keyPrefix, ...options });
    await body(make, redis, keyPrefix);
  } finally {
    for (const end of clients) end();
    const keys = await redis.keys(`${keyPrefix}*`);
    if (keys.length) await redis.del(keys);
    redis.disconnect();
  }
}

const figures = ({ consumedPoints, remainingPoints, isFirstInDuration }) => [consumedPoints, remainingPoints, isFirstInDuration];
const soon = ({ msBeforeNext }, seconds) => assert.ok(msBeforeNext >= 0 && msBeforeNext <= seconds * 1000, `${msBeforeNext}`);

/** Calls and resolves to what the call rejects with, which is no Error when the limit is passed. */
async function refusal(promise) {
  const outcome = await promise.then(() => assert.fail("it was allowed"), (reason) => reason);
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

check("consume, penalty, reward, set, get, delete", FOUR, (client) =>
  withLimiters(client, async (make, redis, prefix) => {
    const limiter = await make({ points: 5, duration: LONG });
    assert.equal(await limiter.get("a"), null);
    const first = await limiter.consume("a", 2);
    assert.deepEqual(figures(first), [2, 3, true]);
    soon(first, LONG);
    assert.deepEqual(figures(await limiter.consume("a", 3)), [5, 0, false]);
    const refused = await refusal(limiter.consume("a"));
    assert.deepEqual(figures(refused), [6, 0, false]);
    soon(refused, LONG);
    assert.deepEqual(figures(await limiter.get("a")), [6, 0, false]);
    assert.equal((await limiter.reward("a", 3)).consumedPoints, 3);
    assert.equal((await limiter.penalty("a", 1)).consumedPoints, 4);
    assert.deepEqual(figures(await limiter.consume("a")), [5, 0, false]);
    assert.deepEqual(figures(await limiter.consume("b")), [1, 4, true]); // another key's
    await limiter.set("a", 1, LONG);
    assert.deepEqual(figures(await limiter.consume("a")), [2, 3, false]);
    assert.deepEqual([await limiter.delete("a"), await limiter.delete("a"), await limiter.get("a")], [true, false, null]);
    await redis.set(`${prefix}:a`, "4"); // without a time to live, which the script gives it
    assert.deepEqual(figures(await limiter.consume("a")), [5, 0, false]);
    soon({ msBeforeNext: await redis.pttl(`${prefix}:a`) }, LONG);
    await redis.set(`${prefix}:text`, "x");
    await assert.rejects(limiter.consume("text"), /ERR value is not an integer or out of range/);
  }));

check("200 at once over four connections: as many as there are points", FOUR, (client) =>
  withLimiters(client, async (make) => {
    const limiters = await Promise.all(Array.from({ length: 4 }, () => make({ points: 30, duration: LONG })));
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, (_, n) => limiters[n % 4].consume("a")));
    const passed = outcomes.filter(({ status }) => status === "fulfilled").map(({ value }) => value.remainingPoints);
    assert.deepEqual(passed.sort((a, b) => a - b), Array.from({ length: 30 }, (_, n) => n));
    const refused = outcomes.filter(({ status }) => status === "rejected").map(({ reason }) => reason.consumedPoints);
    assert.deepEqual(refused.sort((a, b) => a - b), Array.from({ length: 170 }, (_, n) => n + 31));
  }));

check("there are points again when the time is over", TWO, (client) =>
  withLimiters(client, async (make) => {
    const limiter = await make({ points: 1, duration: 1 }), began = Date.now();
    await limiter.consume("a");
    await waitUntil(() => limiter.consume("a").catch((refused) => { soon(refused, 1); }), "the next second");
    assert.ok(Date.now() - began >= 999, `${Date.now() - began} ms`);
  }));

check("block: by hand, when the points are used up, and in memory", FOUR, (client) =>
  withLimiters(client, async (make, redis, prefix) => {
    const [limiter, other] = await Promise.all([0, 1].map(() => make({ points: 2, duration: 1, blockDuration: LONG })));
    await limiter.block("a", LONG);
    const blocked = await refusal(other.consume("a"));
    assert.ok(blocked.msBeforeNext > 1_000, `${blocked.msBeforeNext}`);
    await other.delete("a");
    await limiter.consume("a", 2);
    assert.equal((await refusal(other.consume("a"))).msBeforeNext, LONG * 1000);
    const left = await redis.pttl(`${prefix}:a`);
    assert.ok(left > 1_000 && left <= LONG * 1000, `${left}`);
    assert.deepEqual(figures(await refusal(limiter.consume("a"))), [4, 0, false]);
    const memory = await make({ points: 2, duration: LONG, inMemoryBlockOnConsumed: 3, inMemoryBlockDuration: LONG });
    await memory.consume("m", 2);
    await refusal(memory.consume("m"));
    for (let n = 0; n < 5; n += 1) await refusal(memory.consume("m"));
    assert.equal(await redis.get(`${prefix}:m`), "3"); // the later ones were not sent
  }));

check("BurstyRateLimiter and RateLimiterUnion", FOUR, (client) =>
  withLimiters(client, async (make, redis, prefix) => {
    const [usual, burst] = [await make({ points: 2, duration: LONG }), await make({ keyPrefix: `${prefix}:burst`, points: 3, duration: LONG })];
    const bursty = new BurstyRateLimiter(usual, burst);
    for (let n = 0; n < 5; n += 1) await bursty.consume("a");
    await refusal(bursty.consume("a"));
    assert.deepEqual(await redis.mget(`${prefix}:a`, `${prefix}:burst:a`), ["6", "4"]);
    const union = new RateLimiterUnion(usual, burst);
    const both = await union.consume("b", 2);
    assert.deepEqual(Object.values(both).map((each) => each.remainingPoints), [0, 1]);
    const refused = await refusal(union.consume("b"));
    assert.deepEqual(Object.keys(refused), [prefix]);
  }));

check("RateLimiterQueue: whoever waits is served in order", TWO, (client) =>
  withLimiters(client, async (make) => {
    const queue = new RateLimiterQueue(await make({ points: 3, duration: 1 }), { maxQueueSize: 4 });
    const served = [], began = Date.now();
    const asked = Array.from({ length: 3 }, (_, n) => queue.removeTokens(1).then((left) => served.push([n, left])));
    await Promise.all(asked);
    assert.deepEqual(served, [[0, 2], [1, 1], [2, 0]]);
    assert.equal(await queue.getTokensRemaining(), 0);
    const waiting = Array.from({ length: 4 }, (_, n) => queue.removeTokens(1).then((left) => served.push([n + 3, left])));
    await Promise.all(waiting);
    assert.deepEqual(served.slice(3).map(([n]) => n), [3, 4, 5, 6]);
    assert.ok(Date.now() - began >= 999, `${Date.now() - began} ms`);
    await assert.rejects(queue.removeTokens(4), /Requested tokens 4 exceeds maximum 3 tokens per interval/);
  }));

await run("rate-limiter-flexible");
