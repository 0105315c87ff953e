// The page's tables: where their rows come from, and their columns.

import { by, write } from './dom.js';
import { bytes, clock, count, microseconds, plural, rate, seconds, text } from './format.js';
import * as net from './net.js';
import { Table } from './table.js';

/** Rows of a table that is not told how many there are. */
const ROWS = 50;
const counted = (rows) => (rows.length < ROWS ? count(rows.length) : `${ROWS}+`);

const client = (item) => (text(item.name) ? `${text(item.name)} #${item.id}` : `#${item.id}`);
const number = (cell) => ({ cell, className: 'n' });
const minor = (cell, className = '') => ({ cell, className: `${className} minor` });

/** The share of the largest: what the bar behind a figure shows. */
function share(figure) {
  let largest = 1;
  const bar = (item) => figure(item) / largest;
  bar.scale = (items) => { largest = Math.max(1, ...items.map(figure)); };
  return bar;
}

/** In and out rates of queues: the difference of two answers, by key. */
class QueueRates {
  constructor() {
    this.before = new Map();
  }

  /** Adds `in` and `out` to queues that were there before; null the first time. */
  add(queues) {
    const now = performance.now() / 1000;
    const next = new Map();
    const measured = queues.map((queue) => {
      const key = queueKey(queue);
      const old = this.before.get(key);
      next.set(key, { ...queue, at: now });
      const since = old && queue.pushed >= old.pushed && queue.popped >= old.popped ? now - old.at : 0;
      return { ...queue, in: since ? (queue.pushed - old.pushed) / since : null, out: since ? (queue.popped - old.popped) / since : null };
    });
    this.before = next;
    return measured;
  }
}

const queueKey = (queue) => `${queue.db} ${text(queue.key)}`;
const orDash = (format) => (value) => (value === null || value === undefined ? '–' : format(value));

/** The tables. `ask` is called with the name of a channel when somebody wants to know its receivers. */
export function tables(ask) {
  const value = (id) => by(id).value;
  const bars = { messages: share((one) => one.messages), bytes: share((one) => one.bytes), receivers: share((one) => one.receivers), length: share((one) => one.length), waiting: share((one) => one.waiting_bytes) };
  const queueRates = new QueueRates();
  let window = 10;
  return [
    {
      name: 'channels',
      act: 'see the channels',
      load: () => net.get('channels', { by: value('channels-by'), window: value('channels-window'), limit: ROWS }),
      rows: (answer) => { window = answer.window_seconds; return answer.channels; },
      note: (answer) => {
        if (!answer.enabled) return 'The server doesn’t count them: a setting turns it off.';
        return answer.channels.length ? '' : 'Nothing was published in this time.';
      },
      bars: [bars.messages],
      key: (one) => text(one.channel),
      columns: [
        { cell: (one) => text(one.channel), className: 'name', action: (one) => ask(text(one.channel)) },
        { ...number((one) => count(one.messages)), bar: bars.messages },
        number((one) => rate(one.messages / window)),
        number((one) => bytes(one.bytes)),
        number((one) => count(one.receivers)),
      ],
    },
    {
      name: 'queues',
      act: 'see the queues',
      load: () => net.get('queues', { limit: ROWS }),
      rows: (answer) => queueRates.add(answer.queues),
      note: (answer) => (answer.queues.length ? '' : 'No list has elements, and nobody waits for one.'),
      badge: (answer) => counted(answer.queues),
      bars: [bars.length],
      key: queueKey,
      columns: [
        { cell: (one) => text(one.key), className: 'name' },
        minor((one) => String(one.db), 'n'),
        { ...number((one) => count(one.length)), bar: bars.length },
        number((one) => orDash(rate)(one.in)),
        number((one) => orDash(rate)(one.out)),
        number((one) => plural(one.waiting_clients, 'client', 'clients')),
        number((one) => orDash(seconds)(one.oldest_seconds)),
      ],
    },
    {
      name: 'clients',
      act: 'see the clients',
      load: () => net.get('clients', { sort: value('clients-sort'), limit: 100 }),
      rows: (answer) => answer.clients,
      note: (answer) => (answer.total > answer.clients.length ? `The first ${count(answer.clients.length)} of ${count(answer.total)}.` : ''),
      badge: (answer) => count(answer.total),
      bars: [bars.waiting],
      key: (one) => one.id,
      columns: [
        { cell: client, className: 'name' },
        { cell: (one) => one.addr, className: 'mono' },
        minor((one) => text(one.user)),
        { ...number((one) => bytes(one.waiting_bytes)), bar: bars.waiting, warn: (one) => one.waiting_bytes > 0 },
        { ...number((one) => count(one.dropped)), warn: (one) => one.dropped > 0 },
        number((one) => count(one.channels + one.shard_channels)),
        number((one) => count(one.patterns)),
        number((one) => seconds(one.age_seconds)),
        number((one) => seconds(one.idle_seconds)),
        { cell: (one) => `${text(one.last_command)}${one.blocked ? ' (blocked)' : ''}`, className: 'mono' },
        minor((one) => text(one.library) || '–'),
      ],
    },
    {
      name: 'closed',
      act: 'see closed clients',
      load: () => net.get('closed', { limit: 100 }),
      rows: (answer) => answer.clients,
      note: (answer) => (answer.clients.length ? '' : 'None yet.'),
      key: (one) => one.id,
      columns: [
        { cell: client, className: 'name' },
        { cell: (one) => one.reason.replaceAll('-', ' ') },
        number((one) => `${seconds(one.closed_seconds_ago)} ago`),
        number((one) => seconds(one.age_seconds)),
        { cell: (one) => one.addr, className: 'mono' },
        minor((one) => text(one.user)),
      ],
    },
    {
      name: 'groups',
      act: 'see stream groups',
      load: () => net.get('groups', { limit: ROWS }),
      rows: (answer) => answer.groups,
      note: (answer) => (answer.groups.length ? '' : 'No stream has a group.'),
      badge: (answer) => counted(answer.groups),
      key: (one) => `${queueKey(one)} ${text(one.group)}`,
      columns: [
        { cell: (one) => text(one.key), className: 'name' },
        { cell: (one) => text(one.group), className: 'name' },
        minor((one) => String(one.db), 'n'),
        number((one) => count(one.consumers)),
        number((one) => count(one.pending)),
        number((one) => orDash(count)(one.lag)),
      ],
    },
    {
      name: 'slowlog',
      act: 'see the slow log',
      load: () => net.get('slowlog', { limit: ROWS }),
      rows: (answer) => answer.entries,
      note: (answer) => (answer.entries.length ? '' : 'No command was slow.'),
      badge: (answer) => counted(answer.entries),
      key: (one) => one.id,
      columns: [
        number((one) => microseconds(one.duration_us)),
        { cell: (one) => one.args.map(text).join(' '), className: 'name' },
        { cell: (one) => (text(one.name) ? `${text(one.name)} ${one.addr}` : one.addr) },
        { cell: (one) => clock(one.time_unix * 1000) },
      ],
    },
  ].map((spec) => new Part(spec));
}

/** A table with its note, its badge in the navigation, and what the server says if it may not be seen. */
class Part {
  constructor(spec) {
    this.spec = spec;
    const element = document.querySelector(`[data-table="${spec.name}"]`);
    this.section = by(spec.name);
    this.table = new Table(element, spec.columns, spec.key);
    this.note = document.querySelector(`[data-note="${spec.name}"]`);
    this.badge = document.querySelector(`[data-badge="${spec.name}"]`);
  }

  /** Asks the server and shows the answer, or a refusal in its place; returns whether it was refused for good. Throws if there is no answer. */
  async refresh() {
    const { spec } = this;
    let answer;
    try {
      answer = await spec.load();
    } catch (failure) {
      if (failure.status === 0) throw failure;
      this.say(net.explain(failure, spec.act), true);
      this.table.clear();
      if (this.badge) write(this.badge, '');
      return failure.isFinal;
    }
    const rows = spec.rows(answer);
    spec.bars?.forEach((bar) => bar.scale(rows));
    this.table.show(rows);
    this.say(spec.note(answer), false);
    this.section.classList.toggle('none', rows.length === 0);
    if (this.badge && spec.badge) write(this.badge, spec.badge(answer));
    return false;
  }

  say(message, refused) {
    write(this.note, message);
    this.note.classList.toggle('refused', refused);
    if (refused) this.section.classList.add('none');
  }
}
