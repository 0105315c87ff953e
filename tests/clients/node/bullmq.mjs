// BullMQ: delayed jobs, retries, priorities, schedulers, limits, flows, and events, which are a stream; worker processes, some
// of which are killed. Every step of a job is a script. It runs over ioredis and over node-redis.

import assert from "node:assert/strict";
import { once } from "node:events";
import { FlowProducer, Queue, QueueEvents, QueueEventsProducer } from "bullmq";
import { Redis } from "ioredis";
import { notes, sharedWork, texts } from "./bull_shared.mjs";
import { connection } from "./bullmq_worker.mjs";
import { Inbox, PORT, check, kill, run, startProcess, unique, waitUntil } from "./harness.mjs";

const CONNECTIONS = ["ioredis RESP2", "ioredis RESP3", "node-redis RESP2", "node-redis RESP3"];
const client = new Redis({ host: "127.0.0.1", port: PORT });

/** Runs `body` with a queue, and with functions that open more, start a worker process, and read the log. Leaves no key behind. */
async function withBullMQ(kind, options, body) {
  const name = unique("bullmq").replaceAll(":", "-"), errors = new Inbox(), opened = [], raw = [], workers = [];
  const open = async (Kind, more = {}, queue = name) => {
    const connected = connection(kind);
    if (kind.startsWith("node-redis")) raw.push(connected);
    const settings = { ...more, connection: connected };
    const one = Kind === FlowProducer ? new Kind(settings) : new Kind(queue, settings);
    one.on?.("error", errors.push);
    opened.push(one);
    await one.waitUntilReady?.();
    return one;
  };
  const startWorker = async (worker, more = {}, queue = name) => {
    const [child] = await startProcess("bullmq_worker.mjs", worker, kind, queue, JSON.stringify(more));
    workers.push(child);
    return child;
  };
  /** Waits for so many entries of the log, "text worker attempts". */
  const log = async (count) => {
    await waitUntil(async () => (await client.llen(`${name}:log`)) >= count, `${count} notes`);
    return client.lrange(`${name}:log`, 0, -1);
  };
  const openGate = () => client.set(`${name}:gate`, "open");
  try {
    const queue = await open(Queue, options);
    await body({ name, queue, open, startWorker, log, openGate });
    assert.deepEqual(errors.items, []);
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
    await Promise.all(opened.map((one) => one.close()));
    for (const one of raw) if (one.isOpen) one.destroy();
    for await (const keys of client.scanStream({ match: `*${name}*`, count: 1000 })) if (keys.length) await client.del(keys);
  }
}

/** For a worker that will be killed: its jobs are free after half a second. */
const VICTIM = { lockDuration: 500 };

async function counts(queue, wanted) {
  const some = () => queue.getJobCounts("waiting", "active", "completed", "failed", "delayed", "prioritized", "waiting-children");
  const as = (all) => JSON.stringify(Object.entries(all).filter(([, count]) => count).sort());
  await waitUntil(async () => as(await some()) === as(wanted), JSON.stringify(wanted));
}

check("jobs wait for a worker, which does them in order; results and errors come back", CONNECTIONS, (kind) =>
  withBullMQ(kind, {}, async ({ queue, open, startWorker, log }) => {
    const events = await open(QueueEvents);
    const jobs = await queue.addBulk(notes(texts(20)));
    const failing = await queue.add("fail", { text: "x" });
    for (const text of ["named", "again"]) assert.equal((await queue.add("note", { text }, { jobId: "own" })).id, "own"); // taken only once
    await queue.add("note", { text: "last first" }, { lifo: true });
    assert.deepEqual((await queue.getJob(jobs[0].id)).data, { text: "n0" });
    await (await queue.getJob(jobs[7].id)).remove();
    await jobs[8].updateData({ text: "changed" });
    await counts(queue, { waiting: 22 });
    await startWorker("a");
    const wanted = ["last first", ...texts(20), "x", "named"].filter((text) => text !== "n7").map((text) => `${text === "n8" ? "changed" : text} a 0`);
    assert.deepEqual(await log(22), wanted);
    assert.deepEqual(await jobs[19].waitUntilFinished(events), { did: "n19" });
    await assert.rejects(failing.waitUntilFinished(events), { message: "no x" });
    await counts(queue, { completed: 21, failed: 1 });
    const failed = await queue.getJob(failing.id);
    assert.deepEqual([failed.failedReason, failed.attemptsMade, failed.stacktrace.length, await failed.getState()], ["no x", 1, 1, "failed"]);
    assert.deepEqual((await queue.getCompleted(0, 0)).map((job) => job.data), [{ text: "named" }]);
    const progress = await queue.add("progress", { text: "y" });
    assert.deepEqual(await progress.waitUntilFinished(events), { did: "y" });
    assert.deepEqual([(await queue.getJob(progress.id)).progress, await queue.getJobLogs(progress.id)], [{ of: 100 }, { logs: ["half"], count: 1 }]);
    assert.equal((await queue.getWorkers()).length, 1);
    assert.equal((await queue.clean(0, 5, "completed")).length, 5);
    await counts(queue, { completed: 17, failed: 1 });
    await queue.pause();
    await queue.addBulk(notes(texts(1200)));
    await counts(queue, { completed: 17, failed: 1, waiting: 1200 });
    assert.equal(await queue.isPaused(), true);
    await queue.obliterate();
    assert.deepEqual((await client.keys(`${queue.toKey("")}*`)), []);
  }));

check("delayed jobs: kept by their times, moved when they are due, promoted", ["ioredis RESP3", "node-redis RESP2"], (kind) =>
  withBullMQ(kind, {}, async ({ queue, startWorker, log }) => {
    const later = await queue.add("note", { text: "promoted" }, { delay: 3_600_000 });
    const sooner = await queue.add("note", { text: "sooner" }, { delay: 7_200_000 });
    const never = await queue.add("note", { text: "never" }, { delay: 7_200_000 });
    const timestamp = Date.now();
    const delays = [400, 200, 300, 100, 500];
    const jobs = await queue.addBulk([
      ...delays.map((delay) => ({ name: "note", data: { text: `${delay}` }, opts: { delay, timestamp } })),
      ...notes(texts(50), { delay: 600, timestamp }),
    ]);
    await startWorker("a");
    assert.deepEqual(await log(55), ["100", "200", "300", "400", "500", ...texts(50)].map((text) => `${text} a 0`));
    for (const job of jobs) {
      const { processedOn, opts } = await queue.getJob(job.id);
      assert.ok(processedOn >= timestamp + opts.delay, `${opts.delay}: ${processedOn - timestamp}`);
    }
    await later.promote();
    assert.equal((await log(56))[55], "promoted a 0");
    await sooner.changeDelay(10);
    assert.equal((await log(57))[56], "sooner a 0");
    await counts(queue, { completed: 57, delayed: 1 });
    assert.equal(await never.getState(), "delayed");
  }));

check("retries: until it succeeds, until there were too many, and by hand", ["ioredis RESP2", "node-redis RESP3"], (kind) =>
  withBullMQ(kind, {}, async ({ queue, open, startWorker, log }) => {
    const events = await open(QueueEvents);
    await startWorker("a");
    for (const backoff of [undefined, 20, { type: "exponential", delay: 10 }, { type: "custom" }]) {
      const job = await queue.add("thirdTime", { text: "x" }, { attempts: 5, backoff });
      assert.deepEqual(await job.waitUntilFinished(events), { did: "x" });
      assert.equal((await queue.getJob(job.id)).attemptsMade, 3);
    }
    assert.deepEqual(await log(12), Array.from({ length: 12 }, (_, n) => `x a ${n % 3}`));
    const failing = await queue.add("fail", { text: "y" }, { attempts: 3, backoff: { type: "exponential", delay: 10 } });
    await assert.rejects(failing.waitUntilFinished(events), { message: "no y" });
    assert.deepEqual((await log(15)).slice(12), ["y a 0", "y a 1", "y a 2"]);
    const failed = await queue.getJob(failing.id);
    assert.deepEqual([failed.attemptsMade, failed.stacktrace.length], [3, 3]);
    const never = await queue.add("never", { text: "z" }, { attempts: 9 });
    await assert.rejects(never.waitUntilFinished(events), { message: "never z" });
    await counts(queue, { completed: 4, failed: 2 });
    assert.deepEqual((await log(16)).slice(15), ["z a 0"]);
    await failed.retry();
    assert.equal((await log(17))[16], "y a 3");
    await counts(queue, { completed: 4, failed: 2 });
    await queue.retryJobs({ count: 100 });
    assert.deepEqual((await log(19)).slice(17).map((entry) => entry[0]).sort(), ["y", "z"]);
    await counts(queue, { completed: 4, failed: 2 });
  }));

check("priorities, limits of a queue, and jobs that are the same", ["ioredis RESP3", "node-redis RESP3"], (kind) =>
  withBullMQ(kind, {}, async ({ queue, startWorker, log }) => {
    const given = texts(30).map((text, n) => ({ name: "note", data: { text }, opts: { priority: ((n * 7) % 5) + 1 } }));
    await queue.addBulk(given);
    assert.deepEqual(await queue.getCountsPerPriority([1, 2, 5, 9]), { 1: 6, 2: 6, 5: 6, 9: 0 });
    await (await queue.add("note", { text: "urgent" }, { priority: 9 })).changePriority({ priority: 1, lifo: true });
    const first = await queue.add("note", { text: "once" }, { delay: 3_600_000, deduplication: { id: "same" } });
    const second = await queue.add("note", { text: "twice" }, { deduplication: { id: "same" } });
    assert.deepEqual([second.id, await queue.getDeduplicationJobId("same")], [first.id, first.id]);
    await counts(queue, { prioritized: 31, delayed: 1 });
    const began = Date.now(), duration = 200;
    await startWorker("a", { limiter: { max: 11, duration } });
    const wanted = [1, 2, 3, 4, 5].flatMap((priority) => given.filter((job) => job.opts.priority === priority).map((job) => `${job.data.text} a 0`));
    assert.deepEqual(await log(31), ["urgent a 0", ...wanted]);
    // A later round waits for the first one's end. The server may see it a millisecond early.
    assert.ok(Date.now() - began >= 2 * (duration - 1), `${Date.now() - began} ms`);
    await first.remove();
    await counts(queue, { completed: 31 });
    assert.equal(await queue.getDeduplicationJobId("same"), null);
  }));

check("job schedulers: so many times, found, changed and removed with what waits", ["ioredis RESP2", "node-redis RESP3"], (kind) =>
  withBullMQ(kind, {}, async ({ queue, startWorker, log }) => {
    await queue.upsertJobScheduler("ticks", { every: 50, limit: 4 }, { name: "note", data: { text: "tick" } });
    await startWorker("a");
    assert.deepEqual(await log(4), Array(4).fill("tick a 0"));
    await counts(queue, { completed: 4 });
    assert.equal(new Set((await queue.getCompleted()).map((job) => job.id)).size, 4);
    await queue.removeJobScheduler("ticks");
    await queue.upsertJobScheduler("yearly", { pattern: "0 0 1 1 *", tz: "UTC" }, { name: "note", data: { text: "old" } });
    await queue.upsertJobScheduler("yearly", { pattern: "0 0 2 1 *", tz: "UTC" }, { name: "note", data: { text: "year" } });
    assert.equal(await queue.getJobSchedulersCount(), 1);
    const [{ key, next, template }] = await queue.getJobSchedulers(0, -1, true);
    assert.deepEqual([key, new Date(next).toISOString().slice(4), template.data], ["yearly", "-01-02T00:00:00.000Z", { text: "year" }]);
    assert.deepEqual((await queue.getDelayed()).map((job) => job.data), [{ text: "year" }]);
    assert.deepEqual([await queue.removeJobScheduler("yearly"), await queue.removeJobScheduler("yearly")], [true, false]);
    await counts(queue, { completed: 4 });
  }));

check("flows: a parent waits for its children, whose worker is killed", ["ioredis RESP3", "node-redis RESP2"], (kind) =>
  withBullMQ(kind, {}, async ({ name, queue, open, startWorker, log, openGate }) => {
    const flows = await open(FlowProducer), events = await open(QueueEvents), other = `${name}-leaves`;
    const leaves = await open(Queue, {}, other);
    const child = (job, queueName, data, opts) => ({ name: job, queueName, data, opts });
    const tree = await flows.add({ name: "sum", queueName: name, data: { text: "root" }, children: [
      ...[1, 2, 3].map((n) => child("note", other, { text: `leaf${n}`, n })),
      child("wait", name, { text: "slow", n: 10 }),
      { name: "note", queueName: name, data: { text: "middle", n: 100 }, children: [child("note", other, { text: "leaf4", n: 4 })] },
    ] });
    await counts(queue, { waiting: 1, "waiting-children": 2 });
    await counts(leaves, { waiting: 4 });
    const victim = await startWorker("victim", VICTIM);
    assert.deepEqual(await log(1), ["slow victim 0"]);
    await kill(victim);
    await startWorker("a");
    await startWorker("leaf", {}, other);
    await openGate();
    assert.equal(await tree.job.waitUntilFinished(events), 1 + 2 + 3 + 10 + 100);
    assert.deepEqual((await log(4)).sort(), ["middle a 0", "root a 0", "slow a 0", "slow victim 0"]);
    assert.deepEqual(await tree.job.getDependenciesCount(), { processed: 5, unprocessed: 0, ignored: 0, failed: 0 });
    const found = await flows.getFlow({ id: tree.job.id, queueName: name });
    assert.deepEqual(found.children.map(({ job }) => job.data.text).sort(), ["leaf1", "leaf2", "leaf3", "middle", "slow"]);
    await counts(leaves, { completed: 4 });

    // A child that fails: its parent fails too, goes on without it, or may look at why.
    const failing = await flows.add({ name: "sum", queueName: name, data: { text: "fails" }, children: [
      child("fail", other, { text: "child" }, { failParentOnFailure: true })] });
    await assert.rejects(failing.job.waitUntilFinished(events), ({ message }) => message.startsWith("child bull:"));
    const survey = await flows.add({ name: "survey", queueName: name, data: { text: "survey" }, children: [
      child("fail", other, { text: "ignored" }, { ignoreDependencyOnFailure: true }), child("note", other, { text: "leaf5", n: 5 })] });
    assert.deepEqual(await survey.job.waitUntilFinished(events), { ignored: ["no ignored"], did: 1 });
    await counts(queue, { completed: 4, failed: 1 });
    await tree.job.remove({ removeChildren: true });
    await counts(queue, { completed: 1, failed: 1 });
    await counts(leaves, { completed: 1, failed: 2 });
  }));

check("events: every process is told, also of what was before; the stream is trimmed", CONNECTIONS, (kind) =>
  withBullMQ(kind, {}, async ({ name, queue, open, startWorker, log }) => {
    const types = ["added", "waiting", "active", "progress", "completed", "failed", "retries-exhausted", "delayed", "removed", "paused", "resumed", "drained", "mine"];
    const listen = async (lastEventId) => {
      const heard = new Inbox(), events = await open(QueueEvents, { autorun: false, lastEventId });
      for (const type of types) events.on(type, (...values) => heard.push([type, ...values]));
      events.run().catch((error) => heard.push(error));
      return heard;
    };
    const live = await listen("0-0");
    await startWorker("a");
    const { id } = await queue.add("progress", { text: "x" });
    const wanted = [["added", { jobId: id, name: "progress" }], ["waiting", { jobId: id }], ["active", { jobId: id, prev: "waiting" }],
      ...[1, 50, { of: 100 }].map((data) => ["progress", { jobId: id, data }]),
      ["completed", { jobId: id, returnvalue: { did: "x" }, prev: "active" }], ["drained"]];
    const heard = await live.take(8);
    assert.deepEqual(heard.map((event) => event.slice(0, -1)), wanted);
    const failing = await queue.add("fail", { text: "y" });
    const more = await live.take(6);
    assert.deepEqual(more.map(([type]) => type), ["added", "waiting", "active", "failed", "retries-exhausted", "drained"]);
    assert.deepEqual(more[3][1], { jobId: failing.id, failedReason: "no y", prev: "active" });
    await queue.pause();
    await queue.resume();
    await failing.remove();
    await (await open(QueueEventsProducer)).publishEvent({ eventName: "mine", text: "hello" });
    more.push(...(await live.take(4)));
    assert.deepEqual(more.slice(6).map((event) => event.slice(0, -1)),
      [["paused", {}], ["resumed", {}], ["removed", { jobId: failing.id, prev: "failed" }], ["mine", { text: "hello" }]]);
    // Who comes late reads the same, under the same ids, in the same order; or from a given one on.
    const ids = [...heard, ...more].map((event) => event.at(-1));
    assert.deepEqual((await client.xrange(`bull:${name}:events`, "-", "+")).map(([one]) => one), ids);
    assert.deepEqual(await (await listen("0-0")).take(18), [...heard, ...more]);
    assert.deepEqual(await (await listen(ids[7])).take(10), more);

    await queue.trimEvents(5);
    assert.ok((await client.xlen(`bull:${name}:events`)) <= 18);
    const few = await open(Queue, { streams: { events: { maxLen: 50 } } }, `${name}-few`);
    await few.addBulk(notes(texts(1000)));
    const length = await client.xlen(few.toKey("events"));
    assert.ok(length >= 50 && length < 300, `${length} events`);
    assert.equal((await log(2)).length, 2);
  }));

check("a killed worker's jobs are taken up by another one, each once more", ["ioredis RESP2", "node-redis RESP3"], (kind) =>
  withBullMQ(kind, {}, async ({ queue, open, startWorker, log, openGate }) => {
    const stalled = new Inbox(), events = await open(QueueEvents, { lastEventId: "0-0" });
    events.on("stalled", ({ jobId }) => stalled.push(jobId));
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
    for (const job of jobs) {
      const { stalledCounter, attemptsStarted, returnvalue } = await queue.getJob(job.id);
      const times = Number(jobs.indexOf(job) < 3);
      assert.deepEqual([stalledCounter, attemptsStarted, returnvalue], [times, 1 + times, { did: job.data.text }]);
    }
    assert.deepEqual([(await log(8)).length, stalled.items], [8, []]);
  }));

check("a job that kills its workers fails when it has done so twice", ["ioredis RESP3"], (kind) =>
  withBullMQ(kind, {}, async ({ queue, open, startWorker, log }) => {
    const events = await open(QueueEvents);
    const job = await queue.add("kill", { text: "x" });
    for (const name of ["a", "b"]) {
      const worker = await startWorker(name, VICTIM);
      if (worker.exitCode === null && worker.signalCode === null) await once(worker, "exit");
    }
    await startWorker("c");
    await assert.rejects(job.waitUntilFinished(events), { message: "job stalled more than allowable limit" });
    assert.deepEqual(await log(2), ["x a 0", "x b 0"]);
    await counts(queue, { failed: 1 });
  }));

check("300 jobs, three workers, one killed on the way: each done, and again only what it had in hand", ["ioredis RESP3", "node-redis RESP3"], (kind) =>
  withBullMQ(kind, {}, ({ queue, startWorker, log }) =>
    sharedWork({ queue, startVictim: (name) => startWorker(name, { lockDuration: 1_000, concurrency: 2 }), startWorker, log, counts })));

await run("BullMQ");
