// What the checks of socket.io share: server processes, A and B, a client at A and two at B. Everything that A does must reach B
// through the server under check, once.

import assert from "node:assert/strict";
import { once } from "node:events";
import { io } from "socket.io-client";
import { Inbox, startProcess, waitUntil } from "./harness.mjs";

/** A forked socketio_server.mjs; `ask` runs one of its actions. */
export class Process {
  #serial = 0;

  static async start(port, ...configuration) {
    const process = new Process();
    const [child, address] = await startProcess("socketio_server.mjs", String(port), ...configuration);
    process.child = child;
    process.url = `http://127.0.0.1:${address.port}`;
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
export async function visit(process) {
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

async function numSub(redis, adapter, channel) {
  const [, count] = await redis.sendCommand(["PUBSUB", adapter === "sharded" ? "SHARDNUMSUB" : "NUMSUB", channel]);
  return count;
}

/** Waits until as many processes as `count` listen on the adapter's common channel and on their own. */
export async function processesListen(redis, adapter, prefix, count) {
  await waitUntil(async () => {
    if (adapter === "classic") return (await numSub(redis, adapter, `${prefix}-request#/#`)) === count;
    if (adapter !== "sharded") {
      const readers = (await redis.clientList()).filter(({ cmd, flags }) => cmd === "xread" && flags.includes("b")).length;
      return (await numSub(redis, adapter, `${prefix}#/#`)) === count && readers === count;
    }
    const channels = await redis.pubSubShardChannels(`${prefix}#/#*`);
    return channels.length === 1 + count && (await numSub(redis, adapter, `${prefix}#/#`)) === count;
  }, `${count} processes to listen`);
}

/** Waits until a process can be reached through the room: the sharded adapter gives each room a channel. */
async function roomListens(redis, adapter, prefix, room, count) {
  if (adapter !== "sharded") return;
  await waitUntil(async () => (await numSub(redis, adapter, `${prefix}#/#${room}#`)) === count, `${room} to have ${count} processes`);
}

const sorted = (list) => [...list].sort();

/**
 * Two processes with this adapter, which reach each other through the servers on two ports, or on one. `redis` is a client of
 * the first.
 */
export async function twoProcesses(redis, ports, { adapter, library, protocol, prefix }) {
  const started = [];
  const visitors = [];
  try {
    for (const port of ports) started.push(await Process.start(port, adapter, library, protocol, prefix));
    const [a, b] = started;
    await processesListen(redis, adapter, prefix, 2);
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
    await roomListens(redis, adapter, prefix, "green", 1);
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
    await roomListens(redis, adapter, prefix, "all", 2);
    await b.ask("emitTo", "all", "joined", 3);
    for (const { inbox } of visitors) assert.deepEqual(await inbox.take(1), [["joined", 3]]);
    await a.ask("socketsLeave", "all");
    await waitUntil(async () => (await a.ask("fetchSockets", "all")).length === 0, "the remote leave");
    await roomListens(redis, adapter, prefix, "all", 0);

    // A disconnects a client of B.
    const disconnected = once(firstAtB.socket, "disconnect");
    await a.ask("disconnectSockets", "green");
    assert.equal((await disconnected)[0], "io server disconnect");
    await waitUntil(async () => (await a.ask("fetchSockets")).length === 2, "the client's end");

    // A process that dies is no longer counted on.
    b.stop();
    await processesListen(redis, adapter, prefix, 1);
    assert.deepEqual(await a.ask("fetchSockets"), [atA.socket.id]);
    for (const { inbox } of visitors) assert.deepEqual(inbox.items, []);
  } finally {
    for (const { socket } of visitors) socket.close();
    for (const process of started) process.stop();
  }
}

