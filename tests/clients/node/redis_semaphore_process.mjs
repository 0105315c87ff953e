// A process of redis_semaphore.mjs, which is told a key and the protocol. It takes the mutex and one permit of a semaphore,
// refreshes both again and again, and sends a message when it has them.

import { Redis } from "ioredis";
import { Mutex, Semaphore } from "redis-semaphore";

const [key, protocol] = process.argv.slice(2);
const redis = new Redis({ host: "127.0.0.1", port: Number(process.env.CHECK_PORT), protocol: Number(protocol) });
process.on("disconnect", () => process.exit());
const times = { lockTimeout: 1_500, refreshInterval: 50 };
const locks = [new Mutex(redis, key, times), new Semaphore(redis, key, 2, times)];
for (const lock of locks) await lock.acquire();
process.send(locks.map((lock) => lock.identifier));
