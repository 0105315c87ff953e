// ioredis, as one uses it for queues: lists, blocking pops, keys, transactions.

import assert from "node:assert/strict";
import { EVERY_BYTE, Inbox, check, run, unique, waitUntil } from "./harness.mjs";
import { BOTH, blocked, withClients } from "./ioredis_clients.mjs";

check("lists", BOTH, async (protocol) => {
  await withClients(protocol, 1, async (client) => {
    const key = unique("list"), other = unique("list"), none = unique("none");
    assert.deepEqual([await client.rpush(key, "b", "c"), await client.lpush(key, "a", "z")], [2, 4]);
    assert.deepEqual(await client.lrange(key, 0, -1), ["z", "a", "b", "c"]);
    assert.deepEqual([await client.lpushx(none, "x"), await client.rpushx(key, "d"), await client.llen(key)], [0, 5, 5]);
    assert.deepEqual([await client.lindex(key, -1), await client.lindex(key, 9), await client.lpop(none)], ["d", null, null]);
    assert.deepEqual([await client.lpop(key), await client.rpop(key), await client.lpop(key, 2), await client.rpop(key, 9)],
      ["z", "d", ["a", "b"], ["c"]]);
    await client.rpush(key, ..."abcab");
    assert.deepEqual([await client.lpos(key, "b"), await client.lpos(key, "b", "COUNT", 0), await client.lpos(key, "x")],
      [1, [1, 4], null]);
    assert.equal(await client.lset(key, 2, "C"), "OK");
    assert.deepEqual([await client.linsert(key, "AFTER", "C", "1"), await client.lrem(key, 0, "a")], [6, 2]);
    assert.equal(await client.ltrim(key, 1, 2), "OK");
    assert.deepEqual(await client.lrange(key, 0, -1), ["C", "1"]);
    assert.equal(await client.lmove(key, other, "LEFT", "RIGHT"), "C");
    assert.equal(await client.rpoplpush(key, other), "1");
    assert.equal(await client.lmove(key, other, "LEFT", "RIGHT"), null);
    assert.deepEqual(await client.lmpop(2, none, other, "LEFT", "COUNT", 9), [other, ["1", "C"]]);
    assert.equal(await client.lmpop(1, none, "LEFT"), null);
    await client.set(key, "text");
    await assert.rejects(client.lpush(key, "x"),
      { message: "WRONGTYPE Operation against a key holding the wrong kind of value" });
    assert.equal(await client.del(key, other), 1);
  });
});

check("buffers, one of 1 MiB", BOTH, async (protocol) => {
  await withClients(protocol, 1, async (client) => {
    const key = Buffer.concat([Buffer.from(unique("binary")), EVERY_BYTE]), large = Buffer.alloc(1 << 20, EVERY_BYTE);
    assert.equal(await client.rpush(key, EVERY_BYTE, large), 2);
    const [name, element] = await client.blpopBuffer(key, 1);
    assert.ok(name.equals(key) && element.equals(EVERY_BYTE));
    assert.ok((await client.lpopBuffer(key)).equals(large));
  });
});

check("blocking pops: at once, in vain, and waiting for a push", BOTH, async (protocol) => {
  await withClients(protocol, 2, async (client, worker) => {
    const a = unique("a"), b = unique("b"), to = unique("to");
    await client.rpush(b, ..."123456");
    assert.deepEqual(await worker.blpop(a, b, 1), [b, "1"]);
    assert.deepEqual(await worker.brpop([a, b], 1), [b, "6"]);
    assert.equal(await worker.blmove(b, to, "RIGHT", "LEFT", 1), "5");
    assert.deepEqual(await worker.blmpop(1, 2, a, b, "LEFT", "COUNT", 9), [b, ["2", "3", "4"]]);
    assert.deepEqual([await worker.blpop(a, 0.01), await worker.blmove(a, to, "LEFT", "LEFT", 0.01)], [null, null]);
    assert.equal(await worker.blmpop(0.01, 2, a, b, "LEFT"), null);
    for (const [command, wanted] of [
      [() => worker.blpop(a, b, 0), [a, "y"]],
      [() => worker.brpop(a, 0), [a, "x"]],
      [() => worker.brpoplpush(a, to, 0), "x"],
      [() => worker.blmove(a, to, "LEFT", "RIGHT", 0), "y"],
      [() => worker.blmpop(0, 2, b, a, "RIGHT", "COUNT", 2), [a, ["x", "y"]]],
    ]) {
      const [outcome] = await blocked(client, worker, command);
      assert.equal(await client.lpush(a, "x", "y"), 2);
      assert.deepEqual(await outcome, wanted);
      await client.del(a);
    }
    assert.deepEqual(await client.lrange(to, 0, -1), ["x", "5", "y"]);
    await client.del(to);
  });
});

check("commands behind a blocking one wait for it", BOTH, async (protocol) => {
  await withClients(protocol, 2, async (client, worker) => {
    const key = unique("behind"), order = [];
    const [popped] = await blocked(client, worker, () => worker.blpop(key, 0));
    const calls = [popped, worker.rpush(key, "own"), worker.blpop(key, 0), worker.llen(key)];
    calls.forEach((call, i) => call.then(() => order.push(i)));
    assert.equal(await client.rpush(key, "x"), 1);
    assert.deepEqual(await Promise.all(calls), [[key, "x"], 1, [key, "own"], 0]);
    assert.deepEqual(order, [0, 1, 2, 3]);
  });
});

check("who waits longest is served first", BOTH, async (protocol) => {
  await withClients(protocol, 4, async (client, ...workers) => {
    const key = unique("turns"), outcomes = [];
    for (const worker of workers) outcomes.push(...(await blocked(client, worker, () => worker.brpop(key, 0))));
    assert.equal(await client.lpush(key, "1", "2", "3", "4"), 4);
    assert.deepEqual((await Promise.all(outcomes)).map(([, element]) => element), ["1", "2", "3"]);
    assert.equal(await client.lpop(key), "4");
  });
});

check("CLIENT UNBLOCK, and a waiter who disconnects", BOTH, async (protocol) => {
  await withClients(protocol, 3, async (client, worker, victim) => {
    const key = unique("unblock"), id = await worker.client("ID"), victimId = await victim.client("ID");
    const [timedOut] = await blocked(client, worker, () => worker.blpop(key, 0));
    assert.equal(await client.client("UNBLOCK", id), 1);
    assert.equal(await timedOut, null);
    const [refused] = await blocked(client, worker, () => worker.blpop(key, 0));
    assert.equal(await client.client("UNBLOCK", id, "ERROR"), 1);
    await assert.rejects(refused, { message: "UNBLOCKED client unblocked via CLIENT UNBLOCK" });
    const [cut] = await blocked(client, victim, () => victim.blpop(key, 0));
    victim.disconnect();
    await assert.rejects(cut);
    await waitUntil(async () => !(await client.client("LIST")).includes(`id=${victimId} `), "the victim's end");
    assert.equal(await client.rpush(key, "stays"), 1);
    assert.equal(await client.lpop(key), "stays");
  });
});

check("strings, SET options and expiry", BOTH, async (protocol) => {
  await withClients(protocol, 1, async (client) => {
    const key = unique("text"), none = unique("none");
    assert.deepEqual([await client.set(key, "1"), await client.get(key), await client.get(none)], ["OK", "1", null]);
    assert.deepEqual([await client.set(key, "2", "NX"), await client.set(key, "2", "XX", "GET")], [null, "1"]);
    assert.deepEqual([await client.set(key, "3", "EX", 100), await client.set(key, "4", "KEEPTTL")], ["OK", "OK"]);
    assert.ok((await client.pttl(key)) > 1_000);
    assert.deepEqual([await client.incr(key), await client.incrby(key, 10), await client.decr(key)], [5, 15, 14]);
    assert.deepEqual([await client.append(key, "!"), await client.strlen(key), await client.getdel(key)], [3, 3, "14!"]);
    assert.equal(await client.mset({ [key]: "a", [none]: "b" }), "OK");
    assert.deepEqual(await client.mget(key, `${key}?`, none), ["a", null, "b"]);
    assert.deepEqual([await client.expire(key, 100), await client.expire(key, 50, "GT"), await client.persist(key)], [1, 0, 1]);
    assert.deepEqual([await client.ttl(key), await client.type(key), await client.exists(key, none)], [-1, "string", 2]);
    assert.equal(await client.unlink(key, none), 2);
    await client.set(key, "x", "PX", 20);
    await waitUntil(async () => (await client.get(key)) === null, "the key's end");
    assert.equal(await client.ttl(key), -2);
  });
});

check("scanStream sees each of 1,000 keys", BOTH, async (protocol) => {
  await withClients(protocol, 1, async (client) => {
    const stem = unique("scan"), names = Array.from({ length: 1000 }, (_, i) => `${stem}:${i}`).sort();
    await client.mset(...names.flatMap((name) => [name, "x"]));
    for (const more of [{}, { count: 7 }, { count: 5000 }, { type: "string" }]) {
      const seen = new Set();
      for await (const keys of client.scanStream({ match: `${stem}:*`, ...more })) for (const key of keys) seen.add(key);
      assert.deepEqual([...seen].sort(), names);
    }
    assert.equal(await client.del(names), 1000);
  });
});

check("pipelines, MULTI, and WATCH that sees a change", BOTH, async (protocol) => {
  await withClients(protocol, 2, async (client, rival) => {
    const key = unique("stock"), list = unique("list");
    assert.deepEqual(await client.pipeline().rpush(list, "a", "b").get(list).lpop(list).exec().then((replies) =>
      replies.map(([error, reply]) => error?.message ?? reply)),
    [2, "WRONGTYPE Operation against a key holding the wrong kind of value", "a"]);
    assert.deepEqual(await client.multi().set(key, 1).incr(key).lrange(list, 0, -1).exec(),
      [[null, "OK"], [null, 2], [null, ["b"]]]);
    assert.equal(await client.multi({ pipeline: false }), "OK");
    assert.equal(await client.rpush(list, "c"), "QUEUED");
    assert.equal(await client.discard(), "OK");
    const takeOne = async (meanwhile) => {
      await client.watch(key, list);
      const left = Number(await client.get(key));
      await meanwhile();
      return client.multi().set(key, left - 1).exec();
    };
    assert.equal(await takeOne(() => rival.decr(key)), null);
    assert.equal(await takeOne(() => rival.lpop(list)), null);
    assert.deepEqual(await takeOne(() => rival.get(key)), [[null, "OK"]]);
    assert.deepEqual([await client.get(key), await client.exists(list)], ["0", 0]);
    assert.equal(await client.del(key), 1);
  });
});

check("keyspace notifications by pattern, of a blocked move too", BOTH, async (protocol) => {
  await withClients(protocol, 3, async (client, subscriber, worker) => {
    const key = unique("events"), to = `${key}:to`, inbox = new Inbox();
    const [, before] = await client.config("GET", "notify-keyspace-events");
    assert.equal(await client.config("SET", "notify-keyspace-events", "KA"), "OK");
    try {
      subscriber.on("pmessage", (_pattern, channel, event) => inbox.push([channel.slice("__keyspace@0__:".length), event]));
      await subscriber.psubscribe(`__keyspace@0__:${key}*`);
      const [moved] = await blocked(client, worker, () => worker.blmove(key, to, "RIGHT", "LEFT", 0));
      await client.lpush(key, "x");
      assert.equal(await moved, "x");
      await client.del(to);
      assert.deepEqual(await inbox.take(5), [[key, "lpush"], [to, "lpush"], [key, "rpop"], [key, "del"], [to, "del"]]);
    } finally {
      await client.config("SET", "notify-keyspace-events", before);
    }
  });
});

await run("ioredis queue");
