// The worker of rsmq.mjs, in a process of its own. It is told its name, the namespace, the queue, and for how many seconds
// nobody else sees what it received; it sends a message when it works.

import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import RSMQ from "rsmq";

export function open(ns) {
  return new RSMQ({ host: "127.0.0.1", port: Number(process.env.CHECK_PORT), ns });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [worker, ns, qname, vt] = process.argv.slice(2);
  const rsmq = open(ns), redis = new Redis({ host: "127.0.0.1", port: Number(process.env.CHECK_PORT) });
  process.on("disconnect", () => process.exit());
  process.send("works");
  for (;;) {
    const got = await rsmq.receiveMessageAsync({ qname, vt: Number(vt) });
    if (!got.id) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    await redis.rpush(`${ns}:log`, `${got.message} ${worker} ${got.rc}`);
    if (got.message === "hold" && worker === "victim") await new Promise(() => {});
    await rsmq.deleteMessageAsync({ qname, id: got.id });
  }
}
