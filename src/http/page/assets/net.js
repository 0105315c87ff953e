// Requests to the server that this page came from. Addresses are relative, so that the page also works below a path of a
// proxy.

/** What went wrong: `status` is the HTTP status, 0 if there was no answer at all. */
export class Failure extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  /** Whether it stands until somebody changes the request or the user's rights. */
  get isFinal() {
    return this.status >= 400 && this.status < 500;
  }
}

async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(10_000), ...options });
  } catch (error) {
    throw new Failure(0, error.name === 'TimeoutError' ? 'no answer within 10 s' : 'no connection');
  }
  let body;
  try {
    body = await response.json();
  } catch {
    throw new Failure(response.ok ? 0 : response.status, `an answer that is not JSON, with status ${response.status}`);
  }
  if (!response.ok) throw new Failure(response.status, body.error ?? `status ${response.status}`);
  return body;
}

export function get(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  return answer(`api/${path}${query && `?${query}`}`);
}

export function publish(channel, payload) {
  return answer(`publish/${encodeURIComponent(channel)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: payload,
  });
}

export function tailAddress(pattern) {
  return `psubscribe/${encodeURIComponent(pattern)}?format=json&overflow=drop-oldest`;
}

/** Why an event stream was refused. EventSource doesn't tell, so this asks again and hangs up. */
export async function refusal(path) {
  const hangUp = new AbortController();
  try {
    const response = await fetch(path, { cache: 'no-store', signal: hangUp.signal });
    if (response.ok) return null;
    return new Failure(response.status, (await response.json()).error);
  } catch {
    return new Failure(0, 'no connection');
  } finally {
    hangUp.abort();
  }
}

/** A failure in words, for somebody who wanted to `act`, for example "see the clients". */
export function explain(failure, act) {
  if (failure.status === 401) return `Log in to ${act}: ${failure.message}`;
  if (failure.status === 403) return `You may not ${act}: ${failure.message}`;
  if (failure.status === 0) return `The server doesn’t answer: ${failure.message}.`;
  return `The server refused: ${failure.message}`;
}
