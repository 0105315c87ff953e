// ioredis clients for checks, and commands of theirs that block.

import { Redis } from "ioredis";
import { PORT, waitUntil } from "./harness.mjs";

export const BOTH = ["RESP2", "RESP3"];

/** Runs `body` with `count` clients, which don't reconnect, and disconnects them. */
export async function withClients(protocol, count, body) {
  const options = { host: "127.0.0.1", port: PORT, protocol: Number(protocol.at(-1)), retryStrategy: () => null };
  const clients = Array.from({ length: count }, () => new Redis(options));
  for (const client of clients) client.on("error", () => {}); // without a listener it would write to the console
  try {
    await body(...clients);
  } finally {
    for (const client of clients) client.disconnect();
  }
}

/** Calls `command` and resolves, to its promise in an array, when the server knows that the client waits. */
export async function blocked(observer, client, command) {
  const id = await client.client("ID");
  const outcome = command();
  outcome.catch(() => {});
  const waits = async () => new RegExp(`^id=${id} .* flags=\\w*b`, "m").test(await observer.client("LIST"));
  await waitUntil(waits, `client ${id} to block`);
  return [outcome];
}
