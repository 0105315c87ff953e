// The worker of bull.mjs, in a process of its own. It is told its name, the queue and Bull's settings; it sends a message
// when it works.

import { fileURLToPath } from "node:url";
import Bull from "bull";

/** Opens a queue. A worker that waits is woken by nothing but a job, and one of them often looks for jobs of killed workers. */
export function open(name, options = {}) {
  const settings = {
    drainDelay: 600,
    stalledInterval: 100,
    backoffStrategies: { linear: (attempts) => 20 * attempts },
    ...options.settings,
  };
  return new Bull(name, { ...options, redis: { host: "127.0.0.1", port: Number(process.env.CHECK_PORT) }, settings });
}

/** The jobs; each notes in the list `log` its text, the worker, and how often it has failed before. */
export function handler(queue, worker) {
  const key = queue.toKey("log");
  return async (job) => {
    const { text } = job.data;
    await queue.client.rpush(key, `${text} ${worker} ${job.attemptsMade}`);
    if (job.name === "thirdTime" && job.attemptsMade < 2) throw new Error("not yet");
    if (job.name === "fail") throw new Error(`no ${text}`);
    if (job.name === "kill") process.kill(process.pid, "SIGKILL");
    if (job.name === "progress") for (const step of [1, 50, { of: 100 }]) await job.progress(step);
    // A worker that is killed never sees that the gate is open.
    if (job.name === "wait") while (!(await queue.client.exists(queue.toKey("gate")))) await new Promise((resolve) => setTimeout(resolve, 20));
    return { did: text };
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [worker, name, options] = process.argv.slice(2);
  const { concurrency, ...rest } = JSON.parse(options);
  const queue = open(name, rest);
  queue.on("error", (error) => console.log(`${worker}: ${error.stack}`));
  process.on("disconnect", () => process.exit());
  await queue.isReady();
  queue.process("*", concurrency ?? 1, handler(queue, worker));
  process.send("works");
}
