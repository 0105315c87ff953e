// One of the processes behind socketio.mjs: socket.io on port 0 with a Redis adapter, told what to do over
// process IPC. Arguments: the port of the server for Redis, the adapter, the client library, the RESP version, the channel prefix.

import { createServer } from "node:http";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, adapter, library, protocol, prefix] = process.argv.slice(2);

async function connect() {
  if (library === "ioredis") return new Redis({ host: "127.0.0.1", port: Number(port), protocol: Number(protocol) });
  return createClient({ socket: { host: "127.0.0.1", port: Number(port) }, RESP: Number(protocol) }).connect();
}

const publisher = await connect();
const adapters = {
  classic: async () => createAdapter(publisher, await connect(), { key: prefix }),
  sharded: async () => createShardedAdapter(publisher, await connect(), { channelPrefix: prefix, subscriptionMode: "dynamic" }),
  streams: async () => createStreamsAdapter(publisher, { streamName: prefix, channelPrefix: prefix, sessionKeyPrefix: `${prefix}:session:` }),
};
adapters.recovery = adapters.streams;
const http = createServer();
const io = new Server(http, {
  adapter: await adapters[adapter](),
  ...(adapter === "recovery" && { connectionStateRecovery: {} }),
});

io.on("connection", (socket) => socket.on("join", (room, joined) => {
  socket.join(room);
  joined();
}));
io.on("question", (text, answer) => answer(`${process.pid} heard ${text}`));

const actions = {
  emit: (event, ...data) => io.emit(event, ...data),
  emitBytes: (event) => io.emit(event, Buffer.from([0, 13, 10, 255])),
  emitTo: (room, event, ...data) => io.to(room).emit(event, ...data),
  emitWithAck: (event, ...data) => io.timeout(10_000).emitWithAck(event, ...data),
  fetchSockets: async (room) => (await (room ? io.in(room) : io).fetchSockets()).map((socket) => socket.id),
  socketsJoin: (room) => io.socketsJoin(room),
  socketsLeave: (room) => io.socketsLeave(room),
  disconnectSockets: (room) => io.in(room).disconnectSockets(true),
  serverSideEmit: (text) => io.serverSideEmitWithAck("question", text),
};

process.on("message", async ({ id, action, values }) => {
  try {
    const value = await actions[action](...values);
    process.send({ id, value: typeof value === "object" ? value : null });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
});
process.on("disconnect", () => process.exit());
http.listen(0, "127.0.0.1", () => process.send({ port: http.address().port }));
