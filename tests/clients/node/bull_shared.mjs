// What the checks of Bull and of BullMQ share: the jobs that they add, and work that three workers do.

import assert from "node:assert/strict";
import { kill, waitUntil } from "./harness.mjs";

export const texts = (count) => Array.from({ length: count }, (_, n) => `n${n}`);
export const notes = (some, opts = {}) => some.map((text) => ({ name: "note", data: { text }, opts }));

/** 300 jobs, three workers, the first of which is killed on the way: each job is done, and again only what it had in hand. */
export async function sharedWork({ queue, startVictim, startWorker, log, counts }) {
  const [victim] = await Promise.all([startVictim("victim"), startWorker("a"), startWorker("b")]);
  await queue.addBulk(notes(texts(100)));
  await waitUntil(async () => (await log(1)).some((entry) => entry.includes(" victim ")), "the victim to do some");
  await queue.addBulk(notes(texts(200).map((text) => `m${text}`), { attempts: 3 }));
  await kill(victim);
  await counts(queue, { completed: 300 });
  const done = await log(300);
  assert.deepEqual([...new Set(done.map((entry) => entry.split(" ")[0]))].sort(), [...texts(100), ...texts(200).map((text) => `m${text}`)].sort());
  const others = done.filter((entry) => !entry.includes(" victim ")).map((entry) => entry.split(" ")[0]);
  assert.equal(new Set(others).size, others.length);
  assert.ok(done.length <= 302, `${done.length} notes`);
}
