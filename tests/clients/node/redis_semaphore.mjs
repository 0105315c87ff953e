// redis-semaphore: mutexes and semaphores, taken, refreshed and released by scripts; a process that has them is killed.

import assert from "node:assert/strict";
import { once } from "node:events";
import { MultiSemaphore, Mutex, RedlockMutex, Semaphore } from "redis-semaphore";
import { Inbox, check, run, startProcess, unique } from "./harness.mjs";
import { BOTH, withClients } from "./ioredis_clients.mjs";

// Longer than any check takes.
const HELD = { lockTimeout: 60_000, acquireTimeout: 60_000, retryInterval: 5, refreshInterval: 0 };

/** Runs `body` with clients and a key; leaves no key behind. */
function withKey(protocol, count, body) {
  return withClients(protocol, count, async (...clients) => {
    const key = unique("shared");
    try {
      await body(key, ...clients);
    } finally {
      const keys = await clients[0].keys(`*${key}*`);
      if (keys.length) await clients[0].del(keys);
    }
  });
}

check("a mutex is one client's; a semaphore is as many clients' as it has permits", BOTH, (protocol) =>
  withKey(protocol, 10, async (key, ...clients) => {
    let [inMutex, mostInMutex, inSemaphore, mostInSemaphore] = [0, 0, 0, 0];
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    await Promise.all(clients.map(async (client) => {
      const mutex = new Mutex(client, key, HELD), semaphore = new Semaphore(client, key, 3, HELD);
      for (let n = 0; n < 5; n += 1) {
        await semaphore.acquire();
        inSemaphore += 1;
        mostInSemaphore = Math.max(mostInSemaphore, inSemaphore);
        await mutex.acquire();
        inMutex += 1;
        mostInMutex = Math.max(mostInMutex, inMutex);
        const number = Number(await client.get(`${key}:number`));
        await turn();
        await client.set(`${key}:number`, number + 1);
        inMutex -= 1;
        await mutex.release();
        inSemaphore -= 1;
        await semaphore.release();
      }
    }));
    assert.deepEqual([mostInMutex, mostInSemaphore, await clients[0].get(`${key}:number`)], [1, 3, "50"]);
    assert.equal(await clients[0].exists(`mutex:${key}`, `semaphore:${key}`), 0);
  }));

check("several permits at once, and a mutex in two databases", BOTH, (protocol) =>
  withKey(protocol, 2, async (key, client, other) => {
    const make = (permits) => new MultiSemaphore(client, key, 5, permits, { ...HELD, acquireAttemptsLimit: 1 });
    const [three, two, one] = [make(3), make(2), make(1)];
    await Promise.all([three.acquire(), two.acquire()]);
    assert.deepEqual([await one.tryAcquire(), await client.zcard(`semaphore:${key}`)], [false, 5]);
    await two.release();
    assert.deepEqual([await one.tryAcquire(), await client.zcard(`semaphore:${key}`)], [true, 4]);
    await other.select(1);
    const [mutex, late] = [0, 1].map(() => new RedlockMutex([client, other], key, { ...HELD, acquireAttemptsLimit: 1 }));
    await mutex.acquire();
    assert.deepEqual([await client.get(`mutex:${key}`), await other.get(`mutex:${key}`), await late.tryAcquire()], [mutex.identifier, mutex.identifier, false]);
    await mutex.release();
    assert.deepEqual([await other.exists(`mutex:${key}`), await late.tryAcquire()], [0, true]);
    await late.release();
  }));

check("a lock that somebody takes away is lost", BOTH, (protocol) =>
  withKey(protocol, 1, async (key, client) => {
    const lost = new Inbox(), mutex = new Mutex(client, key, { ...HELD, refreshInterval: 10, onLockLost: lost.push });
    await mutex.acquire();
    await client.set(`mutex:${key}`, "another's");
    assert.equal((await lost.take(1))[0].message, `Lost mutex for key mutex:${key}`);
    assert.equal(mutex.isAcquired, false);
    await mutex.release();
    assert.equal(await client.get(`mutex:${key}`), "another's");
  }));

check("what a killed process had is free when its time is over", BOTH, (protocol) =>
  withKey(protocol, 1, async (key, client) => {
    const [victim, [held, permit]] = await startProcess("redis_semaphore_process.mjs", key, protocol.at(-1));
    try {
      const mutex = new Mutex(client, key, HELD), semaphores = [0, 1].map(() => new Semaphore(client, key, 2, { ...HELD, lockTimeout: 1_500, refreshInterval: 50 }));
      await semaphores[0].acquire();
      assert.deepEqual([await client.get(`mutex:${key}`), await client.zrange(`semaphore:${key}`, 0, -1)].flat().sort(),
        [held, permit, semaphores[0].identifier].sort());
      victim.kill("SIGKILL");
      await once(victim, "exit");
      await Promise.all([mutex.acquire(), semaphores[1].acquire()]);
      assert.equal(await client.get(`mutex:${key}`), mutex.identifier);
      assert.deepEqual((await client.zrange(`semaphore:${key}`, 0, -1)).sort(), semaphores.map((each) => each.identifier).sort());
      for (const each of [mutex, ...semaphores]) await each.release();
      assert.equal(await client.exists(`mutex:${key}`, `semaphore:${key}`), 0);
    } finally {
      victim.kill("SIGKILL");
    }
  }));

await run("redis-semaphore");
