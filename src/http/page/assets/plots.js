// The plots of the rates: eight small ones with one time axis. Pointing at one shows the figures of that moment in all.
/* global uPlot */

import { by, make, write } from './dom.js';
import { bytes, clock, count, rate } from './format.js';

const perSecond = (value) => `${rate(value)}/s`;
const bytesPerSecond = (value) => `${bytes(value)}/s`;

/** Every plot: a title, how its figures are written, and its lines. The first line's figure is the large one. */
const PLOTS = [
  { title: 'Published', format: perSecond, lines: [['pubsub.published', 'flow', '']] },
  { title: 'Delivered', format: perSecond, lines: [['pubsub.delivered', 'flow', '']] },
  { title: 'Dropped', format: perSecond, lines: [['pubsub.dropped', 'loss', '']] },
  { title: 'Commands', format: perSecond, lines: [['commands.processed', 'flow', '']] },
  { title: 'Clients', format: count, lines: [['clients.connected', 'flow', ''], ['clients.lagging', 'wait', 'lagging']] },
  { title: 'Memory', format: bytes, binary: true, lines: [['memory.used_bytes', 'flow', ''], ['memory.resident_bytes', 'other', 'resident']] },
  { title: 'Outboxes', format: bytes, binary: true, lines: [['memory.outbox_bytes', 'wait', '']] },
  { title: 'Network out', format: bytesPerSecond, binary: true, lines: [['network.output_bytes', 'flow', ''], ['network.input_bytes', 'other', 'in']] },
];

const RATES = ['pubsub.', 'commands.', 'network.'];

/** What the history has to keep for the plots, and for the sentence on top of the page. */
export const SERIES = [...PLOTS.flatMap(({ lines }) => lines.map(([path]) => path)), 'pubsub.unreceived', 'cpu.user_seconds', 'cpu.system_seconds']
  .map((path) => ({ path, rate: RATES.some((group) => path.startsWith(group)) || path.startsWith('cpu.') }));

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

class Plot {
  constructor(spec, owner) {
    this.spec = spec;
    this.owner = owner;
    this.value = make('span', 'plot-value');
    this.rest = make('span', 'plot-rest');
    this.canvas = make('div', 'plot-canvas');
    this.canvas.setAttribute('role', 'img');
    this.element = make('div', 'plot', [make('h3', '', spec.title), this.value, this.rest, this.canvas]);
  }

  /** Draws it anew: for the first time, or in other colours. */
  build() {
    this.chart?.destroy();
    const size = this.size();
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: colour('muted'), font, ticks: { show: false } };
    this.chart = new uPlot({
      ...size,
      legend: { show: false },
      cursor: { y: false, sync: { key: 'fanfare' }, drag: { x: false, y: false }, points: { size: 6 } },
      padding: [8, 16, 0, 0],
      scales: {
        x: { time: true, range: () => this.owner.range() },
        y: { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] },
      },
      axes: [
        { ...axis, grid: { show: false }, size: 22, gap: 6, space: 70, values: (_, ticks) => ticks.map((tick) => clock(tick * 1000).slice(-8, -3)), incrs: [60, 120, 300, 600] },
        { ...axis, size: 52, gap: 6, space: 22, grid: { stroke: colour('line'), width: 1 }, values: (_, ticks) => ticks.map((tick) => (this.spec.binary ? bytes(tick) : count(tick)).replace(/\.0 /, ' ')), ...(this.spec.binary ? { incrs: BINARY } : { incrs: WHOLE }) },
      ],
      series: [{}, ...this.spec.lines.map(([, name], at) => ({
        stroke: colour(name), width: at === 0 ? 1.5 : 1.25, fill: at === 0 ? colour(`${name}-fill`) : undefined, points: { show: false }, spanGaps: false,
      }))],
      hooks: { setCursor: [(chart) => this.owner.point(chart.cursor.idx ?? null)] },
    }, this.data(), this.canvas);
  }

  size() {
    return { width: Math.max(120, this.canvas.clientWidth), height: Math.max(60, this.canvas.clientHeight) };
  }

  data() {
    const { history } = this.owner;
    return [history.times, ...this.spec.lines.map(([path]) => history.column(path))];
  }

  /** Writes the figures of a sample: the latest, or the one that is pointed at. */
  label(at) {
    const { lines, format, title } = this.spec;
    const { history } = this.owner;
    const values = lines.map(([path]) => history.column(path).at(at) ?? null);
    const written = values.map((value) => (value === null ? '–' : format(value)));
    write(this.value, written[0]);
    const most = format(history.largest(lines[0][0], this.owner.span));
    write(this.rest, lines[1] ? `${written[1]} ${lines[1][2]}` : `peak ${most}`);
    if (at === -1) this.canvas.setAttribute('aria-label', `${title}: ${written[0]} now, at most ${most} in the time shown`);
  }
}

const WHOLE = [1, 2, 5, ...Array.from({ length: 12 }, (_, power) => [10, 20, 25, 50].map((step) => step * 10 ** power)).flat()];
const BINARY = Array.from({ length: 50 }, (_, power) => 2 ** power);

export class Plots {
  constructor(history) {
    this.history = history;
    this.span = 300;
    this.at = -1;
    this.plots = PLOTS.map((spec) => new Plot(spec, this));
    by('plots').append(...this.plots.map(({ element }) => element));
    this.plots.forEach((plot) => plot.build());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.plots.forEach((plot) => plot.build()));
    new ResizeObserver(() => this.plots.forEach((plot) => plot.chart.setSize(plot.size()))).observe(by('plots'));
  }

  range() {
    const { times } = this.history;
    const end = times.at(-1) ?? Date.now() / 1000;
    // A young history is stretched, but never a few seconds over the whole width.
    return [Math.max(end - this.span, Math.min(times[0] ?? end, end - 60)), end];
  }

  /** Shows the figures of one sample in all plots. */
  point(at) {
    this.at = at ?? -1;
    this.plots.forEach((plot) => plot.label(this.at));
    by('plots').classList.toggle('pointed', this.at !== -1);
  }

  show(span = this.span) {
    this.span = span;
    this.plots.forEach((plot) => plot.chart.setData(plot.data()));
    this.plots.forEach((plot) => plot.label(this.at));
  }
}
