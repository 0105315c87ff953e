// The page of a fanfare server: asks for its figures and shows them. docs/page.md says what it shows.
//
//   main      when to ask; what to say when there is no answer
//   net       requests            history   the recent past of the figures
//   plots, overview, tables, tail, forms    one part of the page each
//   table, dom, format                      what they share

import { by, write } from './dom.js';
import { clock } from './format.js';
import { publishForm, receiversForm } from './forms.js';
import { History } from './history.js';
import * as net from './net.js';
import * as overview from './overview.js';
import { Plots, SERIES } from './plots.js';
import { Repeat } from './repeat.js';
import { tables } from './tables.js';
import { Tail } from './tail.js';

const OVERVIEW_MS = 1_000;
const TABLES_MS = 2_000;
/** A refusal stands until somebody changes the user's rights, and each is written to the ACL log. */
const REFUSED_MS = 60_000;
const BACKOFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

for (const element of document.querySelectorAll('[data-script]')) element.hidden = false;
for (const element of document.querySelectorAll('[data-script-text]')) element.textContent = element.dataset.scriptText;

const history = new History(SERIES);
const plots = new Plots(history);
new Tail();
publishForm();
const parts = tables(receiversForm());

let held = false;
let failures = 0;
let countdown = 0;

/** Says whether the server answers. */
function linkState(state, word) {
  by('link-state').dataset.state = state;
  write(by('link-text'), word);
  const answers = state !== 'gone';
  document.body.classList.toggle('stale', !answers);
  by('attention').hidden = !answers;
  by('retry-line').hidden = answers;
  if (answers) write(by('outage'), '');
}

const figures = new Repeat(async () => {
  clearInterval(countdown);
  try {
    const answer = await net.get('overview');
    history.add(answer);
    failures = 0;
    linkState(held ? 'held' : 'live', held ? 'Paused' : 'Live');
    if (!held) {
      overview.show(answer, history);
      plots.show();
    }
    return OVERVIEW_MS;
  } catch (failure) {
    if (!(failure instanceof net.Failure)) throw failure;
    return trouble(failure);
  }
});

/** Shows that there are no figures and why, and returns how long to wait before the next try. */
function trouble(failure) {
  const gone = failure.status === 0;
  const wait = failure.isFinal ? REFUSED_MS : BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)];
  linkState('gone', gone ? 'No answer' : 'Refused');
  if (failures === 0) {
    write(by('headline'), gone ? `No answer since ${clock(Date.now())}.` : 'No figures for you.');
    document.title = `${gone ? 'No answer' : 'Refused'} · fanfare`;
  }
  write(by('outage'), net.explain(failure, 'see the figures') + (gone ? ' The figures below are the last that came.' : ''));
  failures += 1;
  const until = performance.now() + wait;
  const count = () => write(by('countdown'), `The page tries again in ${Math.max(1, Math.ceil((until - performance.now()) / 1000))} s.`);
  count();
  countdown = setInterval(count, 1000);
  return wait;
}

/** The sections that are on the screen or close to it. Only their tables are asked for. */
const visible = new Set();
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) visible.add(target);
    else visible.delete(target);
  }
}, { rootMargin: '200px' });

for (const part of parts) {
  let first = true;
  const repeat = new Repeat(async () => {
    if (failures > 0 || document.hidden || !(first || (visible.has(part.section) && !held))) return TABLES_MS;
    const begun = performance.now();
    try {
      const refused = await part.refresh();
      first = false;
      if (refused) return REFUSED_MS;
      // What takes the server long is asked for less often.
      return Math.max(TABLES_MS, 20 * (performance.now() - begun));
    } catch (failure) {
      // The request for the figures finds out too that the server is gone, and says so.
      if (!(failure instanceof net.Failure)) throw failure;
    }
    return TABLES_MS;
  });
  watcher.observe(part.section);
  for (const choice of part.section.querySelectorAll('select')) {
    choice.addEventListener('change', () => { first = true; repeat.now(); });
  }
  repeat.now();
}

by('span').addEventListener('change', (event) => plots.show(Number(event.target.value)));
by('hold').addEventListener('click', () => {
  held = !held;
  by('hold').setAttribute('aria-pressed', String(held));
  write(by('hold'), held ? 'Go on' : 'Pause figures');
  figures.now();
});
by('retry').addEventListener('click', () => figures.now());
figures.now();
