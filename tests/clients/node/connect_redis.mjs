// connect-redis: express-session's store, over node-redis.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get } from "node:http";
import { RedisStore } from "connect-redis";
import session from "express-session";
import { createClient } from "redis";
import { PORT, check, run, unique, waitUntil } from "./harness.mjs";

const BOTH = ["RESP2", "RESP3"];

/** Runs `body` with a store that has a prefix of its own, and its client. */
async function withStore(protocol, body, options = {}) {
  const client = createClient({ RESP: Number(protocol.at(-1)), socket: { host: "127.0.0.1", port: PORT } });
  await client.connect();
  const prefix = `${unique("session")}:`;
  const store = new RedisStore({ client, prefix, scanCount: 10, ...options });
  try {
    await body(store, client, prefix);
  } finally {
    await store.clear();
    client.destroy();
  }
}

check("set, get, touch, destroy", BOTH, async (protocol) => {
  await withStore(protocol, async (store, client, prefix) => {
    assert.equal(await store.get("none"), null);
    await store.set("a", { user: "ann", cookie: {}, text: "ä\r\n\0" });
    assert.deepEqual(await store.get("a"), { user: "ann", cookie: {}, text: "ä\r\n\0" });
    const day = await client.ttl(`${prefix}a`);
    assert.ok(day > 86_000 && day <= 86_400, `${day}`);
    const expires = new Date(Date.now() + 100_000);
    await store.set("b", { cookie: { expires } });
    const left = await client.ttl(`${prefix}b`);
    assert.ok(left > 0 && left <= 100, `${left}`);
    await store.touch("b", { cookie: { expires: new Date(Date.now() + 1_000_000) } });
    assert.ok((await client.ttl(`${prefix}b`)) > 100);
    assert.deepEqual(await store.get("b"), { cookie: { expires: expires.toISOString() } });
    await store.destroy("a");
    assert.equal(await store.get("a"), null);
    // A session that is over already is not kept, and one that ends goes by itself.
    await store.set("b", { cookie: { expires: new Date(Date.now() - 1_000) } });
    assert.equal(await client.exists(`${prefix}b`), 0);
    await store.set("c", { cookie: {} });
    await client.pExpire(`${prefix}c`, 20);
    await waitUntil(async () => (await store.get("c")) === null, "the session's end");
  });
});

check("length, ids, all, clear with 500 sessions", BOTH, async (protocol) => {
  await withStore(protocol, async (store, client, prefix) => {
    const ids = Array.from({ length: 500 }, (_, i) => `s${i}`).sort();
    await Promise.all(ids.map((id) => store.set(id, { user: id, cookie: {} })));
    await client.set(`not-${prefix}a`, "x");
    assert.equal(await store.length(), 500);
    assert.deepEqual((await store.ids()).sort(), ids);
    const all = (await store.all()).sort((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(all, ids.map((id) => ({ id, user: id, cookie: {} })));
    await store.clear();
    assert.deepEqual([await store.length(), await store.ids(), await store.all()], [0, [], []]);
    assert.equal(await client.del(`not-${prefix}a`), 1);
  });
});

check("disableTTL", BOTH, async (protocol) => {
  await withStore(protocol, async (store, client, prefix) => {
    await store.set("a", { cookie: {} });
    await store.touch("a", { cookie: {} });
    assert.equal(await client.ttl(`${prefix}a`), -1);
  }, { disableTTL: true });
});

check("express-session: two servers share a visitor's session", BOTH, async (protocol) => {
  await withStore(protocol, async (store) => {
    const servers = [0, 1].map(() => {
      const sessions = session({ store, secret: "keyboard cat", resave: false, saveUninitialized: false });
      return createServer((request, response) => sessions(request, response, () => {
        const { session } = request;
        if (request.url === "/leave") return session.destroy(() => response.end("bye"));
        session.visits = (session.visits ?? 0) + 1;
        response.end(`${session.visits}`);
      }));
    });
    for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
    let cookie = "";
    const visit = async (server, path = "/") => {
      const headers = { cookie, connection: "close" };
      const [response] = await once(get({ port: server.address().port, host: "127.0.0.1", path, headers }), "response");
      cookie = response.headers["set-cookie"]?.[0].split(";")[0] ?? cookie;
      return (await response.toArray()).join("");
    };
    for (const [i, wanted] of ["1", "2", "3", "4"].entries()) assert.equal(await visit(servers[i % 2]), wanted);
    assert.equal(await store.length(), 1);
    assert.equal(await visit(servers[0], "/leave"), "bye");
    assert.equal(await store.length(), 0);
    assert.equal(await visit(servers[1]), "1");
    for (const server of servers) server.close();
  });
});

await run("connect-redis");
