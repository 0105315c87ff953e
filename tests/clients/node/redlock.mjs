// redlock: locks that are taken, extended and given back by scripts, in one process and several, one of which is killed.

import assert from "node:assert/strict";
import { once } from "node:events";
import Redlock from "redlock";
import { check, run, startProcess, unique, waitUntil } from "./harness.mjs";
import { BOTH, withClients } from "./ioredis_clients.mjs";

// Longer than any check takes.
const LONG = 60_000;
const IMPATIENT = { retryCount: 0 };
const PATIENT = { retryCount: -1, retryDelay: 5, retryJitter: 5 };

/** Runs `body` with a client, a function that makes a redlock of its own connection, and one that names keys, which are deleted. */
async function withRedlock(protocol, count, body) {
  await withClients(protocol, count + 1, async (redis, ...others) => {
    const keys = [];
    const name = () => {
      const key = unique("lock");
      keys.push(key);
      return key;
    };
    const locks = others.map((client) => (options) => new Redlock([client], options));
    try {
      await body({ redis, name, locks, others });
    } finally {
      for (const key of keys) await redis.del(key, `${key}:number`);
    }
  });
}

const refused = { name: "LockError" };

check("a lock is one client's until it gives it back", BOTH, (protocol) =>
  withRedlock(protocol, 2, async ({ redis, name, locks }) => {
    const [a, b] = locks.map((lock) => lock(IMPATIENT)), key = name();
    const first = await a.lock(key, LONG);
    assert.equal(await redis.get(key), first.value);
    const left = await redis.pttl(key);
    assert.ok(left > 0 && left <= LONG, `${left}`);
    await assert.rejects(b.lock(key, LONG), { ...refused, message: `Exceeded 0 attempts to lock the resource "${key}".`, attempts: 1 });
    assert.equal(await redis.get(key), first.value);
    await first.unlock();
    assert.equal(await redis.exists(key), 0);
    await assert.rejects(first.unlock(), refused);
    const second = await b.lock(key, LONG);
    await assert.rejects(first.unlock(), refused); // it is another's
    assert.equal(await redis.get(key), second.value);
    await second.unlock();
  }));

check("several keys: all of them or none", BOTH, (protocol) =>
  withRedlock(protocol, 2, async ({ redis, name, locks }) => {
    const [a, b] = locks.map((lock) => lock(IMPATIENT)), keys = [name(), name(), name()], free = name();
    const held = await a.lock(keys, LONG);
    assert.deepEqual(await redis.mget(keys), Array(3).fill(held.value));
    await assert.rejects(b.lock([free, keys[2]], LONG), refused);
    assert.equal(await redis.exists(free), 0);
    await redis.set(keys[1], "stolen");
    await assert.rejects(held.extend(LONG), refused);
    await assert.rejects(held.unlock(), refused);
    assert.deepEqual(await redis.mget(keys), [null, "stolen", null]);
  }));

check("extend: keeps the lock beyond its time, and fails when it is lost", BOTH, (protocol) =>
  withRedlock(protocol, 2, async ({ redis, name, locks }) => {
    const [a, b] = [locks[0]({ ...IMPATIENT }), locks[1](PATIENT)], key = name();
    const held = await a.lock(key, 2_000), { value } = held;
    assert.equal(await held.extend(LONG), held);
    assert.equal(held.value, value);
    assert.ok((await redis.pttl(key)) > 2_000);
    await held.extend(100);
    const next = await b.lock(key, LONG); // once the first one's time is over
    assert.ok(Date.now() >= held.expiration, "the lock was free too early");
    await assert.rejects(held.extend(LONG), refused);
    await assert.rejects(held.unlock(), refused);
    assert.equal(await redis.get(key), next.value);
    await next.unlock();
  }));

check("clients that want the same lock get it one after another", BOTH, (protocol) =>
  withRedlock(protocol, 10, async ({ redis, name, locks }) => {
    const key = name();
    let inside = 0, most = 0;
    await Promise.all(locks.map(async (make) => {
      const redlock = make(PATIENT);
      for (let n = 0; n < 10; n += 1) {
        const lock = await redlock.lock(key, LONG);
        inside += 1;
        most = Math.max(most, inside);
        const number = Number(await redis.get(`${key}:number`));
        await redis.set(`${key}:number`, number + 1);
        inside -= 1;
        await lock.unlock();
      }
    }));
    assert.deepEqual([most, await redis.get(`${key}:number`), await redis.exists(key)], [1, "100", 0]);
  }));

check("five processes count under a lock; a sixth one, which held it, is killed", BOTH, (protocol) =>
  withRedlock(protocol, 1, async ({ redis, name }) => {
    const key = name(), version = protocol.at(-1), children = [];
    const start = async (...values) => {
      const [child, message] = await startProcess("redlock_process.mjs", ...values);
      children.push(child);
      return [child, message];
    };
    try {
      const [victim, value] = await start("hold", key, version, "1500");
      const counting = await Promise.all(Array.from({ length: 5 }, () => start("count", key, version, `${LONG}`, "20")));
      assert.equal(await redis.get(key), value);
      victim.kill("SIGKILL");
      await once(victim, "exit");
      assert.equal(await redis.get(`${key}:number`), null);
      await waitUntil(async () => (await redis.get(key)) !== value, "the dead process' lock to end");
      for (const [child] of counting) if (child.exitCode === null) assert.deepEqual(await once(child, "exit"), [0, null]);
      assert.deepEqual([await redis.get(`${key}:number`), await redis.exists(key)], ["100", 0]);
    } finally {
      for (const child of children) child.kill("SIGKILL");
    }
  }));

check("a lock in three databases is had with two of them", BOTH, (protocol) =>
  withRedlock(protocol, 3, async ({ name, others }) => {
    const key = name();
    for (const [n, client] of others.entries()) await client.select(n);
    const redlock = new Redlock(others, IMPATIENT);
    try {
      await others[2].set(key, "another's");
      const lock = await redlock.lock(key, LONG);
      assert.deepEqual(await Promise.all(others.map((client) => client.get(key))), [lock.value, lock.value, "another's"]);
      await lock.unlock();
      await others[1].set(key, "another's");
      await assert.rejects(redlock.lock(key, LONG), refused);
      assert.deepEqual(await Promise.all(others.map((client) => client.get(key))), [null, "another's", "another's"]);
    } finally {
      for (const client of others) await client.del(key);
    }
  }));

await run("redlock");
