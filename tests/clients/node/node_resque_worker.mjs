// The worker of node_resque.mjs, in a process of its own: its jobs, and a node-resque Worker that does them.
// A worker is told its name, the namespace and the protocol; it sends a message when it works.

import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import resque from "node-resque";

const { Plugins, Worker } = resque;

/** What Queue, Scheduler and Worker are connected with. */
export function connection(namespace, protocol) {
  return { redis: new Redis({ host: "127.0.0.1", port: Number(process.env.CHECK_PORT), protocol: Number(protocol) }), namespace };
}

/** The jobs; each notes in the list `log` who did it. */
export function jobs({ redis, namespace }, name) {
  const log = (text) => redis.rpush(`${namespace}:log`, `${text} ${name}`);
  const exclusive = async (text) => {
    const running = `${namespace}:running`;
    if ((await redis.incr(running)) > 1) await log(`${text} was not alone`);
    await log(text);
    await redis.decr(running);
  };
  return {
    note: async (text) => {
      await log(text);
      return text;
    },
    fail: async (text) => {
      await log(text);
      throw new Error(`no ${text}`);
    },
    // Notes all of its arguments. It ends when the gate is open: a worker that is killed never sees that.
    wait: async (...given) => {
      await log(given.length === 1 ? given[0] : JSON.stringify(given));
      while (!(await redis.exists(`${namespace}:gate`))) await new Promise((resolve) => setTimeout(resolve, 20));
    },
    thirdTime: {
      plugins: [Plugins.Retry],
      pluginOptions: { Retry: { retryLimit: 5, retryDelay: 100 } },
      perform: async (text) => {
        await log(text);
        if ((await redis.incr(`${namespace}:tries:${text}`)) < 3) throw new Error("not yet");
      },
    },
    neverRight: {
      plugins: [Plugins.Retry],
      pluginOptions: { Retry: { retryLimit: 3, backoffStrategy: [50, 100] } },
      perform: async (text) => {
        await log(text);
        throw new Error("never right");
      },
    },
    onceInQueue: { plugins: [Plugins.QueueLock, Plugins.DelayQueueLock], perform: log },
    // All of them together one at a time; whoever finds another one running comes again.
    oneAtATime: {
      plugins: [Plugins.JobLock],
      pluginOptions: { JobLock: { reEnqueue: true, key: `${namespace}:one-at-a-time`, enqueueTimeout: 50 } },
      perform: exclusive,
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, namespace, protocol] = process.argv.slice(2);
  const connected = connection(namespace, protocol);
  const worker = new Worker({ connection: connected, queues: ["work"], name, timeout: 50 }, jobs(connected, name));
  worker.on("error", (error) => console.log(`${name}: ${error.stack}`));
  process.on("disconnect", () => process.exit());
  process.once("message", async () => {
    await worker.end();
    process.exit();
  });
  await worker.connect();
  await worker.start();
  process.send("works");
}
