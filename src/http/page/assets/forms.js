// Two forms: publish a message, and ask who would receive one.

import { by, write } from './dom.js';
import { count, plural, text } from './format.js';
import * as net from './net.js';
import { Table } from './table.js';

/** Runs a form's work when it is submitted, and shows what it says or why it failed. */
function onSubmit(name, act, work) {
  const form = by(`${name}-form`);
  const status = by(`${name}-status`);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const submit = form.querySelector('[type="submit"]');
    if (submit.disabled) return;
    submit.disabled = true;
    status.classList.remove('refused');
    try {
      write(status, await work(new FormData(form)));
    } catch (failure) {
      if (!(failure instanceof net.Failure)) throw failure;
      write(status, net.explain(failure, act));
      status.classList.add('refused');
    } finally {
      submit.disabled = false;
    }
  });
  return form;
}

export function publishForm() {
  // A browser's form turns line ends into CR LF; what is published is what is in the field.
  const form = onSubmit('publish', 'publish here', async (data) => {
    const { receivers } = await net.publish(data.get('channel'), by('publish-payload').value);
    return receivers === 0 ? 'Published, and nobody was subscribed.' : `Published to ${plural(receivers, 'receiver', 'receivers')}.`;
  });
  by('publish-payload').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}

/** Returns a function that asks for a channel, as the form does. */
export function receiversForm() {
  const table = new Table(by('receivers-table'), [
    { cell: (one) => (text(one.name) ? `${text(one.name)} #${one.id}` : `#${one.id}`), className: 'name' },
    { cell: (one) => one.addr, className: 'mono' },
    { cell: (one) => (one.by === 'pattern' ? `pattern ${text(one.pattern)}` : one.by), className: 'name' },
  ], (one) => `${one.id} ${one.by} ${text(one.pattern ?? '')}`);
  const form = onSubmit('receivers', 'see the receivers', async (data) => {
    by('receivers-region').hidden = true;
    const answer = await net.get('receivers', { channel: data.get('channel') });
    table.show(answer.receivers);
    by('receivers-region').hidden = answer.receivers.length === 0;
    if (answer.total === 0) return 'Nobody.';
    const some = answer.receivers.length < answer.total ? `, ${count(answer.receivers.length)} of which are listed` : '';
    return `${plural(answer.total, 'receiver', 'receivers')}${some}.`;
  });
  return (channel) => {
    by('receivers-channel').value = channel;
    by('receivers').scrollIntoView({ block: 'nearest' });
    form.requestSubmit();
  };
}
