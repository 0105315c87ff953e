// Bull: delayed jobs, retries, priorities, repeated jobs, rate limits, pauses, events, and worker processes, some of which
// are killed. Every step of a job is a script; Bull brings ioredis 5, which speaks RESP2 only.

import assert from "node:assert/strict";
import { once } from "node:events";
import { notes, sharedWork, texts } from "./bull_shared.mjs";
import { Inbox, check, kill, run, startProcess, unique, waitUntil } from "./harness.mjs";
import { handler, open } from "./bull_worker.mjs";

/** Runs `body` with a queue, a function that starts a worker process, and one that reads the log. Leaves no key behind. */
async function withBull(options, body) {
  const name = unique("queue"), errors = new Inbox(), queues = [], workers = [];
  const openQueue = async (more = {}) => {
    const queue = open(name, { ...options, ...more });
    queue.on("error", errors.push);
    queues.push(queue);
    await queue.isReady();
    return queue;
  };
  const queue = await openQueue();
  const startWorker = async (worker, { settings = {}, ...more } = {}) => {
    const [child] = await startProcess("bull_worker.mjs", worker, name, JSON.stringify({ ...options, ...more, settings }));
    workers.push(child);
    return child;
  };
  /** Waits for so many entries of the log, "text worker attempts". */
  const log = async (count) => {
    const key = queue.toKey("log");
    await waitUntil(async () => (await queue.client.llen(key)) >= count, `${count} notes`);
    return queue.client.lrange(key, 0, -1);
  };
  const openGate = () => queue.client.set(queue.toKey("gate"), "open");
  try {
    await body({ queue, openQueue, startWorker, log, openGate });
    assert.deepEqual(errors.items, []);
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
    for await (const keys of queue.client.scanStream({ match: `${queue.toKey("")}*` })) if (keys.length) await queue.client.del(keys);
    for (const one of queues) await one.close(true);
  }
}

const NONE = { waiting: 0, active: 0, completed: 0, failed: 0, delayed: 0, paused: 0 };
/** For a worker that will be killed: its jobs are free after half a second. */
const VICTIM = { settings: { lockDuration: 500 } };

const counts = async (queue, wanted) => {
  const all = { ...NONE, ...wanted };
  await waitUntil(async () => JSON.stringify(Object.entries(await queue.getJobCounts()).sort()) === JSON.stringify(Object.entries(all).sort()),
    `${JSON.stringify(all)}`);
};

check("jobs wait for a worker, which does them in order; results and errors come back", () =>
  withBull({}, async ({ queue, startWorker, log }) => {
    const jobs = await queue.addBulk(notes(texts(20)));
    const failing = await queue.add("fail", { text: "x" });
    const again = await queue.add("note", { text: "again" }, { jobId: jobs[0].id });
    assert.equal(again.id, jobs[0].id); // an id is taken only once
    await queue.add("note", { text: "last first" }, { lifo: true });
    assert.deepEqual((await queue.getJob(jobs[0].id)).data, { text: "n0" });
    await (await queue.getJob(jobs[7].id)).remove();
    await jobs[8].update({ text: "changed" });
    await counts(queue, { waiting: 21 });
    await startWorker("a");
    const wanted = ["last first", ...texts(20), "x"].filter((text) => text !== "n7").map((text) => `${text === "n8" ? "changed" : text} a 0`);
    assert.deepEqual(await log(21), wanted);
    assert.deepEqual(await jobs[19].finished(), { did: "n19" });
    await assert.rejects(failing.finished(), { message: "no x" });
    await counts(queue, { completed: 20, failed: 1 });
    const failed = await queue.getJob(failing.id);
    assert.deepEqual([failed.failedReason, failed.attemptsMade, failed.stacktrace.length, await failed.getState()], ["no x", 1, 1, "failed"]);
    assert.deepEqual((await queue.getCompleted(0, 0)).map((job) => job.data), [{ text: "n19" }]);
  }));

check("removeOnComplete, logs, clean, removeJobs, empty, obliterate", () =>
  withBull({}, async ({ queue, startWorker, log }) => {
    await startWorker("a");
    await queue.addBulk(notes(texts(10), { removeOnComplete: 3 }));
    await log(10);
    await counts(queue, { completed: 3 });
    const gone = await queue.add("note", { text: "gone" }, { removeOnComplete: true });
    await waitUntil(async () => (await queue.getJob(gone.id)) === null, "the job to be removed");
    const logged = await queue.add("note", { text: "logged" }, { delay: 3_600_000, jobId: "logged" });
    for (const line of ["one", "two", "three"]) await logged.log(line);
    assert.deepEqual(await queue.getJobLogs("logged", 1, 2), { logs: ["two", "three"], count: 3 });
    await queue.add("note", { text: "other" }, { delay: 3_600_000, jobId: "other" });
    await queue.removeJobs("log*");
    await counts(queue, { completed: 3, delayed: 1 });
    assert.equal((await queue.clean(0, "completed", 2)).length, 2);
    await counts(queue, { completed: 1, delayed: 1 });
    await queue.pause();
    await queue.addBulk(notes(texts(1500)));
    await counts(queue, { completed: 1, delayed: 1, paused: 1500 });
    await queue.obliterate();
    assert.deepEqual(await queue.client.keys(`${queue.toKey("")}*`), [queue.toKey("log")]);
  }));

check("delayed jobs: kept by their times, moved when they are due, promoted", () =>
  withBull({}, async ({ queue, startWorker, log }) => {
    const later = await queue.add("note", { text: "promoted" }, { delay: 3_600_000 });
    const never = await queue.add("note", { text: "never" }, { delay: 7_200_000 });
    for (const job of [later, never]) {
      const score = Number(await queue.client.zscore(queue.toKey("delayed"), job.id));
      assert.equal(score, (job.timestamp + job.delay) * 4096 + Number(job.id));
    }
    const timestamp = Date.now();
    const delays = [400, 200, 300, 100, 500];
    const jobs = await queue.addBulk([
      ...delays.map((delay) => ({ name: "note", data: { text: `${delay}` }, opts: { delay, timestamp } })),
      ...notes(texts(100), { delay: 600, timestamp }),
    ]);
    await startWorker("a");
    const wanted = ["100", "200", "300", "400", "500", ...texts(100)].map((text) => `${text} a 0`);
    assert.deepEqual(await log(105), wanted);
    for (const job of jobs) {
      const { processedOn, opts } = await queue.getJob(job.id);
      assert.ok(processedOn >= timestamp + opts.delay, `${opts.delay}: ${processedOn - timestamp}`);
    }
    await later.promote();
    assert.deepEqual((await log(106))[105], "promoted a 0");
    await counts(queue, { completed: 106, delayed: 1 });
    assert.equal(await never.getState(), "delayed");
  }));

check("retries: until it succeeds, until there were too many, and by hand", () =>
  withBull({}, async ({ queue, startWorker, log }) => {
    await startWorker("a");
    for (const backoff of [undefined, 20, { type: "exponential", delay: 10 }, { type: "linear" }]) {
      const job = await queue.add("thirdTime", { text: "x" }, { attempts: 5, backoff });
      assert.deepEqual(await job.finished(), { did: "x" });
      assert.equal((await queue.getJob(job.id)).attemptsMade, 2);
    }
    assert.deepEqual(await log(12), Array.from({ length: 12 }, (_, n) => `x a ${n % 3}`));
    const failing = await queue.add("fail", { text: "y" }, { attempts: 3, backoff: { type: "exponential", delay: 10 } });
    await assert.rejects(failing.finished(), { message: "no y" });
    assert.deepEqual((await log(15)).slice(12), ["y a 0", "y a 1", "y a 2"]);
    const failed = await queue.getJob(failing.id);
    assert.deepEqual([failed.attemptsMade, failed.stacktrace.length], [3, 3]);
    await counts(queue, { completed: 4, failed: 1 });
    await failed.retry();
    assert.deepEqual((await log(16))[15], "y a 3");
    await counts(queue, { completed: 4, failed: 1 });
    await queue.retryJobs();
    assert.match((await log(17))[16], /^y a /);
    await counts(queue, { completed: 4, failed: 1 });
  }));

check("priorities: the most urgent first, and in order among equals", () =>
  withBull({}, async ({ queue, startWorker, log }) => {
    const given = texts(60).map((text, n) => ({ name: "note", data: { text }, opts: { priority: ((n * 7) % 5) + 1 } }));
    await queue.addBulk(given);
    assert.deepEqual(await queue.getCountsPerPriority([1, 2, 5, 9]), { 1: 12, 2: 12, 5: 12, 9: 0 });
    await queue.add("note", { text: "late" }, { priority: 3, delay: 1 });
    await startWorker("a");
    const wanted = [1, 2, 3, 4, 5].flatMap((priority) => given.filter((job) => job.opts.priority === priority).map((job) => `${job.data.text} a 0`));
    assert.deepEqual((await log(61)).filter((entry) => entry !== "late a 0"), wanted);
    await counts(queue, { completed: 61 });
    assert.equal(await queue.client.exists(queue.toKey("priority")), 0);
  }));

check("repeated jobs: so many times, found, and removed with what waits", () =>
  withBull({}, async ({ queue, startWorker, log }) => {
    await queue.add("note", { text: "tick" }, { repeat: { every: 50, limit: 4 } });
    await startWorker("a");
    assert.deepEqual(await log(4), Array(4).fill("tick a 0"));
    await counts(queue, { completed: 4 });
    const dues = (await queue.getCompleted()).map((job) => job.opts.prevMillis);
    assert.ok(new Set(dues).size === 4 && dues.every((due) => due % 50 === 0), `${dues}`);
    await queue.removeRepeatable("note", { every: 50, limit: 4 });
    await queue.add("note", { text: "yearly" }, { repeat: { cron: "0 0 1 1 *", tz: "UTC" } });
    await queue.add("note", { text: "hourly" }, { repeat: { every: 3_600_000 }, jobId: "hour" });
    const repeated = await queue.getRepeatableJobs(0, -1, true);
    assert.deepEqual(repeated.map(({ id, cron, every }) => [id, cron, every]), [["hour", null, 3600000], [null, "0 0 1 1 *", null]]);
    assert.equal(new Date(repeated[1].next).toISOString().slice(4), "-01-01T00:00:00.000Z");
    await counts(queue, { completed: 4, delayed: 2 });
    await queue.removeRepeatableByKey(repeated[1].key);
    assert.deepEqual((await queue.getDelayed()).map((job) => job.data), [{ text: "hourly" }]);
    await queue.removeRepeatable("note", { every: 3_600_000, jobId: "hour" });
    await counts(queue, { completed: 4 });
    assert.deepEqual(await queue.getRepeatableJobs(), []);
  }));

check("rate limits: of a queue, and of each group of jobs", async () => {
  const duration = 250;
  for (const [limiter, rounds] of [[{ max: 5, duration }, 3], [{ max: 2, duration, groupKey: "user" }, 2]]) {
    await withBull({ limiter }, async ({ queue, startWorker, log }) => {
      const began = Date.now();
      await queue.addBulk(texts(15).map((text, n) => ({ name: "note", data: { text, user: `u${n % 5}` } })));
      await Promise.all([startWorker("a"), startWorker("b")]);
      assert.deepEqual((await log(15)).map((entry) => entry.split(" ")[0]).sort(), texts(15).sort());
      // A later round waits for the first one's end. The server may see it a millisecond early.
      const took = Date.now() - began;
      assert.ok(took >= (rounds - 1) * (duration - 1), `${took} ms`);
      await counts(queue, { completed: 15 });
    });
  }
});

check("pause: everywhere, and in one process", () =>
  withBull({}, async ({ queue, openQueue, startWorker, log }) => {
    await startWorker("a");
    await queue.add("note", { text: "before" });
    await log(1);
    await queue.pause();
    await queue.addBulk(notes(texts(20)));
    await queue.add("note", { text: "urgent" }, { priority: 1 });
    await queue.add("note", { text: "due" }, { delay: 1 });
    await counts(queue, { completed: 1, paused: 22 });
    assert.deepEqual([await queue.isPaused(), (await log(1)).length], [true, 1]);
    await queue.resume();
    assert.deepEqual((await log(23)).map((entry) => entry.split(" ")[0]).sort(), ["before", "urgent", "due", ...texts(20)].sort());
    await counts(queue, { completed: 23 });
    const local = await openQueue();
    await local.pause(true);
    local.process("*", 1, handler(local, "local"));
    assert.deepEqual([await local.isPaused(true), await local.isPaused()], [true, false]);
    for (const text of texts(10)) await queue.add("note", { text });
    assert.deepEqual((await log(33)).slice(23), texts(10).map((text) => `${text} a 0`));
    await local.resume(true);
    await waitUntil(async () => {
      await queue.add("note", { text: "either" });
      return (await log(34)).some((entry) => entry === "either local 0");
    }, "a job for the process that resumed");
  }));

check("events: what a worker does is told to every process", () =>
  withBull({}, async ({ queue, openQueue, startWorker, log }) => {
    const heard = new Inbox(), listener = await openQueue();
    await Promise.all(["waiting", "active", "progress", "completed", "failed", "paused", "resumed"].map((event) => {
      listener.on(`global:${event}`, (...values) => heard.push([event, ...values]));
      return once(listener, `registered:global:${event}`);
    }));
    await startWorker("a");
    const { id } = await queue.add("progress", { text: "x" });
    assert.deepEqual((await heard.take(6)), [["waiting", id, null], ["active", id, "waiting"], ["progress", id, 1], ["progress", id, 50],
      ["progress", id, { of: 100 }], ["completed", id, '{"did":"x"}', "active"]]);
    const failing = await queue.add("fail", { text: "y" });
    assert.deepEqual((await heard.take(3)).map(([event, about, value]) => [event, about, value]),
      [["waiting", failing.id, null], ["active", failing.id, "waiting"], ["failed", failing.id, "no y"]]);
    await queue.pause();
    await queue.resume();
    assert.deepEqual((await heard.take(2)).map(([event]) => event), ["paused", "resumed"]);
    assert.equal((await log(2)).length, 2);
  }));

check("a killed worker's jobs are taken up by another one, each once more", () =>
  withBull({}, async ({ queue, openQueue, startWorker, log, openGate }) => {
    const stalled = new Inbox(), listener = await openQueue();
    listener.on("global:stalled", stalled.push);
    await once(listener, "registered:global:stalled");
    const victim = await startWorker("victim", { ...VICTIM, concurrency: 3 });
    const jobs = await queue.addBulk(texts(5).map((text) => ({ name: "wait", data: { text } })));
    assert.deepEqual((await log(3)).sort(), texts(3).map((text) => `${text} victim 0`));
    await kill(victim);
    await counts(queue, { active: 3, waiting: 2 });
    await openGate();
    await startWorker("a");
    assert.deepEqual((await log(8)).slice(3).sort(), texts(5).map((text) => `${text} a 0`));
    await counts(queue, { completed: 5 });
    assert.deepEqual((await stalled.take(3)).sort(), jobs.slice(0, 3).map((job) => job.id).sort());
    const held = await queue.client.hmget(queue.toKey(jobs[0].id), "stalledCounter", "returnvalue");
    assert.deepEqual(held, ["1", '{"did":"n0"}']);
    assert.deepEqual([(await log(8)).length, stalled.items], [8, []]);
  }));

check("a job that kills its workers fails when it has done so twice", () =>
  withBull({}, async ({ queue, startWorker, log }) => {
    const job = await queue.add("kill", { text: "x" });
    for (const name of ["a", "b"]) {
      const worker = await startWorker(name, VICTIM);
      if (worker.exitCode === null && worker.signalCode === null) await once(worker, "exit");
    }
    await startWorker("c");
    await assert.rejects(job.finished(), { message: "job stalled more than maxStalledCount" });
    assert.deepEqual(await log(2), ["x a 0", "x b 0"]);
    await counts(queue, { failed: 1 });
  }));

check("300 jobs, three workers, one killed on the way: each done, and again only what it had in hand", () =>
  withBull({}, ({ queue, startWorker, log }) =>
    sharedWork({ queue, startVictim: (name) => startWorker(name, { settings: { lockDuration: 1_000 }, concurrency: 2 }), startWorker, log, counts })));

await run("Bull");
