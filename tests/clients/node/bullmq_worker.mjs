// The worker of bullmq.mjs, in a process of its own. It is told its name, its connection, the queue and BullMQ's options; it
// sends a message when it works.

import { fileURLToPath } from "node:url";
import { UnrecoverableError, Worker } from "bullmq";
import { Redis } from "ioredis";
import { createClient } from "redis";

const SERVER = { host: "127.0.0.1", port: Number(process.env.CHECK_PORT) };

/** What BullMQ is given as `connection`: a client of node-redis, or options for a client of ioredis. "ioredis RESP2" is a kind. */
export function connection(kind) {
  const [library, resp] = kind.split(" ");
  const protocol = Number(resp.at(-1));
  return library === "ioredis" ? { ...SERVER, protocol } : createClient({ socket: SERVER, RESP: protocol });
}

/** The jobs; each notes in the list `log` its text, the worker, and how often it was tried before. */
function handler(client, name, worker) {
  return async (job) => {
    const { text } = job.data;
    await client.rpush(`${name}:log`, `${text} ${worker} ${job.attemptsMade}`);
    switch (job.name) {
      case "thirdTime":
        if (job.attemptsMade < 2) throw new Error("not yet");
        break;
      case "fail": throw new Error(`no ${text}`);
      case "never": throw new UnrecoverableError(`never ${text}`);
      case "kill": process.kill(process.pid, "SIGKILL"); break;
      case "progress":
        for (const step of [1, 50, { of: 100 }]) await job.updateProgress(step);
        await job.log("half");
        break;
      case "wait": // a worker that is killed never sees that the gate is open
        while (!(await client.exists(`${name}:gate`))) await new Promise((resolve) => setTimeout(resolve, 20));
        break;
      case "sum": return Object.values(await job.getChildrenValues()).reduce((sum, { n }) => sum + n, 0);
      case "survey": return { ignored: Object.values(await job.getIgnoredChildrenFailures()), did: Object.keys(await job.getChildrenValues()).length };
    }
    return { did: text, ...(job.data.n !== undefined && { n: job.data.n }) };
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [worker, kind, name, options] = process.argv.slice(2);
  const works = new Worker(name, handler(new Redis(SERVER), name, worker), {
    stalledInterval: 100, // one of the workers that wait often looks for jobs of killed ones
    settings: { backoffStrategy: (attempts) => 20 * attempts },
    ...JSON.parse(options),
    connection: connection(kind),
  });
  works.on("error", (error) => console.log(`${worker}: ${error.stack}`));
  process.on("disconnect", () => process.exit());
  await works.waitUntilReady();
  process.send("works");
}
