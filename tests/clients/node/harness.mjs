// What the Node checks share: a register of checks, their time limit, and waiting for a condition.
//
// A check is an async function that throws when the server did not do what it must. `run()` prints
// `ok NAME` or `FAIL NAME` with the stack for each, and last `ran N of N checks`, which run.sh insists
// on: a file that ends early is a failure, never a silent pass.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; use run.sh`);
  return value;
}

export const PORT = Number(setting("CHECK_PORT"));
export const AUTH_PORT = Number(setting("CHECK_AUTH_PORT"));
export const UNIX_SOCKET = setting("CHECK_UNIX_SOCKET");
export const PASSWORD = "sesame";
export const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

// Long enough for a busy CI machine; no check depends on how fast it is.
const CHECK_LIMIT_MS = 60_000;
const WAIT_LIMIT_MS = 30_000;

const checks = [];
let serial = 0;

/** Registers a check. With `variants`, once for each of them, which it gets as its argument. */
export function check(title, variants, body) {
  if (body === undefined) checks.push({ title, body: variants });
  else for (const variant of variants) checks.push({ title: `${title} [${variant}]`, body: () => body(variant) });
}

/** A name, of a channel or a key, that no other check and no other file uses. */
export function unique(name) {
  serial += 1;
  return `${name}:${process.pid}:${serial}`;
}

/** Polls `condition` until it is truthy and returns its value. */
export async function waitUntil(condition, what) {
  const deadline = Date.now() + WAIT_LIMIT_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${WAIT_LIMIT_MS} ms for ${what}`);
    await delay(10);
  }
}

/** A list that fills up from a callback: `push` is the listener, `take(n)` waits for the first `n` and returns them. */
export class Inbox {
  items = [];
  push = (...item) => this.items.push(item.length === 1 ? item[0] : item);

  async take(count) {
    await waitUntil(() => this.items.length >= count, `${count} messages; got ${this.items.length}`);
    return this.items.splice(0, count);
  }
}

/** Forks a program that lies beside this file. Resolves, when it has sent its first message, to the process and that. */
export async function startProcess(file, ...values) {
  const child = fork(new URL(file, import.meta.url), values);
  const exited = once(child, "exit").then(([code]) => { throw new Error(`${file} exited with ${code}`); });
  exited.catch(() => {});
  const [message] = await Promise.race([once(child, "message"), exited]);
  return [child, message];
}

/** Kills a process, and waits for its end. */
export async function kill(child) {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Runs every registered check and exits: 0 when all passed, else 1. */
export async function run(client) {
  let passed = 0;
  for (const { title, body } of checks) {
    const name = `${client}: ${title}`;
    let timer;
    const limit = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no end after ${CHECK_LIMIT_MS} ms`)), CHECK_LIMIT_MS);
    });
    try {
      await Promise.race([body(), limit]);
      console.log(`ok ${name}`);
      passed += 1;
    } catch (error) {
      console.log(`FAIL ${name}\n${error?.stack ?? error}`);
    } finally {
      clearTimeout(timer);
    }
  }
  console.log(`ran ${checks.length} of ${checks.length} checks`);
  process.exit(passed === checks.length ? 0 : 1);
}
