// graphql-redis-subscriptions, which brings an ioredis of the previous major version (RESP2).

import assert from "node:assert/strict";
import { RedisPubSub } from "graphql-redis-subscriptions";
import { Inbox, PORT, check, run, unique, waitUntil } from "./harness.mjs";

function create() {
  return new RedisPubSub({ connection: { host: "127.0.0.1", port: PORT } });
}

check("subscribe, publish and unsubscribe between two instances", async () => {
  const a = create(), b = create(), channel = unique("graphql"), inbox = new Inbox();
  const subscription = await b.subscribe(channel, inbox.push);
  await a.publish(channel, { text: "hi", list: [1, null] });
  assert.deepEqual(await inbox.take(1), [{ text: "hi", list: [1, null] }]);
  b.unsubscribe(subscription);
  await waitUntil(async () => (await a.getPublisher().publish(channel, "null")) === 0, "the unsubscription");
  await Promise.all([a.close(), b.close()]);
});

check("an async iterator over a pattern", async () => {
  const a = create(), b = create(), stem = unique("graphql");
  const iterator = b.asyncIterator(`${stem}.*`, { pattern: true });
  let first;
  iterator.next().then((result) => { first = result; });
  // The iterator takes what comes after its own side of the subscription is ready, which only a message shows.
  await waitUntil(() => first ?? a.publish(`${stem}.x`, "probe"), "the iterator");
  assert.deepEqual(first, { done: false, value: "probe" });
  await a.publish(`${stem}.y`, { n: 1 });
  let next;
  do next = await iterator.next(); while (next.value === "probe");
  assert.deepEqual(next, { done: false, value: { n: 1 } });
  await iterator.return();
  await Promise.all([a.close(), b.close()]);
});

await run("graphql-redis-subscriptions");
