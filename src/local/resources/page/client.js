// A client: subscriptions, and the notifications as they arrive.

import { $, make, shortId, text, tone } from './format.js';
import { post } from './server.js';

const SHOWN = 20;

export class Client {
  id = '';
  #form = $('client-form');
  #changed;

  constructor(changed) {
    this.#changed = changed;
    this.id = this.#form.client_id.value.trim();
    this.#form.client_id.addEventListener('change', () => this.#watch());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#act('subscribe', 'is subscribed. Its promos appear within seconds.');
    });
    $('unsubscribe').addEventListener('click', () => this.#act('unsubscribe', 'is not subscribed any more.'));
  }

  #watch() {
    this.id = this.#form.client_id.value.trim();
    this.#changed();
  }

  async #act(action, done) {
    if (!this.#form.reportValidity()) {
      return;
    }
    this.#watch();
    const message = $('client-message');
    try {
      await post(action, Object.fromEntries(new FormData(this.#form)));
      text(message, `${this.id} ${done}`);
      tone(message, 'good');
    } catch (problem) {
      text(message, problem.message);
      tone(message, 'bad');
    }
  }

  /** The stream was opened, and sends the last notifications of the client again. */
  clear() {
    $('feed').replaceChildren();
    $('feed-empty').hidden = false;
  }

  show(arrival) {
    const item = make('li', 'new');
    const time = new Date(arrival.arrived_at).toLocaleTimeString('en-GB');
    item.append(
      make('p', 'text', arrival.text),
      make('p', 'detail', `${time} from ${shortId(arrival.restaurant_id)}, campaign ${shortId(arrival.adv_campaign_id)}`),
    );
    item.dataset.campaign = arrival.adv_campaign_id;
    $('feed').prepend(item);
    while ($('feed').children.length > SHOWN) {
      $('feed').lastChild.remove();
    }
    $('feed-empty').hidden = true;
  }
}
