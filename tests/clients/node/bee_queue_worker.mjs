// The worker of bee_queue.mjs, in a process of its own. It is told its name, the queue and bee-queue's settings; it sends a
// message when it works.

import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import BeeQueue from "bee-queue";

export function open(name, settings) {
  return new BeeQueue(name, { redis: { host: "127.0.0.1", port: Number(process.env.CHECK_PORT) }, ...settings });
}

/** Calls a command of the queue's own client. */
export function call(queue, command, ...values) {
  return promisify(queue.client[command]).call(queue.client, ...values);
}

/** The jobs; each notes in the list `log` its text and the worker. */
export function handler(queue, worker) {
  return async (job) => {
    const { text, act } = job.data;
    const notes = await call(queue, "rpush", queue.toKey("log"), `${text} ${worker}`);
    if (act === "thirdTime" && (await call(queue, "incr", queue.toKey(`tries:${text}`))) < 3) throw new Error("not yet");
    if (act === "fail") throw new Error(`no ${text}`);
    if (act === "progress") for (const step of [1, { of: 100 }]) await job.reportProgress(step);
    if (act === "never") await new Promise(() => {});
    // A worker that is killed never sees that the gate is open.
    if (act === "wait") while (!(await call(queue, "exists", queue.toKey("gate")))) await new Promise((resolve) => setTimeout(resolve, 20));
    return { did: text, after: notes - 1 };
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [worker, name, options] = process.argv.slice(2);
  const { concurrency, ...settings } = JSON.parse(options);
  const queue = open(name, { activateDelayedJobs: true, ...settings });
  queue.on("error", (error) => console.log(`${worker}: ${error.stack}`));
  process.on("disconnect", () => process.exit());
  await queue.ready();
  queue.process(concurrency ?? 1, handler(queue, worker));
  queue.checkStalledJobs(queue.settings.stallInterval / 2);
  process.send("works");
}
