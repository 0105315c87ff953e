// socket.io behind @socket.io/redis-adapter, classic and sharded, and @socket.io/redis-streams-adapter: two server processes
// (socketio_shared.mjs). Behind the last adapter a client that was cut off gets what it has missed, also when its process was
// killed meanwhile.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createClient } from "redis";
import { PORT, check, run, unique, waitUntil } from "./harness.mjs";
import { Process, processesListen, twoProcesses, visit } from "./socketio_shared.mjs";

const redis = await createClient({ socket: { host: "127.0.0.1", port: PORT } }).connect();

const variants = ["classic", "sharded", "streams"].flatMap((adapter) =>
  ["node-redis", "ioredis"].flatMap((library) => [2, 3].map((protocol) => `${adapter} ${library} RESP${protocol}`)));

check("two processes", variants, async (variant) => {
  const [adapter, library, resp] = variant.split(" "), prefix = unique("io");
  try {
    await twoProcesses(redis, [PORT, PORT], { adapter, library, protocol: resp.at(-1), prefix });
  } finally {
    await redis.del(prefix);
  }
});

check("recovery", ["node-redis RESP2", "node-redis RESP3", "ioredis RESP2", "ioredis RESP3"], async (variant) => {
  const [library, resp] = variant.split(" ");
  const prefix = unique("io"), started = [], visitors = [];
  try {
    for (let i = 0; i < 2; i += 1) started.push(await Process.start(PORT, "recovery", library, resp.at(-1), prefix));
    const [a, b] = started;
    await processesListen(redis, "recovery", prefix, 2);
    visitors.push(await visit(a), await visit(b));
    const [away, stays] = visitors, { id } = away.socket;
    await away.socket.emitWithAck("join", "green");
    await b.ask("emit", "first");
    // Each event ends with the id of its entry, which the client tells when it comes back.
    const first = [...(await away.inbox.take(1)), ...(await stays.inbox.take(1))];
    const [{ id: offset }] = await redis.xRevRange(prefix, "+", "-", { COUNT: 1 });
    assert.deepEqual(first, [["first", offset], ["first", offset]]);

    const sessions = async () => (await redis.keys(`${prefix}:session:*`)).length;
    away.socket.io.engine.close();
    await waitUntil(async () => (await sessions()) === 1, "the session to be kept");
    a.stop();
    await processesListen(redis, "recovery", prefix, 1);
    for (let n = 0; n < 250; n += 1) await b.ask("emitTo", n % 2 ? "green" : "blue", "missed", n);
    await b.ask("emitBytes", "bytes");
    assert.deepEqual((await stays.inbox.take(1))[0].slice(0, 2), ["bytes", Buffer.from([0, 13, 10, 255])]);

    away.socket.io.uri = b.url;
    const comesBack = async () => {
      const connected = once(away.socket, "connect");
      away.socket.connect();
      await connected;
    };
    await comesBack();
    assert.deepEqual([away.socket.recovered, away.socket.id, await sessions()], [true, id, 0]);
    await b.ask("emitTo", "green", "after");
    const wanted = [...Array.from({ length: 125 }, (_, n) => ["missed", 2 * n + 1]), ["bytes", Buffer.from([0, 13, 10, 255])], ["after"]];
    assert.deepEqual((await away.inbox.take(127)).map((event) => event.slice(0, -1)), wanted);

    // Without what was kept it begins anew.
    away.socket.io.engine.close();
    await waitUntil(async () => (await sessions()) === 1, "the session to be kept again");
    await redis.del(await redis.keys(`${prefix}:session:*`));
    await b.ask("emit", "lost");
    await comesBack();
    assert.equal(away.socket.recovered, false);
    assert.notEqual(away.socket.id, id);
    await b.ask("emit", "end");
    assert.deepEqual((await away.inbox.take(1))[0].slice(0, 1), ["end"]);
    assert.deepEqual(away.inbox.items, []);
  } finally {
    for (const { socket } of visitors) socket.close();
    for (const process of started) process.stop();
    await redis.del([prefix, ...(await redis.keys(`${prefix}:session:*`))]);
  }
});

await run("socket.io");
