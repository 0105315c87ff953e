// A hub, which is a redis-server or a fanfare, and two edges of it. The hub can be killed, and started again on its port.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createClient } from "redis";
import { kill, waitUntil } from "./harness.mjs";

export const HUBS = ["redis-server", "fanfare"];

// Those of a check that has not come to its end.
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** What the server answers to one command, or undefined if it can't be reached. */
async function ask(port, command) {
  const client = createClient({ socket: { host: "127.0.0.1", port, reconnectStrategy: false } });
  client.on("error", () => {}); // without a listener a refused connection would end the process
  try {
    await client.connect();
    const answer = await client.sendCommand(command);
    await client.close();
    return answer;
  } catch {
    return undefined;
  }
}

/** `hub`, `a` and `b` are ports. */
class Servers {
  #processes = new Map();

  async start(kind, options) {
    this.kind = kind;
    this.hub = await freePort();
    await this.startHub();
    const upstream = ["--upstream", `redis://127.0.0.1:${this.hub}`, ...options];
    for (const edge of ["a", "b"]) {
      this[edge] = await freePort();
      await this.#start(process.env.CHECK_BINARY, this[edge], upstream);
      await this.waitForHub(this[edge]);
    }
  }

  async #start(program, port, options) {
    const child = spawn(program, ["--port", String(port), ...options], { stdio: "ignore" });
    running.add(child);
    this.#processes.set(port, child);
    await waitUntil(() => ask(port, ["PING"]), `${program} to answer`);
  }

  startHub() {
    if (this.kind === "fanfare") return this.#start(process.env.CHECK_BINARY, this.hub, []);
    return this.#start("redis-server", this.hub, ["--save", "", "--appendonly", "no"]);
  }

  async killHub() {
    await this.#stop(this.hub);
  }

  async #stop(port) {
    const child = this.#processes.get(port);
    this.#processes.delete(port);
    await kill(child);
    running.delete(child);
  }

  async waitForHub(edge, isUp = 1) {
    await waitUntil(async () => (await ask(edge, ["INFO", "upstream"]))?.includes(`upstream_up:${isUp}`), `upstream_up:${isUp}`);
  }

  async stop() {
    for (const port of [...this.#processes.keys()]) await this.#stop(port);
  }
}

/** Runs `body` with the servers. The options are the edges'. */
export async function withEdges(kind, options, body) {
  const servers = new Servers();
  try {
    await servers.start(kind, options);
    await body(servers);
  } finally {
    await servers.stop();
  }
}
