// The live tail: the newest messages of the channels that match a pattern.
//
// It is a server-sent event stream, so the server sees a subscriber, and drops the oldest messages if this page can't keep
// up. What is kept is bounded by rows and by bytes, and the document is changed at most four times a second.

import { by, make, write } from './dom.js';
import { bytes, count, instant, plural, rate, text } from './format.js';
import { explain, refusal, tailAddress } from './net.js';

const ROWS = 200;
const PAYLOAD_CHARACTERS = 2_000;
const NAME_CHARACTERS = 200;
/** From this size on, the server sends text as base64 too: 64 KiB. */
const LARGE_CHARACTERS = 4 * 65_536 / 3;
/** At most so much waits to be drawn; one message may be larger. */
const WAITING_CHARACTERS = 4_000_000;
const REDRAW_MS = 250;
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

export class Tail {
  constructor() {
    this.stream = null;
    this.paused = false;
    this.fresh = [];
    this.waiting = 0;
    this.seen = 0;
    this.missed = 0;
    this.skipped = 0;
    this.failures = 0;
    this.rateBase = { seen: 0, at: performance.now(), rate: 0 };
    this.rows = by('tail-rows');
    by('tail-form').addEventListener('submit', (event) => { event.preventDefault(); this.toggle(); });
    by('tail-pause').addEventListener('click', () => {
      this.pause(!this.paused);
      this.say(this.paused ? 'Paused.' : `Listening to ${this.pattern}.`);
    });
    by('tail-clear').addEventListener('click', () => this.clear());
    by('tail-wrap').addEventListener('change', (event) => this.rows.classList.toggle('wrap', event.target.checked));
    by('tail-pattern').addEventListener('input', () => this.label());
    // Otherwise a browser lets the stream live on while the page is kept for "Back".
    addEventListener('pagehide', () => this.stop());
  }

  /** One button: it listens, listens to another pattern if the field says another one, or stops. */
  toggle() {
    const pattern = by('tail-pattern').value;
    if (this.pattern === pattern && this.wanted) return this.stop();
    this.stop();
    this.wanted = true;
    this.pattern = pattern;
    this.pause(false);
    this.clear();
    this.failures = 0;
    this.open();
    this.clock = setInterval(() => requestAnimationFrame(() => this.draw()), REDRAW_MS);
  }

  open() {
    this.say(`Subscribing to ${this.pattern} …`);
    this.label();
    const stream = new EventSource(tailAddress(this.pattern));
    this.stream = stream;
    stream.addEventListener('subscribed', () => {
      this.failures = 0;
      this.say(this.paused ? 'Paused.' : `Listening to ${this.pattern}.`);
    });
    stream.addEventListener('message', (event) => this.take(event.data));
    stream.addEventListener('dropped', (event) => { this.missed += JSON.parse(event.data).messages; });
    // EventSource would connect again by itself, but never tells why it can't and doesn't back off.
    stream.addEventListener('error', () => { stream.close(); this.lost(stream); });
  }

  async lost(stream) {
    const failure = await refusal(tailAddress(this.pattern));
    // Meanwhile it may have been stopped, or listen to something else.
    if (this.stream !== stream) return;
    if (failure?.isFinal) {
      this.stop();
      return this.say(explain(failure, `listen to ${this.pattern}`), true);
    }
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    this.say(`The stream ended. Messages until the next one are missed. Connecting again in ${wait / 1000} s.`, true);
    this.retry = setTimeout(() => this.open(), wait);
  }

  stop() {
    if (!this.wanted) return;
    this.draw();
    this.wanted = false;
    this.stream?.close();
    this.stream = null;
    clearInterval(this.clock);
    clearTimeout(this.retry);
    this.label();
    this.say('Stopped.');
  }

  take(data) {
    this.seen += 1;
    if (this.paused) {
      this.skipped += 1;
      return;
    }
    this.fresh.push([Date.now(), data]);
    this.waiting += data.length;
    // A page in the background draws nothing: it keeps what it could show.
    while (this.fresh.length > ROWS || (this.waiting > WAITING_CHARACTERS && this.fresh.length > 1)) {
      this.waiting -= this.fresh.shift()[1].length;
    }
  }

  draw() {
    if (!this.wanted) return;
    const fresh = this.fresh.splice(0);
    this.waiting = 0;
    if (fresh.length) {
      this.rows.prepend(...fresh.reverse().map(([at, data]) => line(at, JSON.parse(data))));
      while (this.rows.children.length > ROWS) this.rows.lastChild.remove();
    }
    this.count();
  }

  /** The figures change all the time, so they are not announced to screen readers; what `say` says is. */
  count() {
    const now = performance.now();
    const since = (now - this.rateBase.at) / 1000;
    if (since > 1) this.rateBase = { seen: this.seen, at: now, rate: (this.seen - this.rateBase.seen) / since };
    let line = this.seen ? `${plural(this.seen, 'message', 'messages')}, ${rate(this.rateBase.rate)}/s.` : '';
    if (this.skipped) line += ` ${count(this.skipped)} not shown.`;
    if (this.missed) line += ` ${count(this.missed)} dropped, because this page didn’t keep up.`;
    write(by('tail-count'), line);
  }

  pause(paused) {
    this.paused = paused;
    by('tail-pause').setAttribute('aria-pressed', String(paused));
    write(by('tail-pause'), paused ? 'Go on' : 'Pause');
  }

  clear() {
    this.fresh = [];
    this.waiting = 0;
    this.rows.replaceChildren();
    this.seen = 0;
    this.missed = 0;
    this.skipped = 0;
    this.rateBase = { seen: 0, at: performance.now(), rate: 0 };
    this.count();
  }

  label() {
    const other = this.wanted && by('tail-pattern').value !== this.pattern;
    write(by('tail-toggle'), this.wanted && !other ? 'Stop' : 'Listen');
    by('tail-pause').disabled = !this.wanted;
    by('tail-clear').disabled = !this.wanted && !this.rows.children.length;
  }

  say(message, refused = false) {
    write(by('tail-status'), message);
    by('tail-status').classList.toggle('refused', refused);
  }
}

function line(at, { channel, payload }) {
  const size = typeof payload === 'string' ? new Blob([payload]).size : Math.floor(payload.base64.replace(/=+$/, '').length * 3 / 4);
  return make('li', '', [
    make('time', '', instant(at)), make('span', 'channel', cut(text(channel), NAME_CHARACTERS)), make('span', 'size', bytes(size)), make('span', 'payload', cut(start(payload), PAYLOAD_CHARACTERS)),
  ]);
}

/** A payload as it is shown. A large one comes as base64 even if it is text; then its start is decoded. */
function start(payload) {
  if (typeof payload === 'string' || payload.base64.length < LARGE_CHARACTERS) return text(payload);
  const octets = Uint8Array.from(atob(payload.base64.slice(0, 4 * PAYLOAD_CHARACTERS)), (letter) => letter.charCodeAt(0));
  try {
    // More follows, so the last letter may be incomplete.
    return `${new TextDecoder('utf-8', { fatal: true }).decode(octets, { stream: true })}…`;
  } catch {
    return text(payload);
  }
}

const cut = (whole, most) => (whole.length > most ? `${whole.slice(0, most)}…` : whole);
