// node-redis clients for checks, and commands of theirs that block.

import { createClient } from "redis";
import { PORT, waitUntil } from "./harness.mjs";

export const BOTH = ["RESP2", "RESP3"];

export function options(protocol) {
  return { RESP: Number(protocol.at(-1)), socket: { host: "127.0.0.1", port: PORT, reconnectStrategy: false } };
}

/** Runs `body` with `count` connected clients and closes them. */
export async function withClients(protocol, count, body) {
  const clients = await Promise.all(Array.from({ length: count }, () => {
    const client = createClient(options(protocol));
    client.on("error", () => {}); // without a listener a lost connection would end the process
    return client.connect();
  }));
  try {
    await body(...clients);
  } finally {
    for (const client of clients) if (client.isOpen) client.destroy();
  }
}

/** Calls `command` and resolves, to its promise in an array, when the server knows that the client waits. */
export async function blocked(observer, client, command) {
  const id = await client.clientId();
  const outcome = command(client);
  outcome.catch(() => {});
  const waits = async () => (await observer.clientList()).some((entry) => entry.id === id && entry.flags.includes("b"));
  await waitUntil(waits, `client ${id} to block`);
  return [outcome];
}
