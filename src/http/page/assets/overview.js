// The sentence on top of the page, what needs attention, and the ledger of totals.

import { by, make, write } from './dom.js';
import { bytes, count, microseconds, plural, rate, seconds } from './format.js';

/** The ledger's groups: a title and lines of a name and a figure. `src/http/page/render.rs` has the same groups. */
const LEDGER = [
  ['Messages', [
    ['published', (o) => count(o.pubsub.published)],
    ['delivered', (o) => count(o.pubsub.delivered)],
    ['dropped', (o) => count(o.pubsub.dropped)],
    ['dropped bytes', (o) => bytes(o.pubsub.dropped_bytes)],
    ['to nobody', (o) => count(o.pubsub.unreceived)],
  ]],
  ['Pub/sub', [
    ['channels', (o) => count(o.pubsub.channels)],
    ['patterns', (o) => count(o.pubsub.patterns)],
    ['sharded channels', (o) => count(o.pubsub.shard_channels)],
    ['subscribed clients', (o) => count(o.clients.subscribed)],
    ['in outboxes', (o) => bytes(o.memory.outbox_bytes)],
  ]],
  ['Clients', [
    ['connected', (o) => count(o.clients.connected)],
    ['limit', (o) => count(o.clients.max)],
    ['blocked', (o) => count(o.clients.blocked)],
    ['lagging', (o) => count(o.clients.lagging)],
  ]],
  ['Keys', [
    ['keys', (o) => count(o.keyspace.keys)],
    ['with an expiry', (o) => count(o.keyspace.expiring)],
    ['expired', (o) => count(o.keyspace.expired)],
    ['evicted', (o) => count(o.keyspace.evicted)],
    ['hits', ({ keyspace: { hits, misses } }) => (hits + misses ? `${(100 * hits / (hits + misses)).toFixed(1)} %` : '–')],
  ]],
  ['Memory', [
    ['used', (o) => bytes(o.memory.used_bytes)],
    ['resident', (o) => bytes(o.memory.resident_bytes)],
    ['limit', (o) => (o.memory.max_bytes ? bytes(o.memory.max_bytes) : 'none')],
  ]],
  ['Work', [
    ['commands', (o) => count(o.commands.processed)],
    ['read', (o) => bytes(o.network.input_bytes)],
    ['written', (o) => bytes(o.network.output_bytes)],
    ['processor time', (o) => seconds(o.cpu.user_seconds + o.cpu.system_seconds)],
    ['processor now', (_, history) => {
      const used = history.latest('cpu.user_seconds') + history.latest('cpu.system_seconds');
      return `${Math.round(used * 100)} %`;
    }],
  ]],
];

/** The last group, if there is an upstream. */
const UPSTREAM = ['Upstream', [
  ['address', (o) => o.upstream.address],
  ['connected', (o) => (o.upstream.up ? 'yes' : 'no')],
  ['round trip', (o) => microseconds(o.upstream.round_trip_us)],
  ['lost', (o) => count(o.upstream.losses)],
  ['time without it', (o) => seconds(o.upstream.gap_seconds)],
  ['failed publishes', (o) => count(o.upstream.publish_failures)],
]];

let cells = [];
/** Whether the cells have the upstream's group. */
let isEdge = null;

function ledger(overview, history) {
  // The server may have been started again with an upstream, or without.
  if (isEdge !== Boolean(overview.upstream)) {
    isEdge = Boolean(overview.upstream);
    const groups = isEdge ? [...LEDGER, UPSTREAM] : LEDGER;
    cells = [];
    by('ledger').replaceChildren(...groups.map(([title, lines]) => make('div', 'ledger-group', [
      make('h3', '', title),
      make('dl', '', lines.map(([name, figure]) => {
        const value = document.createElement('dd');
        cells.push([value, figure]);
        return make('div', '', [make('dt', '', name), value]);
      })),
    ])));
  }
  for (const [cell, figure] of cells) write(cell, figure(overview, history));
}

/** What an operator should look at: a list of [kind, text]. */
function concerns({ server, clients, memory, upstream }, history) {
  const found = [];
  const dropped = history.growth('pubsub.dropped', 60);
  const unreceived = history.latest('pubsub.unreceived');
  if (server.state === 'draining') found.push(['wait', 'The server is shutting down: it drains its clients and takes no new ones.']);
  if (upstream && !upstream.up) found.push(['loss', `The upstream ${upstream.address} is not connected${upstream.last_loss && `: ${upstream.last_loss}`}. Nothing can be published.`]);
  if (dropped > 0) found.push(['loss', `${plural(dropped, 'message was', 'messages were')} dropped in the last minute, because a subscriber was too slow.`]);
  if (clients.lagging > 0) found.push(['wait', `${plural(clients.lagging, 'client lags', 'clients lag')} behind: ${bytes(memory.outbox_bytes)} wait in outboxes.`]);
  if (memory.max_bytes && memory.used_bytes > 0.9 * memory.max_bytes) found.push(['wait', `Memory is ${Math.round(100 * memory.used_bytes / memory.max_bytes)} % full.`]);
  if (clients.connected > 0.9 * clients.max) found.push(['wait', `${count(clients.connected)} of ${count(clients.max)} connections are taken.`]);
  if (unreceived >= 0.5) found.push(['note', `${rate(unreceived)} messages a second are published to nobody.`]);
  if (!found.some(([kind]) => kind !== 'note')) found.unshift(['good', 'Nothing lags and nothing is dropped.']);
  return found;
}

export function show(overview, history) {
  const published = history.latest('pubsub.published');
  const delivered = history.latest('pubsub.delivered');
  let headline = 'Nothing is published right now.';
  if (published === null) headline = 'Measuring…';
  else if (published > 0) headline = `${rate(published)} messages a second in, ${rate(delivered)} out to subscribers.`;
  write(by('headline'), headline);

  const list = by('attention');
  const items = concerns(overview, history);
  while (list.children.length > items.length) list.lastChild.remove();
  items.forEach(([kind, text], at) => {
    const line = list.children[at] ?? list.appendChild(document.createElement('li'));
    line.className = kind;
    write(line, text);
  });

  ledger(overview, history);
  const { server } = overview;
  write(by('identity-server'), `${server.version} on port ${server.tcp_port}`);
  write(by('identity-uptime'), `up ${seconds(server.uptime_seconds)}`);
  document.title = published > 0 ? `${rate(published)}/s · fanfare` : 'fanfare';
}
