// The recent past of the server's figures, kept in this page only. It is bounded: a sample a second for 15 minutes.
//
// The server's counters only grow, so a rate is the difference of two samples by the server's own clock. Where samples are
// missing, or the server was restarted, the history has a gap instead of a wrong line.

const LIMIT = 900;
const GAP_SECONDS = 5;

/** A figure of the overview by its path, for example `pubsub.published`. */
function pick(overview, path) {
  return path.split('.').reduce((part, key) => part[key], overview);
}

export class History {
  /** `series`: `{ path, rate }`, where `rate` says that the figure is a counter. */
  constructor(series) {
    this.series = series;
    this.times = [];
    this.columns = series.map(() => []);
    this.last = null;
  }

  add(overview) {
    const time = overview.server.time_unix_ms / 1000;
    const last = this.last;
    this.last = { time, overview };
    const restarted = last && last.overview.server.run_id !== overview.server.run_id;
    if (last && !restarted && time <= last.time) return;
    const gap = last && (restarted || time - last.time > GAP_SECONDS);
    if (gap) this.push((last.time + time) / 2, this.series.map(() => null));
    this.push(time, this.series.map(({ path, rate }) => {
      const value = pick(overview, path);
      if (!rate) return value;
      return last && !gap ? Math.max(0, value - pick(last.overview, path)) / (time - last.time) : null;
    }));
  }

  push(time, values) {
    this.times.push(time);
    this.columns.forEach((column, at) => column.push(values[at]));
    while (this.times.length > LIMIT) {
      this.times.shift();
      this.columns.forEach((column) => column.shift());
    }
  }

  column(path) {
    return this.columns[this.series.findIndex((one) => one.path === path)];
  }

  latest(path) {
    return this.column(path).at(-1) ?? null;
  }

  /** How much a counter grew in the last `seconds`, as far as they are known. */
  growth(path, seconds) {
    const column = this.column(path);
    let sum = 0;
    for (let at = this.times.length - 1; at > 0 && this.times[at] > this.times.at(-1) - seconds; at -= 1) {
      if (column[at] !== null) sum += column[at] * (this.times[at] - this.times[at - 1]);
    }
    return Math.round(sum);
  }

  largest(path, seconds) {
    const column = this.column(path);
    let most = 0;
    for (let at = this.times.length - 1; at >= 0 && this.times[at] > this.times.at(-1) - seconds; at -= 1) {
      most = Math.max(most, column[at] ?? 0);
    }
    return most;
  }
}
