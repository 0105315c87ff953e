// A process of redlock.mjs that takes locks. It is told what to do, a key, the protocol and a lock's time in milliseconds, and
// sends a message when it has begun.
//   hold KEY …          takes the lock and extends it again and again
//   count KEY … TIMES   adds 1 to the number at KEY:number so many times, each under the lock, in two steps

import { Redis } from "ioredis";
import Redlock from "redlock";

const [act, key, protocol, ttl, times] = process.argv.slice(2);
const redis = new Redis({ host: "127.0.0.1", port: Number(process.env.CHECK_PORT), protocol: Number(protocol) });
const redlock = new Redlock([redis], { retryCount: -1, retryDelay: 5, retryJitter: 5 });
process.on("disconnect", () => process.exit());
if (act === "hold") {
  const lock = await redlock.lock(key, Number(ttl));
  process.send(lock.value);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await lock.extend(Number(ttl));
  }
} else {
  process.send("begun");
  for (let n = 0; n < Number(times); n += 1) {
    const lock = await redlock.lock(key, Number(ttl));
    const number = Number(await redis.get(`${key}:number`));
    await new Promise((resolve) => setImmediate(resolve));
    await redis.set(`${key}:number`, number + 1);
    await lock.unlock();
  }
  process.exit();
}
