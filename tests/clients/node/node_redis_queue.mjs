// node-redis, as one uses it for queues: lists, blocking pops, keys, transactions.

import assert from "node:assert/strict";
import { createClientPool, RESP_TYPES, WatchError } from "redis";
import { EVERY_BYTE, Inbox, check, run, unique, waitUntil } from "./harness.mjs";
import { BOTH, blocked, options, withClients } from "./node_redis_clients.mjs";

check("lists", BOTH, async (protocol) => {
  await withClients(protocol, 1, async (client) => {
    const key = unique("list"), other = unique("list"), none = unique("none");
    assert.equal(await client.rPush(key, ["b", "c"]), 2);
    assert.equal(await client.lPush(key, ["a", "z"]), 4);
    assert.deepEqual(await client.lRange(key, 0, -1), ["z", "a", "b", "c"]);
    assert.deepEqual([await client.lPushX(none, "x"), await client.rPushX(key, "d"), await client.lLen(key)], [0, 5, 5]);
    assert.deepEqual([await client.lIndex(key, -1), await client.lIndex(key, 9), await client.lPop(none)], ["d", null, null]);
    assert.deepEqual([await client.lPop(key), await client.rPop(key)], ["z", "d"]);
    assert.deepEqual([await client.lPopCount(key, 2), await client.rPopCount(key, 2), await client.lPopCount(key, 1)],
      [["a", "b"], ["c"], null]);
    await client.rPush(key, [..."abcab"]);
    assert.deepEqual([await client.lPos(key, "b"), await client.lPosCount(key, "b", 0), await client.lPos(key, "x")], [1, [1, 4], null]);
    assert.equal(await client.lSet(key, 2, "C"), "OK");
    assert.equal(await client.lInsert(key, "BEFORE", "C", "1"), 6);
    assert.deepEqual([await client.lRem(key, -1, "b"), await client.lRem(key, 0, "a")], [1, 2]);
    assert.equal(await client.lTrim(key, 1, -1), "OK");
    assert.deepEqual(await client.lRange(key, 0, -1), ["1", "C"]);
    assert.equal(await client.lMove(key, other, "LEFT", "RIGHT"), "1");
    assert.equal(await client.rPopLPush(key, other), "C");
    assert.equal(await client.lMove(key, other, "LEFT", "RIGHT"), null);
    assert.deepEqual(await client.lmPop([none, other], "LEFT", { COUNT: 9 }), [other, ["C", "1"]]);
    assert.equal(await client.lmPop([none, other], "RIGHT"), null);
    await client.set(key, "text");
    await assert.rejects(client.lPush(key, "x"), /^Error: WRONGTYPE Operation against a key holding the wrong kind of value$/);
    assert.equal(await client.del([key, other]), 1);
  });
});

check("binary elements, one of 1 MiB", BOTH, async (protocol) => {
  await withClients(protocol, 1, async (client) => {
    const key = unique("binary"), large = Buffer.alloc(1 << 20, EVERY_BYTE);
    const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    assert.equal(await client.rPush(key, [EVERY_BYTE, large]), 2);
    assert.ok((await buffers.lPop(key)).equals(EVERY_BYTE));
    assert.ok((await buffers.blPop(key, 1)).element.equals(large));
  });
});

check("blocking pops: at once, in vain, and waiting for a push", BOTH, async (protocol) => {
  await withClients(protocol, 2, async (client, worker) => {
    const a = unique("a"), b = unique("b"), to = unique("to");
    await client.rPush(b, [..."123456"]);
    assert.deepEqual({ ...(await worker.blPop([a, b], 1)) }, { key: b, element: "1" });
    assert.deepEqual({ ...(await worker.brPop([a, b], 1)) }, { key: b, element: "6" });
    assert.equal(await worker.blMove(b, to, "RIGHT", "LEFT", 1), "5");
    assert.deepEqual(await worker.blmPop(1, [a, b], "LEFT", { COUNT: 9 }), [b, ["2", "3", "4"]]);
    assert.deepEqual([await worker.blPop(a, 0.01), await worker.blMove(a, to, "LEFT", "LEFT", 0.01)], [null, null]);
    assert.equal(await worker.blmPop(0.01, [a, b], "LEFT"), null);
    for (const [command, wanted] of [
      [() => worker.blPop([a, b], 0), { key: a, element: "y" }],
      [() => worker.brPop(a, 0), { key: a, element: "x" }],
      [() => worker.brPopLPush(a, to, 0), "x"],
      [() => worker.blMove(a, to, "LEFT", "RIGHT", 0), "y"],
      [() => worker.blmPop(0, [b, a], "RIGHT", { COUNT: 2 }), [a, ["x", "y"]]],
    ]) {
      const [outcome] = await blocked(client, worker, command);
      assert.equal(await client.lPush(a, ["x", "y"]), 2);
      assert.deepEqual(JSON.parse(JSON.stringify(await outcome)), wanted);
      await client.del(a);
    }
    assert.deepEqual(await client.lRange(to, 0, -1), ["x", "5", "y"]);
    await client.del(to);
  });
});

check("who waits longest is served first", BOTH, async (protocol) => {
  await withClients(protocol, 4, async (client, ...workers) => {
    const key = unique("turns"), outcomes = [];
    for (const worker of workers) outcomes.push(...(await blocked(client, worker, () => worker.blPop(key, 0))));
    assert.equal(await client.rPush(key, ["1", "2", "3", "4"]), 4);
    assert.deepEqual((await Promise.all(outcomes)).map((popped) => popped.element), ["1", "2", "3"]);
    assert.equal(await client.lPop(key), "4");
  });
});

check("a pool's 5 workers take each of 500 elements once", BOTH, async (protocol) => {
  const pool = await createClientPool(options(protocol), { minimum: 6, maximum: 6 }).connect();
  const key = unique("shared"), done = unique("done"), taken = new Inbox();
  const worker = async () => {
    for (let order; (order = await pool.blMove(key, done, "RIGHT", "LEFT", 0)) !== "end";) taken.push(order);
  };
  const workers = Array.from({ length: 5 }, worker);
  const orders = Array.from({ length: 500 }, (_, i) => `${i}`);
  await Promise.all(orders.map((order) => pool.lPush(key, order)));
  assert.deepEqual((await taken.take(500)).sort(), [...orders].sort());
  await pool.lPush(key, Array(5).fill("end"));
  await Promise.all(workers);
  assert.equal(await pool.lLen(done), 505);
  assert.equal(await pool.del([key, done]), 1);
  await pool.close();
});

check("CLIENT UNBLOCK, CLIENT KILL of who waits", BOTH, async (protocol) => {
  await withClients(protocol, 3, async (client, worker, victim) => {
    const key = unique("unblock"), id = await worker.clientId(), victimId = await victim.clientId();
    const [timedOut] = await blocked(client, worker, () => worker.blPop(key, 0));
    assert.equal(await client.clientUnblock(id), 1);
    assert.equal(await timedOut, null);
    const [refused] = await blocked(client, worker, () => worker.blPop(key, 0));
    assert.equal(await client.clientUnblock(id, "ERROR"), 1);
    await assert.rejects(refused, /UNBLOCKED client unblocked via CLIENT UNBLOCK/);
    const [cut] = await blocked(client, victim, () => victim.blPop(key, 0));
    assert.equal(await client.clientKill({ filter: "ID", id: victimId }), 1);
    await assert.rejects(cut);
    await waitUntil(async () => (await client.clientList()).every((entry) => entry.id !== victimId), "the victim's end");
    assert.equal(await client.rPush(key, "stays"), 1);
    assert.equal(await client.lPop(key), "stays");
  });
});

check("strings, SET options and expiry", BOTH, async (protocol) => {
  await withClients(protocol, 1, async (client) => {
    const key = unique("text"), none = unique("none");
    assert.deepEqual([await client.set(key, "1"), await client.get(key), await client.get(none)], ["OK", "1", null]);
    assert.equal(await client.set(key, "2", { condition: "NX" }), null);
    assert.equal(await client.set(key, "2", { condition: "XX", GET: true }), "1");
    assert.equal(await client.set(key, "3", { expiration: { type: "EX", value: 100 } }), "OK");
    assert.equal(await client.set(key, "4", { expiration: "KEEPTTL" }), "OK");
    assert.ok((await client.pTTL(key)) > 1_000);
    assert.deepEqual([await client.incr(key), await client.incrBy(key, 10), await client.decr(key)], [5, 15, 14]);
    assert.deepEqual([await client.append(key, "!"), await client.strLen(key), await client.getDel(key)], [3, 3, "14!"]);
    assert.equal(await client.mSet({ [key]: "a", [none]: "b" }), "OK");
    assert.deepEqual(await client.mGet([key, `${key}?`, none]), ["a", null, "b"]);
    assert.deepEqual([await client.expire(key, 100), await client.expire(key, 50, "GT"), await client.persist(key)], [1, 0, 1]);
    assert.deepEqual([await client.ttl(key), await client.type(key), await client.exists([key, none])], [-1, "string", 2]);
    assert.equal(await client.unlink([key, none]), 2);
    await client.set(key, "x", { expiration: { type: "PX", value: 20 } });
    await waitUntil(async () => (await client.get(key)) === null, "the key's end");
    assert.equal(await client.ttl(key), -2);
  });
});

check("scanIterator sees each of 1,000 keys", BOTH, async (protocol) => {
  await withClients(protocol, 1, async (client) => {
    const stem = unique("scan"), names = Array.from({ length: 1000 }, (_, i) => `${stem}:${i}`).sort();
    await Promise.all(names.map((name, i) => (i % 2 ? client.rPush(name, "x") : client.set(name, "x"))));
    for (const more of [{}, { COUNT: 7 }, { COUNT: 5000 }]) {
      const seen = new Set();
      for await (const keys of client.scanIterator({ MATCH: `${stem}:*`, ...more })) for (const key of keys) seen.add(key);
      assert.deepEqual([...seen].sort(), names);
    }
    const lists = new Set();
    for await (const keys of client.scanIterator({ MATCH: `${stem}:*`, TYPE: "list" })) for (const key of keys) lists.add(key);
    assert.equal(lists.size, 500);
    assert.equal(await client.del(names), 1000);
  });
});

check("MULTI, errors inside, WATCH and another attempt", BOTH, async (protocol) => {
  await withClients(protocol, 2, async (client, rival) => {
    const key = unique("stock"), list = unique("list");
    assert.deepEqual(await client.multi().rPush(list, ["a", "b"]).lRange(list, 0, -1).set(key, "1").incr(key).exec(),
      [2, ["a", "b"], "OK", 2]);
    const replies = await client.multi().lPush(key, "x").incr(key).exec().catch((error) => error.replies);
    assert.match(replies[0].message, /^WRONGTYPE/);
    assert.equal(replies[1], 3);
    let attempts = 0;
    const takeOne = async () => {
      await client.watch(key);
      const left = Number(await client.get(key));
      attempts += 1;
      if (attempts === 1) await rival.decr(key);
      try {
        return await client.multi().set(key, `${left - 1}`).rPush(list, "taken").exec();
      } catch (error) {
        if (error instanceof WatchError) return takeOne();
        throw error;
      }
    };
    assert.deepEqual(await takeOne(), ["OK", 3]);
    assert.deepEqual([attempts, await client.get(key)], [2, "1"]);
    assert.equal(await client.del([key, list]), 2);
  });
});

check("keyspace notifications", BOTH, async (protocol) => {
  await withClients(protocol, 2, async (client, subscriber) => {
    const key = unique("events"), inbox = new Inbox(), ends = new Inbox();
    const { "notify-keyspace-events": before } = await client.configGet("notify-keyspace-events");
    await client.configSet("notify-keyspace-events", "KElx");
    try {
      await subscriber.subscribe(`__keyspace@0__:${key}`, (event) => inbox.push(event));
      await subscriber.subscribe("__keyevent@0__:expired", (name) => ends.push(name));
      await client.rPush(key, ["a", "b"]);
      await client.lPop(key);
      await client.pExpire(key, 20);
      await waitUntil(async () => (await client.exists(key)) === 0, "the key's end");
      assert.deepEqual(await inbox.take(3), ["rpush", "lpop", "expired"]); // `expire` is of the class g
      await waitUntil(() => ends.items.includes(key), "the key among those that expired");
    } finally {
      await client.configSet("notify-keyspace-events", before);
    }
  });
});

await run("node-redis queue");
