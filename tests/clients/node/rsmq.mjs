// rsmq: a message that was received comes again when nobody has deleted it in time, as when its worker was killed. It
// receives with scripts that it loads when it starts; it brings node-redis 3.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Redis } from "ioredis";
import { PORT, check, run, startProcess, unique, waitUntil } from "./harness.mjs";
import { open } from "./rsmq_worker.mjs";

const qname = "work";
// Seconds; longer than any check takes.
const LONG = 600;

/** Runs `body` with a queue, the function that starts a worker, and one that reads the log. Leaves no key behind. */
async function withQueue(body) {
  const ns = unique("rsmq"), rsmq = open(ns), redis = new Redis({ host: "127.0.0.1", port: PORT }), workers = [];
  const startWorker = async (name, vt) => {
    const [child] = await startProcess("rsmq_worker.mjs", name, ns, qname, `${vt}`);
    workers.push(child);
    return child;
  };
  /** Waits for so many entries of the log, "text worker receptions". */
  const log = async (count) => {
    await waitUntil(async () => (await redis.llen(`${ns}:log`)) >= count, `${count} notes`);
    return redis.lrange(`${ns}:log`, 0, -1);
  };
  try {
    await rsmq.createQueueAsync({ qname, vt: LONG });
    await body({ rsmq, redis, ns, startWorker, log });
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
    const keys = await redis.keys(`${ns}:*`);
    if (keys.length) await redis.del(keys);
    redis.disconnect();
    await rsmq.quitAsync();
  }
}

const texts = (count) => Array.from({ length: count }, (_, n) => `n${n}`);
const send = (rsmq, message, more = {}) => rsmq.sendMessageAsync({ qname, message, ...more });
const receive = async (rsmq, more = {}) => rsmq.receiveMessageAsync({ qname, ...more });

check("receive, hide, show again, pop, delete", () =>
  withQueue(async ({ rsmq, redis, ns }) => {
    const ids = [];
    for (const text of ["a", "b", "c"]) ids.push(await send(rsmq, text));
    await send(rsmq, "late", { delay: LONG });
    const first = await receive(rsmq);
    assert.deepEqual([first.id, first.message, first.rc], [ids[0], "a", 1]);
    assert.equal((await receive(rsmq)).message, "b");
    assert.equal(await rsmq.changeMessageVisibilityAsync({ qname, id: ids[0], vt: 0 }), 1);
    const again = await waitUntil(async () => {
      const got = await receive(rsmq, { vt: 0 });
      return got.message === "a" && got;
    }, "the message to be seen again");
    assert.deepEqual([again.rc >= 2, again.fr], [true, first.fr]);
    assert.equal(await rsmq.changeMessageVisibilityAsync({ qname, id: "x".repeat(32), vt: 0 }), 0);
    const popped = new Set();
    for (let n = 0; n < 2; n += 1) popped.add((await waitUntil(async () => { const got = await rsmq.popMessageAsync({ qname }); return got.id && got; }, "a message")).message);
    assert.deepEqual([...popped].sort(), ["a", "c"]);
    assert.deepEqual([await receive(rsmq), await rsmq.popMessageAsync({ qname })], [{}, {}]);
    assert.deepEqual([await rsmq.deleteMessageAsync({ qname, id: ids[1] }), await rsmq.deleteMessageAsync({ qname, id: ids[1] })], [1, 0]);
    const { msgs, hiddenmsgs, totalsent } = await rsmq.getQueueAttributesAsync({ qname });
    assert.deepEqual([msgs, hiddenmsgs, totalsent, await redis.hlen(`${ns}:${qname}:Q`)], [1, 1, 4, 8]);
  }));

check("300 messages, three workers: each received once", () =>
  withQueue(async ({ rsmq, startWorker, log }) => {
    for (const text of texts(300)) await send(rsmq, text);
    await Promise.all(["a", "b", "c"].map((name) => startWorker(name, LONG)));
    const got = (await log(300)).map((entry) => entry.split(" "));
    assert.deepEqual(got.map(([text]) => text).sort(), texts(300).sort());
    assert.ok(got.every(([, , receptions]) => receptions === "1"));
    await waitUntil(async () => (await rsmq.getQueueAttributesAsync({ qname })).msgs === 0, "the last deletion");
    assert.equal((await rsmq.getQueueAttributesAsync({ qname })).totalrecv, 300);
  }));

check("a killed worker's message is received again, and no other", () =>
  withQueue(async ({ rsmq, startWorker, log }) => {
    for (const text of [...texts(10), "hold", ...texts(10).map((text) => `m${text}`)]) await send(rsmq, text);
    const victim = await startWorker("victim", 1);
    assert.deepEqual(await log(11), [...texts(10), "hold"].map((text) => `${text} victim 1`));
    victim.kill("SIGKILL");
    await once(victim, "exit");
    await startWorker("a", LONG);
    const rest = (await log(22)).slice(11);
    assert.deepEqual(rest.sort(), [...texts(10).map((text) => `m${text} a 1`), "hold a 2"].sort());
    await waitUntil(async () => (await rsmq.getQueueAttributesAsync({ qname })).msgs === 0, "the last deletion");
    assert.equal((await log(22)).length, 22);
  }));

await run("rsmq");
