// socket.io behind @socket.io/redis-adapter, classic and sharded, and @socket.io/redis-streams-adapter: two server processes,
// A and B, a client at A and two at B. Everything that A does must reach B through the server under check, once. Behind the
// last adapter a client that was cut off gets what it has missed, also when its process was killed meanwhile.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createClient } from "redis";
import { io } from "socket.io-client";
import { Inbox, PORT, check, run, startProcess, unique, waitUntil } from "./harness.mjs";

const redis = await createClient({ socket: { host: "127.0.0.1", port: PORT } }).connect();

/** A forked socketio_server.mjs; `ask` runs one of its actions. */
class Process {
  #serial = 0;

  static async start(...configuration) {
    const process = new Process();
    const [child, { port }] = await startProcess("socketio_server.mjs", ...configuration);
    process.child = child;
    process.url = `http://127.0.0.1:${port}`;
    return process;
  }

  ask(action, ...values) {
    const id = ++this.#serial;
    return new Promise((resolve, reject) => {
      const listener = (message) => {
        if (message.id !== id) return;
        this.child.off("message", listener);
        if (message.error) reject(new Error(message.error));
        else resolve(message.value);
      };
      this.child.on("message", listener).send({ id, action, values });
    });
  }

  stop() {
    this.child.kill("SIGKILL");
  }
}

/** A connected socket.io client and all that it receives, as [event, ...data]. */
async function visit(process) {
  const socket = io(process.url, { transports: ["websocket"], forceNew: true, reconnection: false });
  const inbox = new Inbox();
  socket.onAny((event, ...data) => {
    const acknowledge = typeof data.at(-1) === "function" ? data.pop() : () => {};
    inbox.push([event, ...data]);
    acknowledge(socket.id);
  });
  await once(socket, "connect");
  return { socket, inbox };
}

async function numSub(adapter, channel) {
  const [, count] = await redis.sendCommand(["PUBSUB", adapter === "sharded" ? "SHARDNUMSUB" : "NUMSUB", channel]);
  return count;
}

/** Waits until as many processes as `count` listen on the adapter's common channel and on their own. */
async function processesListen(adapter, prefix, count) {
  await waitUntil(async () => {
    if (adapter === "classic") return (await numSub(adapter, `${prefix}-request#/#`)) === count;
    if (adapter !== "sharded") {
      const readers = (await redis.clientList()).filter(({ cmd, flags }) => cmd === "xread" && flags.includes("b")).length;
      return (await numSub(adapter, `${prefix}#/#`)) === count && readers === count;
    }
    const channels = await redis.pubSubShardChannels(`${prefix}#/#*`);
    return channels.length === 1 + count && (await numSub(adapter, `${prefix}#/#`)) === count;
  }, `${count} processes to listen`);
}

/** Waits until a process can be reached through the room: the sharded adapter gives each room a channel. */
async function roomListens(adapter, prefix, room, count) {
  if (adapter !== "sharded") return;
  await waitUntil(async () => (await numSub(adapter, `${prefix}#/#${room}#`)) === count, `${room} to have ${count} processes`);
}

const sorted = (list) => [...list].sort();

const variants = ["classic", "sharded", "streams"].flatMap((adapter) =>
  ["node-redis", "ioredis"].flatMap((library) => [2, 3].map((protocol) => `${adapter} ${library} RESP${protocol}`)));

check("two processes", variants, async (variant) => {
  const [adapter, library, resp] = variant.split(" ");
  const prefix = unique("io");
  const configuration = [adapter, library, resp.at(-1), prefix];
  const started = [];
  const visitors = [];
  try {
    for (let i = 0; i < 2; i += 1) started.push(await Process.start(...configuration));
    const [a, b] = started;
    await processesListen(adapter, prefix, 2);
    for (const process of [a, b, b]) visitors.push(await visit(process));
    const [atA, firstAtB, secondAtB] = visitors;
    const everyId = sorted(visitors.map(({ socket }) => socket.id));

    // A broadcast reaches every client exactly once: the next thing each of them sees is the next broadcast.
    await a.ask("emit", "news", "from A", { n: 1 });
    await a.ask("emitBytes", "bytes");
    for (const { inbox } of visitors) {
      assert.deepEqual(await inbox.take(2), [["news", "from A", { n: 1 }], ["bytes", Buffer.from([0, 13, 10, 255])]]);
    }

    // A room whose only member is at B. `end` goes to all, to see that nothing more had come.
    await firstAtB.socket.emitWithAck("join", "green");
    await roomListens(adapter, prefix, "green", 1);
    await a.ask("emitTo", "green", "only", "green");
    await a.ask("emit", "end");
    assert.deepEqual(await firstAtB.inbox.take(2), [["only", "green"], ["end"]]);
    assert.deepEqual(await secondAtB.inbox.take(1), [["end"]]);
    assert.deepEqual(await atA.inbox.take(1), [["end"]]);

    // Requests that collect an answer from each process; the adapter asks NUMSUB or SHARDNUMSUB how many there are.
    assert.deepEqual(sorted(await a.ask("fetchSockets")), everyId);
    assert.deepEqual(await a.ask("fetchSockets", "green"), [firstAtB.socket.id]);
    assert.deepEqual(await a.ask("serverSideEmit", "hello"), [`${b.child.pid} heard hello`]);
    assert.deepEqual(sorted(await a.ask("emitWithAck", "who")), everyId);
    for (const { inbox } of visitors) assert.deepEqual(await inbox.take(1), [["who"]]);

    // Remote join and leave.
    await a.ask("socketsJoin", "all");
    await waitUntil(async () => (await a.ask("fetchSockets", "all")).length === 3, "the remote join");
    await roomListens(adapter, prefix, "all", 2);
    await b.ask("emitTo", "all", "joined", 3);
    for (const { inbox } of visitors) assert.deepEqual(await inbox.take(1), [["joined", 3]]);
    await a.ask("socketsLeave", "all");
    await waitUntil(async () => (await a.ask("fetchSockets", "all")).length === 0, "the remote leave");
    await roomListens(adapter, prefix, "all", 0);

    // A disconnects a client of B.
    const disconnected = once(firstAtB.socket, "disconnect");
    await a.ask("disconnectSockets", "green");
    assert.equal((await disconnected)[0], "io server disconnect");
    await waitUntil(async () => (await a.ask("fetchSockets")).length === 2, "the client's end");

    // A process that dies is no longer counted on.
    b.stop();
    await processesListen(adapter, prefix, 1);
    assert.deepEqual(await a.ask("fetchSockets"), [atA.socket.id]);
    for (const { inbox } of visitors) assert.deepEqual(inbox.items, []);
  } finally {
    for (const { socket } of visitors) socket.close();
    for (const process of started) process.stop();
    await redis.del(prefix);
  }
});

check("recovery", ["node-redis RESP2", "node-redis RESP3", "ioredis RESP2", "ioredis RESP3"], async (variant) => {
  const [library, resp] = variant.split(" ");
  const prefix = unique("io"), started = [], visitors = [];
  try {
    for (let i = 0; i < 2; i += 1) started.push(await Process.start("recovery", library, resp.at(-1), prefix));
    const [a, b] = started;
    await processesListen("recovery", prefix, 2);
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
    await processesListen("recovery", prefix, 1);
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
