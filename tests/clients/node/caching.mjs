// Client-side caching: node-redis' own, and ioredis by hand, which has none.

import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { BasicClientSideCache, createClient } from "redis";
import { Inbox, PORT, check, run, unique, waitUntil } from "./harness.mjs";

const socket = { host: "127.0.0.1", port: PORT };

async function withCache(body) {
  const cache = new BasicClientSideCache({ recordStats: true });
  const caching = createClient({ RESP: 3, socket, clientSideCache: cache });
  const other = createClient({ RESP: 3, socket });
  for (const client of [caching, other]) {
    client.on("error", () => {}); // without a listener a lost connection would end the process
    await client.connect();
  }
  try {
    await body(caching, other, cache);
  } finally {
    caching.destroy();
    other.destroy();
  }
}

check("node-redis: a cached value is not asked for again, and goes when it changes", () =>
  withCache(async (caching, other, cache) => {
    const key = unique("caching");
    await other.set(key, "one");
    assert.equal(await caching.get(key), "one");
    assert.equal(cache.stats().missCount, 1);
    for (let round = 0; round < 10; round += 1) assert.equal(await caching.get(key), "one");
    assert.deepEqual([cache.stats().hitCount, cache.stats().missCount], [10, 1]);
    await other.set(key, "two");
    await waitUntil(() => cache.size() === 0, "the invalidation");
    assert.equal(await caching.get(key), "two");
    await other.del(key);
    await waitUntil(() => cache.size() === 0, "the invalidation of a deleted key");
    assert.equal(await caching.get(key), null);
  }));

check("node-redis: several keys, expiry and a flush", () =>
  withCache(async (caching, other, cache) => {
    const [one, two] = [unique("caching"), unique("caching")];
    await other.mSet({ [one]: "1", [two]: "2" });
    assert.deepEqual(await caching.mGet([one, two]), ["1", "2"]);
    await other.set(two, "3");
    await waitUntil(() => cache.size() === 0, "one of two keys");
    assert.deepEqual(await caching.mGet([one, two]), ["1", "3"]);
    await other.pExpire(one, 10);
    await waitUntil(async () => (await caching.get(one)) === null, "an expired key");
    assert.equal(await caching.get(two), "3");
    await other.flushDb();
    await waitUntil(() => cache.size() === 0, "a flush");
    assert.equal(await caching.get(two), null);
  }));

check("node-redis: reads while others write leave no stale value", () =>
  withCache(async (caching, other) => {
    const key = unique("caching");
    for (let round = 0; round < 200; round += 1) {
      await Promise.all([caching.get(key), other.set(key, `${round}`), caching.get(key)]);
    }
    await waitUntil(async () => (await caching.get(key)) === "199", "the last value");
    await other.del(key);
  }));

for (const protocol of [2, 3]) {
  check(`ioredis: tracking redirected to a subscriber [RESP${protocol}]`, async () => {
    const [reader, subscriber, other] = [protocol, 2, protocol].map(
      (version) => new Redis({ ...socket, protocol: version }),
    );
    for (const client of [reader, subscriber, other]) client.on("error", () => {});
    try {
      const told = new Inbox();
      subscriber.on("messageBuffer", (channel, keys) => told.push(`${channel} ${keys}`));
      const id = await subscriber.client("ID");
      await subscriber.subscribe("__redis__:invalidate");
      assert.equal(await reader.client("TRACKING", "ON", "REDIRECT", id), "OK");
      assert.equal(await reader.client("GETREDIR"), id);
      const key = unique("caching");
      assert.equal(await reader.get(key), null);
      await other.set(key, "one");
      assert.deepEqual(await told.take(1), [`__redis__:invalidate ${key}`]);
      await other.set(key, "two");
      assert.equal(await reader.get(key), "two");
      await other.del(key);
      assert.deepEqual(await told.take(1), [`__redis__:invalidate ${key}`]);
      assert.equal(await reader.client("TRACKING", "OFF"), "OK");
    } finally {
      for (const client of [reader, subscriber, other]) client.disconnect();
    }
  });
}

run("caching");
