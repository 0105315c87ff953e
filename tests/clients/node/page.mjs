// The page at / of the HTTP port, in Debian's Chromium: what it shows and does, by mouse and by keyboard, in light and dark,
// without JavaScript, without rights, and while the server is away. Redis has no such page, so the checks start servers of
// their own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { createClient } from "redis";
import { check, run, unique, waitUntil } from "./harness.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts a server, and resolves to its process and the two ports. */
async function startServer({ http = "auto", options = [] } = {}) {
  const child = spawn(process.env.CHECK_BINARY, ["--port", "0", "--http-port", String(http), ...options], { stdio: ["ignore", "pipe", "ignore"] });
  const ports = {};
  for await (const line of createInterface(child.stdout)) {
    const [, kind, port] = line.match(/^ready (tcp|http) .*:(\d+)$/) ?? [];
    if (kind) ports[kind] = Number(port);
    if (ports.tcp && ports.http) break;
  }
  child.stdout.resume();
  assert.ok(ports.tcp && ports.http, "the server says both of its ports");
  return { child, ...ports, url: `http://127.0.0.1:${ports.http}/` };
}

async function stopServer(server) {
  if (server.child.exitCode === null && server.child.signalCode === null) {
    server.child.kill("SIGKILL");
    await once(server.child, "exit");
  }
}

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const plain = await startServer();

/**
 * Opens the page and runs `body` with it. Afterwards nothing may have failed in the page, and nothing been asked of another
 * host. `expected` says which of the console's errors are part of the check.
 */
async function withPage(body, { server = plain, expected = /^$/, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  const client = createClient({ socket: { host: "127.0.0.1", port: server.tcp, reconnectStrategy: false }, ...options.redis });
  client.on("error", () => {});
  const troubles = [];
  try {
    await client.connect();
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !expected.test(message.text())) troubles.push(message.text());
    });
    page.on("pageerror", (error) => troubles.push(error.stack));
    page.on("request", (request) => {
      if (!request.url().startsWith(server.url)) troubles.push(`a request to ${request.url()}`);
    });
    await page.goto(server.url);
    await body(page, client);
    assert.deepEqual(troubles, []);
  } finally {
    client.destroy();
    await context.close();
  }
}

const text = (page, selector) => page.textContent(selector);
const rowOf = (page, table, key) => page.locator(`[data-table="${table}"] tbody tr`, { hasText: key });

/** The figure of a plot, without its unit. */
async function figure(page, title) {
  const plot = page.locator(".plot", { has: page.getByRole("heading", { name: title, exact: true }) });
  return (await plot.locator(".plot-value").textContent()).trim();
}

check("figures move under load, and plots are drawn", async () => {
  await withPage(async (page, client) => {
    const channel = unique("page");
    await waitUntil(async () => (await figure(page, "Published")) === "0/s", "the first rate");
    assert.equal(await text(page, "#headline"), "Nothing is published right now.");
    const subscriber = client.duplicate();
    await subscriber.connect();
    await subscriber.subscribe(channel, () => {});
    const seen = new Set();
    await waitUntil(async () => {
      for (let at = 0; at < 20; at += 1) await client.publish(channel, "load");
      seen.add(await figure(page, "Published"));
      return seen.size > 3;
    }, "rates that change");
    assert.match(await text(page, "#headline"), /messages a second in, .* out to subscribers\.$/);
    assert.match(await page.title(), /\/s · fanfare$/);
    await page.locator("#channels").scrollIntoViewIfNeeded();
    await waitUntil(async () => (await rowOf(page, "channels", channel).count()) === 1, "the channel among the busiest");
    assert.equal(await page.locator(".plot canvas").count(), 8);
    await waitUntil(() => page.evaluate(() => {
      // Something but the axes: a plot has more than two colours.
      const canvas = document.querySelector(".plot canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const colours = new Set();
      for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) colours.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
      return colours.size > 2;
    }), "a line in the plot");
    subscriber.destroy();
  });
});

check("clients, closed clients, queues, groups and the slow log are listed", async () => {
  await withPage(async (page, client) => {
    const key = unique("queue");
    const stream = unique("stream");
    const name = `${unique("name")}<b>`.replace(/\s/g, "");
    await client.sendCommand(["CLIENT", "SETNAME", name]);
    await client.lPush(key, ["a", "b", "c"]);
    await client.xGroupCreate(stream, "mail", "0", { MKSTREAM: true });
    await client.sendCommand(["CONFIG", "SET", "slowlog-log-slower-than", "0"]);
    await client.sendCommand(["ECHO", key]);
    await client.sendCommand(["CONFIG", "SET", "slowlog-log-slower-than", "-1"]);
    const gone = client.duplicate();
    await gone.connect();
    const goneId = await gone.sendCommand(["CLIENT", "ID"]);
    gone.destroy();
    for (const [table, row] of [["clients", name], ["queues", key], ["groups", stream], ["slowlog", `ECHO ${key}`], ["closed", `#${goneId}`]]) {
      await page.locator(`#${table}`).scrollIntoViewIfNeeded();
      await waitUntil(async () => (await rowOf(page, table, row).count()) >= 1, `${row} in ${table}`);
    }
    assert.equal(await rowOf(page, "queues", key).locator("td").nth(1).textContent(), "3");
    assert.equal(await page.locator("main b").count(), 0);
    await client.del([key, stream]);
  });
});

check("the live tail shows messages, pauses, goes on and clears", async () => {
  await withPage(async (page, client) => {
    const channel = unique("tail");
    const rows = page.locator("#tail-rows li");
    await page.fill("#tail-pattern", `${channel}*`);
    await page.click("#tail-toggle");
    const publish = (payload) => client.publish(channel, payload);
    await waitUntil(async () => (await publish("<i>first</i>")) === 1, "the page's subscription");
    await waitUntil(async () => (await rows.count()) === 1, "the message");
    assert.equal(await rows.first().locator(".payload").textContent(), "<i>first</i>");
    assert.equal(await rows.first().locator(".channel").textContent(), channel);
    await publish("line one\nline two");
    await publish(Buffer.from([0x80, 0]));
    await waitUntil(async () => (await rows.count()) === 3, "all of them");
    assert.deepEqual(await rows.locator(".payload").allTextContents(), ["base64:gAA=", "line one\nline two", "<i>first</i>"]);
    assert.deepEqual(await rows.locator(".size").allTextContents(), ["2 B", "17 B", "12 B"]);

    await page.click("#tail-pause");
    await publish("not shown");
    await waitUntil(async () => / 1 not shown\.$/.test(await text(page, "#tail-count")), "the paused message's count");
    assert.equal(await rows.count(), 3);
    await page.click("#tail-pause");
    await publish("shown");
    await waitUntil(async () => (await rows.first().locator(".payload").textContent()) === "shown", "the next message");
    assert.equal(await rows.count(), 4);

    await page.click("#tail-clear");
    assert.equal(await rows.count(), 0);
    for (let at = 0; at < 450; at += 1) publish(`message ${at}`);
    await waitUntil(async () => (await rows.count()) > 0 && (await rows.first().locator(".payload").textContent()) === "message 449", "the newest message");
    assert.equal(await rows.count(), 200);

    await page.click("#tail-toggle");
    await waitUntil(async () => (await publish("nobody")) === 0, "the end of the subscription");
    assert.equal(await text(page, "#tail-status"), "Stopped.");
    assert.match(await text(page, "#tail-count"), /^450 messages, /);
  });
});

check("a message is published, and its receivers are listed", async () => {
  await withPage(async (page, client) => {
    const channel = unique("a/b ä");
    const subscriber = client.duplicate();
    await subscriber.connect();
    const got = [];
    await subscriber.sendCommand(["CLIENT", "SETNAME", "listener"]);
    await subscriber.subscribe(channel, (message) => got.push(message));
    await subscriber.pSubscribe(`${channel.slice(0, 5)}*`, () => {});
    await page.fill("#receivers-channel", channel);
    await page.click("#receivers-form button");
    await waitUntil(async () => (await text(page, "#receivers-status")) === "2 receivers.", "the receivers");
    const rows = await page.locator("#receivers-table tbody tr").allTextContents();
    assert.equal(rows.length, 2);
    assert.ok(rows.every((row) => row.startsWith("listener #")), rows.join());
    await page.fill("#publish-channel", channel);
    await page.fill("#publish-payload", "two\nlines ü");
    await page.click("#publish-form button");
    await waitUntil(async () => (await text(page, "#publish-status")) === "Published to 2 receivers.", "the count");
    await waitUntil(() => got.length === 1, "the message");
    assert.deepEqual(got, ["two\nlines ü"]);
    await page.fill("#publish-channel", unique("nobody"));
    await page.focus("#publish-payload");
    await page.keyboard.press("Control+Enter");
    await waitUntil(async () => (await text(page, "#publish-status")) === "Published, and nobody was subscribed.", "the other count");
    subscriber.destroy();
  });
});

check("everything is reached by keyboard, and the focus is seen", async () => {
  await withPage(async (page) => {
    await waitUntil(async () => (await text(page, "#link-text")) === "Live", "the figures");
    const ids = [];
    for (let at = 0; at < 80; at += 1) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const element = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return { id: element.id || element.className || element.tagName, seen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2, body: element === document.body };
      });
      if (focused.body) break;
      assert.ok(focused.seen, `the focus on ${focused.id}`);
      ids.push(focused.id);
    }
    assert.equal(ids[0], "skip");
    const order = ["span", "hold", "tail-pattern", "tail-toggle", "tail-wrap", "publish-channel", "publish-payload", "receivers-channel", "channels-by", "channels-window", "clients-sort"];
    assert.deepEqual(ids.filter((id) => order.includes(id)), order);
    await page.evaluate(() => document.activeElement.blur());
    await page.focus(".skip");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  });
});

check("figures can be paused", async () => {
  await withPage(async (page, client) => {
    await waitUntil(async () => (await text(page, "#link-text")) === "Live", "the figures");
    await page.focus("#hold");
    await page.keyboard.press("Enter");
    await waitUntil(async () => (await text(page, "#link-text")) === "Paused", "the pause");
    const before = await text(page, "#ledger");
    const commands = async () => (await client.info("stats")).match(/total_commands_processed:(\d+)/)[1];
    const at = Number(await commands());
    // The page goes on asking, so that its history has no hole.
    await waitUntil(async () => Number(await commands()) > at + 5, "more commands");
    assert.equal(await text(page, "#ledger"), before);
    await page.keyboard.press("Enter");
    await waitUntil(async () => (await text(page, "#ledger")) !== before, "new figures");
  });
});

check("axe finds nothing wrong", ["light", "dark"], async (colorScheme) => {
  for (const width of [1280, 390]) {
    await withPage(async (page, client) => {
      const channel = unique("axe");
      await page.fill("#tail-pattern", channel);
      await page.click("#tail-toggle");
      await waitUntil(async () => (await client.publish(channel, "hello")) > 0, "the page's subscription");
      await page.fill("#receivers-channel", channel);
      await page.click("#receivers-form button");
      await waitUntil(async () => (await page.locator("#receivers-table tbody tr").count()) === 1, "the receivers");
      await waitUntil(async () => (await page.locator("#tail-rows li").count()) > 0, "a message");
      // Its parts are put into the page by the debugger, not by a script of the page.
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      const found = violations.map(({ id, impact, nodes }) => `${impact}: ${id}: ${nodes.map(({ html }) => html).join(" ").slice(0, 300)}`);
      assert.deepEqual(found, []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is wider than the window");
    }, { colorScheme, viewport: { width, height: 844 }, bypassCSP: true });
  }
});

check("without JavaScript there are tables", async () => {
  const name = unique("plain");
  const key = `${unique("queue")}<script>alert(1)</script>`;
  const client = createClient({ socket: { host: "127.0.0.1", port: plain.tcp } });
  await client.connect();
  await client.sendCommand(["CLIENT", "SETNAME", name]);
  await client.lPush(key, ["a", "b"]);
  await withPage(async (page) => {
    assert.match(await text(page, "#headline"), /^Clients: [1-9]/);
    assert.equal(await rowOf(page, "clients", name).count(), 1);
    assert.equal(await rowOf(page, "queues", key).locator("td").nth(1).textContent(), "2");
    assert.equal(await page.locator("#publish-form").isVisible(), false);
    assert.equal(await page.locator(".plots").isVisible(), false);
    await page.getByRole("link", { name: "Load them again" }).click();
    assert.equal(await page.locator("#ledger dt").count(), 28);
  }, { javaScriptEnabled: false });
  await client.del(key);
  client.destroy();
});

check("a user sees what is permitted, and is told what is not", async () => {
  const server = await startServer({ options: ["--requirepass", "sesame"] });
  try {
    const admin = createClient({ url: `redis://:sesame@127.0.0.1:${server.tcp}` });
    await admin.connect();
    await admin.sendCommand(["ACL", "SETUSER", "dashboard", "on", ">secret", "resetchannels", "&open*", "-@all", "+info", "+psubscribe", "+client|overflow"]);
    admin.destroy();
    const refused = await fetch(server.url);
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get("www-authenticate"), /^Basic /);
    await withPage(async (page) => {
      await waitUntil(async () => (await text(page, "#link-text")) === "Live", "the figures");
      await page.locator("#clients").scrollIntoViewIfNeeded();
      await waitUntil(async () => (await text(page, '[data-note="clients"]')).startsWith("You may not see the clients: NOPERM"), "the refusal of the clients");
      await page.fill("#publish-channel", "open");
      await page.click("#publish-form button");
      await waitUntil(async () => (await text(page, "#publish-status")).startsWith("You may not publish here: NOPERM"), "the refusal of the message");
      await page.click("#tail-toggle");
      await waitUntil(async () => (await text(page, "#tail-status")).startsWith("You may not listen to *: NOPERM"), "the refusal of the pattern");
      await page.fill("#tail-pattern", "open*");
      await page.click("#tail-toggle");
      await waitUntil(async () => (await text(page, "#tail-status")) === "Listening to open*.", "the permitted pattern");
    }, { server, expected: /403/, httpCredentials: { username: "dashboard", password: "secret" }, redis: { password: "sesame" } });
  } finally {
    await stopServer(server);
  }
});

check("a server that is away is told, and found again", async () => {
  let server = await startServer();
  try {
    await withPage(async (page, client) => {
      const channel = unique("away");
      await page.fill("#tail-pattern", channel);
      await page.click("#tail-toggle");
      await waitUntil(async () => (await client.publish(channel, "before")) === 1, "the page's subscription");
      await stopServer(server);
      await waitUntil(async () => (await text(page, "#headline")).startsWith("No answer since "), "the outage");
      assert.equal(await page.title(), "No answer · fanfare");
      await waitUntil(async () => (await text(page, "#tail-status")).startsWith("The stream ended."), "the end of the stream");
      server = await startServer({ http: server.http });
      await page.click("#retry").catch(() => {});
      await waitUntil(async () => (await text(page, "#link-text")) === "Live", "the new server");
      const again = createClient({ socket: { host: "127.0.0.1", port: server.tcp } });
      await again.connect();
      await waitUntil(async () => (await again.publish(channel, "after")) === 1, "the page's new subscription");
      await waitUntil(async () => (await page.locator("#tail-rows .payload").first().textContent()) === "after", "the message");
      again.destroy();
    }, { server, expected: /ERR_/ });
  } finally {
    await stopServer(server);
  }
});

process.on("exit", () => plain.child.kill("SIGKILL"));
await run("page");
