// Numbers, times and names as text. All of the page's figures go through these.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** 12,431 below a million; then 1.24 M. */
export function count(value) {
  if (value < 1e6) return whole.format(value);
  const [unit, name] = value < 1e9 ? [1e6, 'M'] : [1e9, 'G'];
  return `${(value / unit).toPrecision(3)} ${name}`;
}

/** A rate a second: one decimal where it is small enough to matter. */
export function rate(value) {
  return value > 0 && value < 10 ? tenth.format(value) : count(Math.round(value));
}

/** Bytes in powers of 1024. */
export function bytes(value) {
  if (value < 1024) return `${Math.round(value)} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = -1;
  do { value /= 1024; unit += 1; } while (value >= 1023.5 && unit < units.length - 1);
  return `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A duration in its two largest units: 4d 3h, 12m 5s, 3.2 s. */
export function seconds(value) {
  if (value < 10) return `${tenth.format(Math.max(0, value))} s`;
  const all = Math.floor(value);
  if (all < 60) return `${all} s`;
  if (all < 3600) return `${Math.floor(all / 60)}m ${all % 60}s`;
  if (all < 86400) return `${Math.floor(all / 3600)}h ${Math.floor(all / 60) % 60}m`;
  return `${Math.floor(all / 86400)}d ${Math.floor(all / 3600) % 24}h`;
}

export function microseconds(value) {
  if (value < 1000) return `${value} µs`;
  return value < 1e6 ? `${tenth.format(value / 1000)} ms` : seconds(value / 1e6);
}

/** The time of day, and the date unless it is today. */
export function clock(milliseconds) {
  const date = new Date(milliseconds);
  const two = (number) => String(number).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === new Date().toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/** The time of day to a thousandth. */
export function instant(milliseconds) {
  return `${new Date(milliseconds).toTimeString().slice(0, 8)}.${String(Math.floor(milliseconds) % 1000).padStart(3, '0')}`;
}

/** A name or payload: text, or bytes that are not UTF-8 and come as base64. */
export function text(value) {
  return typeof value === 'string' ? value : `base64:${value?.base64 ?? ''}`;
}

export function plural(number, one, many) {
  return `${count(number)} ${number === 1 ? one : many}`;
}
