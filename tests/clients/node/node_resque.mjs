// node-resque: jobs, delayed jobs, its lock and retry plugins, and worker processes, some of which are killed. A worker
// takes a job with a script, `popAndStoreJob`, so that the job is in the queue or in the worker's record at all times.

import assert from "node:assert/strict";
import { once } from "node:events";
import resque from "node-resque";
import { Inbox, check, run, startProcess, unique, waitUntil } from "./harness.mjs";
import { connection, jobs } from "./node_resque_worker.mjs";

const { Queue, Scheduler } = resque;
const BOTH = ["RESP2", "RESP3"];

/** Runs `body` with a queue, with functions that start a worker and a scheduler, and one that reads the log. Leaves no key behind. */
async function withResque(protocol, body) {
  const namespace = unique("resque"), version = protocol.at(-1);
  const connected = connection(namespace, version), { redis } = connected;
  const errors = new Inbox(), workers = [], schedulers = [];
  const queue = new Queue({ connection: connected }, jobs(connected, "queue"));
  queue.on("error", errors.push);
  await queue.connect();
  const startWorker = async (name) => {
    const [worker] = await startProcess("node_resque_worker.mjs", name, namespace, version);
    workers.push(worker);
    return {
      end: async () => {
        worker.send("end");
        assert.deepEqual(await once(worker, "exit"), [0, null]);
      },
      kill: async () => {
        worker.kill("SIGKILL");
        await once(worker, "exit");
      },
    };
  };
  const startScheduler = async (name, options = {}) => {
    const own = connection(namespace, version);
    const scheduler = new Scheduler({ connection: own, name, timeout: 50, ...options }, jobs(own, name));
    scheduler.on("error", errors.push);
    await scheduler.connect();
    await scheduler.start();
    schedulers.push([scheduler, own.redis]);
    return scheduler;
  };
  /** Waits for so many entries of the log, "text worker". */
  const log = async (count) => {
    const key = `${namespace}:log`;
    await waitUntil(async () => (await redis.llen(key)) >= count, `${count} jobs`);
    return redis.lrange(key, 0, -1);
  };
  const stat = async (name) => Number((await queue.stats())[name] ?? 0);
  try {
    await body({ queue, redis, namespace, startWorker, startScheduler, log, stat });
    assert.deepEqual(errors.items, []);
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
    for (const [scheduler, own] of schedulers) {
      await scheduler.end();
      own.disconnect();
    }
    for await (const keys of redis.scanStream({ match: `${namespace}*` })) if (keys.length) await redis.del(keys);
    redis.disconnect();
  }
}

const texts = (count) => Array.from({ length: count }, (_, n) => `n${n}`);

check("jobs wait for a worker, which does them in order; what fails is kept", BOTH, (protocol) =>
  withResque(protocol, async ({ queue, startWorker, log, stat }) => {
    for (const text of texts(20)) assert.equal(await queue.enqueue("work", "note", [text]), true);
    await queue.enqueue("work", "fail", ["x"]);
    await queue.enqueue("work", "unknown", []);
    await queue.enqueue("other", "note", ["other"]);
    assert.deepEqual([(await queue.queues()).sort(), await queue.length("work")], [["other", "work"], 22]);
    assert.deepEqual((await queue.queued("work", 19, 20)).map((job) => [job.class, job.args]), [["note", ["n19"]], ["fail", ["x"]]]);
    assert.equal(await queue.del("work", "note", ["n7"]), 1);
    const worker = await startWorker("a");
    await waitUntil(async () => (await stat("failed")) === 2, "the failures");
    assert.deepEqual(await log(20), [...texts(20).filter((text) => text !== "n7"), "x"].map((text) => `${text} a`));
    assert.deepEqual([await queue.length("work"), await queue.length("other"), await stat("processed")], [0, 1, 19]);
    assert.deepEqual(await queue.workers(), { a: "work" });
    const failed = await queue.failed(0, -1);
    assert.deepEqual(failed.map(({ payload, error, queue, worker }) => [payload.class, error, queue, worker]),
      [["fail", "no x", "work", "a"], ["unknown", 'No job defined for class "unknown"', "work", "a"]]);
    assert.equal(await queue.removeFailed(failed[1]), 1);
    await queue.retryAndRemoveFailed(failed[0]);
    assert.equal((await log(21))[20], "x a");
    await worker.end();
    assert.deepEqual([await queue.workers(), await queue.failedCount()], [{}, 1]);
  }));

check("delayed jobs: looked up, deleted, and moved when they are due by one of two schedulers", BOTH, (protocol) =>
  withResque(protocol, async ({ queue, startWorker, startScheduler, log }) => {
    const later = Date.now() + 3_600_000;
    await queue.enqueueAt(later, "work", "note", ["never"]);
    await queue.enqueueAt(later, "work", "note", ["deleted"]);
    await assert.rejects(queue.enqueueAt(later, "work", "note", ["never"]), /already enqueued/);
    const second = Math.round(later / 1000);
    assert.deepEqual(await queue.scheduledAt("work", "note", ["never"]), [second]);
    assert.deepEqual((await queue.delayedAt(later)).tasks.map((job) => job.args), [["never"], ["deleted"]]);
    assert.deepEqual(await queue.delDelayed("work", "note", ["deleted"]), [second]);
    for (const text of texts(50)) await queue.enqueueIn(500, "work", "note", [text]);
    await Promise.all([startWorker("a"), startScheduler("one"), startScheduler("two")]);
    assert.deepEqual((await log(50)).sort(), texts(50).map((text) => `${text} a`).sort());
    assert.ok(["one", "two"].includes(await queue.leader()));
    await waitUntil(async () => (await queue.timestamps()).length === 1, "the past to be forgotten");
    assert.deepEqual(await queue.timestamps(), [second * 1000]);
    assert.deepEqual(Object.values(await queue.allDelayed()).flat().map((job) => job.args), [["never"]]);
  }));

check("the next scheduler leads when the first one ends", BOTH, (protocol) =>
  withResque(protocol, async ({ queue, startWorker, startScheduler, log }) => {
    const first = await startScheduler("one");
    await waitUntil(async () => (await queue.leader()) === "one", "the first leader");
    await startScheduler("two");
    await first.end();
    await waitUntil(async () => (await queue.leader()) === "two", "the second leader");
    await queue.enqueueIn(10, "work", "note", ["x"]);
    await startWorker("a");
    assert.deepEqual(await log(1), ["x a"]);
  }));

check("Retry: until it succeeds, and until there were too many", BOTH, (protocol) =>
  withResque(protocol, async ({ queue, redis, namespace, startWorker, startScheduler, log, stat }) => {
    await Promise.all([startWorker("a"), startScheduler("one")]);
    await queue.enqueue("work", "thirdTime", ["x"]);
    assert.deepEqual(await log(3), ["x a", "x a", "x a"]);
    await queue.enqueue("work", "neverRight", ["y"]);
    await waitUntil(() => queue.failedCount(), "the last failure");
    assert.deepEqual(await log(6), [...Array(3).fill("x a"), ...Array(3).fill("y a")]);
    assert.deepEqual((await queue.failed(0, -1)).map(({ payload, error }) => [payload.args, error]), [[["y"], "never right"]]);
    assert.equal(await stat("failed"), 5);
    assert.deepEqual(await redis.keys(`${namespace}:*resque-retry*`), []);
  }));

check("QueueLock and DelayQueueLock: a job that waits is not added again", BOTH, (protocol) =>
  withResque(protocol, async ({ queue, startWorker, startScheduler, log }) => {
    const add = (text) => queue.enqueue("work", "onceInQueue", [text]);
    assert.deepEqual([await add("x"), await add("y"), await add("x"), await add("y")], [true, true, false, false]);
    assert.deepEqual([await queue.length("work"), Object.keys(await queue.locks()).length], [2, 2]);
    await startWorker("a");
    assert.deepEqual(await log(2), ["x a", "y a"]);
    assert.equal(await add("x"), true);
    assert.deepEqual((await log(3))[2], "x a");
    await queue.enqueueIn(3_600_000, "work", "onceInQueue", ["z"]);
    assert.equal(await add("z"), false);
    assert.deepEqual([await queue.length("work"), (await log(3)).length], [0, 3]);
  }));

check("JobLock: one at a time, in three worker processes", BOTH, (protocol) =>
  withResque(protocol, async ({ queue, startWorker, startScheduler, log }) => {
    for (const text of texts(30)) await queue.enqueue("work", "oneAtATime", [text]);
    await Promise.all([startWorker("a"), startWorker("b"), startWorker("c"), startScheduler("one")]);
    const done = (await log(30)).map((entry) => entry.slice(0, entry.lastIndexOf(" ")));
    assert.deepEqual(done.sort(), texts(30).sort());
    await waitUntil(async () => Object.keys(await queue.locks()).length === 0, "the last unlocking");
  }));

check("a killed worker: its job fails, is tried again, and nothing else is lost or done twice", BOTH, (protocol) =>
  withResque(protocol, async ({ queue, redis, namespace, startWorker, startScheduler, log, stat }) => {
    const victim = await startWorker("victim");
    await queue.enqueue("work", "wait", ["held"]);
    assert.deepEqual(await log(1), ["held victim"]);
    for (const text of texts(100)) await queue.enqueue("work", "note", [text]);
    await victim.kill();
    await startWorker("a");
    assert.deepEqual((await log(101)).slice(1), texts(100).map((text) => `${text} a`));
    assert.deepEqual((await queue.allWorkingOn()).victim.payload.args, ["held"]);
    await redis.set(`${namespace}:gate`, "open");
    // The scheduler sees from its last sign of life that the worker is gone.
    await startScheduler("one", { stuckWorkerTimeout: 2_000, retryStuckJobs: true });
    assert.deepEqual((await log(102))[101], "held a");
    await waitUntil(async () => (await stat("processed")) === 101, "the last success");
    assert.deepEqual([await queue.workers(), await queue.failedCount(), (await log(102)).length], [{ a: "work" }, 0, 102]);
  }));

check("popAndStoreJob: the worker's record has what the script made of the job, the worker has the job itself", BOTH, (protocol) =>
  withResque(protocol, async ({ queue, redis, namespace, startWorker, log }) => {
    const given = ["ä\u0000\"", 0.1, -7, 12345678901234567, 1e300, true, null, [1, [2]], { a: { b: "c" } }, [], {}];
    await queue.enqueue("work", "wait", given);
    await queue.enqueue("work", "wait", []);
    await startWorker("a");
    assert.deepEqual(await log(1), [`${JSON.stringify(given)} a`]);
    const record = async () => JSON.parse(await redis.get(`${namespace}:worker:a:work`));
    // cjson writes 14 digits, and an empty table is an object.
    const { run_at, ...first } = await record();
    assert.ok(Date.parse(run_at) <= Date.now(), run_at);
    const stored = given.with(3, 12345678901235e3).with(9, {});
    assert.deepEqual(first, { queue: "work", worker: "a", payload: { class: "wait", queue: "work", args: stored } });
    await redis.set(`${namespace}:gate`, "open");
    assert.deepEqual((await log(2))[1], "[] a");
    await waitUntil(async () => Number((await queue.stats()).processed) === 2, "both jobs");
    assert.deepEqual([await queue.allWorkingOn(), await queue.length("work")], [{ a: "started" }, 0]);
  }));

check("a worker that is killed in the middle of 200 jobs loses none, and at most the one in hand is done again", ["RESP3"], (protocol) =>
  withResque(protocol, async ({ queue, startWorker, startScheduler, log, stat }) => {
    for (const text of texts(200)) await queue.enqueue("work", "note", [text]);
    const victim = await startWorker("victim");
    await log(30);
    await victim.kill();
    await startWorker("a");
    await startScheduler("one", { stuckWorkerTimeout: 2_000, retryStuckJobs: true });
    await waitUntil(async () => !("victim" in (await queue.workers())), "the victim to be forgotten");
    await waitUntil(async () => (await queue.length("work")) === 0 && (await queue.allWorkingOn()).a === "started", "the last job");
    const done = (await log(200)).map((entry) => entry.split(" ")[0]);
    assert.deepEqual([...new Set(done)].sort(), texts(200).sort());
    assert.ok(done.length <= 201, `${done.length} notes`);
    assert.equal(await queue.failedCount(), 0);
  }));

await run("node-resque");
