// bee-queue: jobs, delays, retries, removal, events, and worker processes, some of which are killed. It gives, moves and
// removes jobs with scripts that it loads beforehand, and calls them by their digests; it brings node-redis 3.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Inbox, check, kill, run, startProcess, unique, waitUntil } from "./harness.mjs";
import { call, open } from "./bee_queue_worker.mjs";

// Workers whose jobs another one may take say twice in this time, in milliseconds, that they are alive.
const STALL_INTERVAL = 1_000;

/** Runs `body` with a queue, a function that starts a worker process, and one that reads the log. Leaves no key behind. */
async function withBeeQueue(body) {
  const name = unique("bee"), errors = new Inbox(), workers = [];
  const queue = open(name, { isWorker: false });
  queue.on("error", errors.push);
  await queue.ready();
  const startWorker = async (worker, options = {}) => {
    const [child] = await startProcess("bee_queue_worker.mjs", worker, name, JSON.stringify(options));
    workers.push(child);
    return child;
  };
  /** Waits for so many entries of the log, "text worker". */
  const log = async (count) => {
    const key = queue.toKey("log");
    await waitUntil(async () => (await call(queue, "llen", key)) >= count, `${count} notes`);
    return call(queue, "lrange", key, 0, -1);
  };
  const give = (text, more = {}) => queue.createJob({ text, ...more });
  try {
    await body({ queue, startWorker, log, give });
    assert.deepEqual(errors.items, []);
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
    const keys = await call(queue, "keys", queue.toKey("*"));
    if (keys.length) await call(queue, "del", keys);
    await queue.close();
  }
}

/** Waits for the numbers of jobs in each state; those that are not named are 0. */
const health = async (queue, wanted) => {
  const states = ["waiting", "active", "succeeded", "failed", "delayed"];
  let found;
  await waitUntil(async () => {
    found = await queue.checkHealth();
    return states.every((state) => found[state] === (wanted[state] ?? 0));
  }, JSON.stringify(wanted)).catch((error) => { throw new Error(`${error.message}; found ${JSON.stringify(found)}`); });
};

const ids = (jobs) => jobs.map((job) => job.id);
const texts = (count) => Array.from({ length: count }, (_, n) => `n${n}`);

check("jobs wait for a worker, which does them in order; results, errors and progress come back", () =>
  withBeeQueue(async ({ queue, startWorker, log, give }) => {
    const outcome = (job) => new Promise((resolve) => {
      for (const event of ["succeeded", "failed"]) job.on(event, (value) => resolve([event, value.message ?? value]));
    });
    const jobs = [];
    for (const text of texts(20)) jobs.push(await give(text).save());
    assert.deepEqual(ids(jobs), texts(20).map((_, n) => `${n + 1}`));
    assert.deepEqual([(await give("named").setId("name").save()).id, (await give("again").setId("name").save()).id], ["name", null]);
    const failing = await give("x", { act: "fail" }).save();
    const telling = give("p", { act: "progress" }), progress = new Inbox();
    telling.on("progress", progress.push);
    await telling.save();
    await health(queue, { waiting: 23 });
    assert.deepEqual([(await queue.checkHealth()).newestJob, (await queue.getJob("7")).data], [22, { text: "n6" }]);
    const outcomes = Promise.all([outcome(jobs[19]), outcome(failing), outcome(telling)]);
    await startWorker("a");
    assert.deepEqual(await log(23), [...texts(20), "named", "x", "p"].map((text) => `${text} a`));
    assert.deepEqual(await outcomes, [["succeeded", { did: "n19", after: 19 }], ["failed", "no x"], ["succeeded", { did: "p", after: 22 }]]);
    assert.deepEqual(progress.items, [1, { of: 100 }]);
    await health(queue, { succeeded: 22, failed: 1 });
    const [failed] = await queue.getJobs("failed");
    assert.deepEqual([failed.id, failed.options.stacktraces.length], [failing.id, 1]);
    await failed.retry();
    assert.deepEqual((await log(24))[23], "x a");
    await health(queue, { succeeded: 22, failed: 1 });
  }));

check("saveAll: 500 jobs in one pipeline", () =>
  withBeeQueue(async ({ queue, startWorker, log, give }) => {
    const jobs = texts(500).map((text) => give(text));
    assert.equal((await queue.saveAll(jobs)).size, 0);
    assert.deepEqual(ids(jobs), jobs.map((_, n) => `${n + 1}`));
    await startWorker("a", { concurrency: 10 });
    const done = await log(500);
    assert.deepEqual(done.slice().sort(), texts(500).map((text) => `${text} a`).sort());
    await health(queue, { succeeded: 500 });
    assert.equal((await queue.getJobs("succeeded", { size: 1000 })).length, 500);
  }));

check("delayed jobs: done when they are due, in the order of their times", () =>
  withBeeQueue(async ({ queue, startWorker, log, give }) => {
    await startWorker("a", { delayedDebounce: 10 });
    const now = Date.now(), never = await give("never").delayUntil(now + 3_600_000).save();
    for (const delay of [500, 300, 400]) await give(`${delay}`).delayUntil(now + delay).save();
    assert.deepEqual(await log(3), ["300 a", "400 a", "500 a"]);
    assert.ok(Date.now() >= now + 500);
    await give("now").save();
    assert.deepEqual((await log(4))[3], "now a");
    await health(queue, { succeeded: 4, delayed: 1 });
    assert.equal(Number(await call(queue, "zscore", queue.toKey("delayed"), never.id)), now + 3_600_000);
  }));

check("1,500 delayed jobs that are due are raised at once", () =>
  withBeeQueue(async ({ queue, startWorker, log, give }) => {
    // More than the script reads in one step.
    const due = Date.now() + 200;
    await queue.saveAll(texts(1500).map((text) => give(text).delayUntil(due)));
    await waitUntil(() => Date.now() > due, "the jobs to be due");
    await startWorker("a", { concurrency: 20 });
    assert.deepEqual((await log(1500)).sort(), texts(1500).map((text) => `${text} a`).sort());
    await health(queue, { succeeded: 1500 });
  }));

check("retries: until it succeeds, until there were too many, and a job that takes too long", () =>
  withBeeQueue(async ({ queue, startWorker, log, give }) => {
    await startWorker("a", { delayedDebounce: 1 });
    for (const [strategy, delay] of [["immediate"], ["fixed", 30], ["exponential", 10]]) {
      const retrying = new Inbox();
      const job = give(strategy, { act: "thirdTime" }).retries(5).backoff(strategy, delay);
      job.on("retrying", (error) => retrying.push(error.message));
      const [done] = await Promise.all([once(job, "succeeded"), job.save()]);
      assert.deepEqual([done[0].did, retrying.items], [strategy, ["not yet", "not yet"]]);
    }
    assert.deepEqual(await log(9), ["immediate", "fixed", "exponential"].flatMap((text) => Array(3).fill(`${text} a`)));
    const failing = await give("x", { act: "fail" }).retries(2).backoff("fixed", 10).save();
    await health(queue, { succeeded: 3, failed: 1 });
    assert.deepEqual((await log(12)).slice(9), Array(3).fill("x a"));
    assert.equal((await queue.getJobs("failed"))[0].id, failing.id);
    const slow = give("slow", { act: "never" }).timeout(50), ended = once(slow, "failed");
    await slow.save();
    assert.equal((await ended)[0].message, `Job ${slow.id} timed out (50 ms)`);
    await health(queue, { succeeded: 3, failed: 2 });
  }));

check("remove: of jobs that wait, are delayed, run, have failed and have succeeded", () =>
  withBeeQueue(async ({ queue, startWorker, log, give }) => {
    const removed = await give("removed").save();
    const delayed = await give("delayed").delayUntil(Date.now() + 3_600_000).save();
    const [kept, failing] = [await give("kept").save(), await give("failing", { act: "fail" }).save()];
    await removed.remove();
    await queue.removeJob(delayed.id);
    await startWorker("a");
    await health(queue, { succeeded: 1, failed: 1 });
    assert.deepEqual(await log(2), ["kept a", "failing a"]);
    await queue.removeJob(kept.id);
    await queue.removeJob(failing.id);
    await health(queue, {});
    const running = await give("running", { act: "wait" }).save();
    await log(3);
    await health(queue, { active: 1 });
    await running.remove();
    await health(queue, {});
    assert.deepEqual([await call(queue, "exists", queue.toKey("jobs")), await queue.getJob(running.id)], [0, null]);
  }));

check("a killed worker's jobs are done by another one, each once more", () =>
  withBeeQueue(async ({ queue, startWorker, log, give }) => {
    const victim = await startWorker("victim", { concurrency: 3, stallInterval: STALL_INTERVAL });
    for (const text of texts(5)) await give(text, { act: "wait" }).save();
    assert.deepEqual((await log(3)).sort(), texts(3).map((text) => `${text} victim`));
    await kill(victim);
    await health(queue, { active: 3, waiting: 2 });
    await call(queue, "set", queue.toKey("gate"), "open");
    await startWorker("a", { stallInterval: STALL_INTERVAL });
    assert.deepEqual((await log(8)).slice(3).sort(), texts(5).map((text) => `${text} a`));
    await health(queue, { succeeded: 5 });
    assert.equal((await log(8)).length, 8);
  }));

check("300 jobs, three workers, one killed on the way: each done, and again only what it had in hand", () =>
  withBeeQueue(async ({ queue, startWorker, log, give }) => {
    const options = { concurrency: 2, stallInterval: STALL_INTERVAL };
    const [victim] = await Promise.all(["victim", "a", "b"].map((name) => startWorker(name, options)));
    await queue.saveAll(texts(100).map((text) => give(text)));
    await waitUntil(async () => (await log(1)).some((entry) => entry.endsWith(" victim")), "the victim to do some");
    await queue.saveAll(texts(200).map((text) => give(`m${text}`)));
    await kill(victim);
    await health(queue, { succeeded: 300 });
    const done = await log(300), others = done.filter((entry) => !entry.endsWith(" victim")).map((entry) => entry.split(" ")[0]);
    assert.deepEqual([...new Set(done.map((entry) => entry.split(" ")[0]))].sort(), [...texts(100), ...texts(200).map((text) => `m${text}`)].sort());
    assert.equal(new Set(others).size, others.length);
    assert.ok(done.length <= 302, `${done.length} notes`);
  }));

await run("bee-queue");
