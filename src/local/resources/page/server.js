// Requests to the local run.

/** Does something. Fails with the server's sentence about the problem. */
export async function post(action, values = {}) {
  let response;
  try {
    response = await fetch(`/api/${action}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(values),
    });
  } catch {
    throw new Error('The local run does not answer. Has it ended?');
  }
  const answer = await response.json();
  if (!response.ok) {
    throw new Error(answer.error);
  }
  return answer;
}

export async function restaurants() {
  const response = await fetch('/api/restaurants');
  return response.ok ? (await response.json()).restaurants : [];
}

/** The live stream. A change of what it shows opens it anew. */
export class Stream {
  #source = null;
  #url = '';
  #handlers;

  constructor(handlers) {
    this.#handlers = handlers;
  }

  show({ client, over, text }) {
    const query = new URLSearchParams({ client, show: over ? 'over' : 'active', text });
    const url = `/events?${query}`;
    if (url === this.#url) {
      return;
    }
    this.#url = url;
    this.#source?.close();
    const source = new EventSource(url);
    source.onopen = () => this.#handlers.open();
    source.onerror = () => this.#handlers.lost();
    source.addEventListener('state', (event) => this.#handlers.state(JSON.parse(event.data)));
    source.addEventListener('notification', (event) => this.#handlers.notification(JSON.parse(event.data)));
    this.#source = source;
  }
}
