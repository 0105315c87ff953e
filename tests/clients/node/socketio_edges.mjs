// socket.io behind @socket.io/redis-adapter, classic and sharded, in two processes at two edges of a hub (socketio_shared.mjs). The
// adapters ask NUMSUB and SHARDNUMSUB how many processes there are. An edge counts another one as one, so each process here has
// an edge of its own. Only against fanfare; the hub may be a redis-server.

import { createClient } from "redis";
import { withEdges } from "./edge_servers.mjs";
import { check, run, unique } from "./harness.mjs";
import { twoProcesses } from "./socketio_shared.mjs";

// Both adapters at once: much of the time is the five seconds for which an edge keeps a channel that nobody wants any more.
check("two processes at two edges", ["node-redis RESP2, hub redis-server", "ioredis RESP3, hub fanfare"], async (variant) => {
  const [library, resp, , hub] = variant.split(/,? /);
  await withEdges(hub, [], async ({ a, b }) => {
    const redis = await createClient({ socket: { host: "127.0.0.1", port: a } }).connect();
    try {
      const configuration = { library, protocol: resp.at(-1) };
      await Promise.all(["classic", "sharded"].map((adapter) =>
        twoProcesses(redis, [a, b], { ...configuration, adapter, prefix: unique(adapter) })));
    } finally {
      redis.destroy();
    }
  });
});

await run("socket.io through edges");
