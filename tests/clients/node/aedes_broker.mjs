// The MQTT broker of aedes.mjs, in a process of its own: aedes with aedes-persistence-redis. Sends its port when it listens.

import { once } from "node:events";
import { createServer } from "node:net";
import { Aedes } from "aedes";
import createPersistence from "aedes-persistence-redis";
import { Redis } from "ioredis";

const [keyPrefix, protocol, heartbeatInterval] = process.argv.slice(2);
const conn = new Redis({ host: "127.0.0.1", port: Number(process.env.CHECK_PORT), protocol: Number(protocol), keyPrefix });
const broker = await Aedes.createBroker({ persistence: createPersistence({ conn }), heartbeatInterval: Number(heartbeatInterval) });
const server = createServer({ noDelay: true }, broker.handle);
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.send({ port: server.address().port });
process.on("disconnect", () => process.exit());
