// The list of campaigns, with commands for each and for all.

import { $, make, number, shortId, span, text, tone } from './format.js';
import { post } from './server.js';

const TONES = { live: 'good', paused: 'warn', waiting: 'quiet', ended: 'quiet', cancelled: 'bad', late: 'bad', missed: 'bad' };
const SENT = { pause: 'Pause sent', resume: 'Resume sent', stop: 'Stop sent' };
const HINTS = {
  pause: ' Clients stay pending until you resume.',
  stop: ' Newer promos are refused until you resume.',
};

export class Campaigns {
  over = false;
  text = '';
  #rows = new Map();
  #list = $('campaign-list');
  #changed;

  constructor(changed) {
    this.#changed = changed;
    $('show-active').addEventListener('click', () => this.#select(false));
    $('show-over').addEventListener('click', () => this.#select(true));
    let typing;
    $('filter').addEventListener('input', () => {
      clearTimeout(typing);
      typing = setTimeout(() => {
        this.text = $('filter').value;
        this.#changed();
      }, 250);
    });
    $('pause-all').addEventListener('click', () => send('pause', {}, 'everything'));
    $('resume-all').addEventListener('click', () => send('resume', {}, 'everything'));
    $('stop-all').addEventListener('click', confirmStop);
  }

  #select(over) {
    this.over = over;
    $('show-active').setAttribute('aria-pressed', String(!over));
    $('show-over').setAttribute('aria-pressed', String(over));
    this.#changed();
  }

  show(state) {
    text($('count-active'), number(state.campaigns_active));
    text($('count-over'), number(state.campaigns_over));
    // Rows keep their places under the pointer: nobody should pause the wrong campaign.
    const frozen = this.#list.matches(':hover') && this.#rows.size > 0;
    const shown = new Map();
    for (const campaign of state.campaigns) {
      const key = JSON.stringify([campaign.restaurant_id, campaign.adv_campaign_id]);
      const row = this.#rows.get(key) ?? (frozen ? null : new Row(key, campaign));
      row?.show(campaign, state.now / 1000);
      if (row) {
        shown.set(key, row);
      }
    }
    if (!frozen) {
      this.#rows = shown;
      this.#place([...shown.values()].map((row) => row.element));
    }
    $('campaigns-empty').hidden = this.#rows.size > 0;
    text(
      $('campaigns-empty'),
      this.text ? 'No campaign has this text or id.' : 'No campaigns here. A campaign appears when the job reports it.',
    );
  }

  #place(elements) {
    const same = elements.length === this.#list.children.length && elements.every((e, i) => e === this.#list.children[i]);
    if (!same) {
      this.#list.replaceChildren(...elements);
    }
  }
}

class Row {
  element = make('div', 'campaign');
  #text = make('p', 'text');
  #state = make('p', 'pill');
  #bar = make('i');
  #count = make('span', 'count');
  #time = make('span');
  #toggle = make('button');
  #stop = make('button', 'danger', 'Stop');
  #action = 'pause';

  constructor(key, { restaurant_id, adv_campaign_id }) {
    const id = { restaurant_id, adv_campaign_id };
    const name = make('div');
    const ids = make('p', 'ids mono', `${shortId(restaurant_id)} · ${shortId(adv_campaign_id)}`);
    ids.title = `Restaurant ${restaurant_id}\nCampaign ${adv_campaign_id}`;
    name.append(this.#text, ids);
    const progress = make('div', 'progress');
    const bar = make('div', 'bar');
    const detail = make('p', 'detail');
    bar.append(this.#bar);
    detail.append(this.#count, this.#time);
    progress.append(bar, detail);
    const state = make('div');
    state.append(this.#state);
    const actions = make('div', 'actions');
    actions.append(this.#toggle, this.#stop);
    this.#toggle.addEventListener('click', () => send(this.#action, id, shortId(adv_campaign_id)));
    this.#stop.addEventListener('click', () => send('stop', id, shortId(adv_campaign_id)));
    this.element.setAttribute('role', 'listitem');
    this.element.dataset.key = key;
    this.element.append(name, state, progress, actions);
  }

  show(campaign, now) {
    const { state, audience, delivered } = campaign;
    this.element.classList.toggle('own', campaign.own);
    this.element.dataset.state = state;
    text(this.#text, campaign.text || 'Campaign');
    this.#text.title = campaign.text;
    text(this.#state, state);
    tone(this.#state, TONES[state] ?? 'quiet');
    this.#bar.style.width = audience ? `${Math.min(100, (100 * delivered) / audience)}%` : '0';
    text(this.#count, `${number(delivered)} / ${number(audience)}`);
    this.#count.title = `Delivered, and clients who subscribe now; ${number(campaign.pending)} pending, ${number(campaign.held_out)} in the control group`;
    text(this.#time, time(campaign, now));
    this.#action = state === 'paused' ? 'resume' : 'pause';
    text(this.#toggle, state === 'paused' ? 'Resume' : 'Pause');
    const active = ['live', 'paused', 'waiting'].includes(state);
    this.#toggle.hidden = !active;
    this.#stop.hidden = !active;
  }
}

function time({ state, start, end }, now) {
  if (state === 'waiting' && start > now) return `starts in ${span(start - now)}`;
  if (state === 'live' || state === 'paused') return end < now ? 'ends now' : `${span(end - now)} left`;
  return end < now ? `ended ${span(now - end)} ago` : '';
}

async function send(action, id, name) {
  const message = $('campaigns-message');
  try {
    await post('command', { action, ...id });
    text(message, `${SENT[action]} for ${name}.${HINTS[action] ?? ''}`);
    tone(message, 'good');
  } catch (problem) {
    text(message, problem.message);
    tone(message, 'bad');
  }
}

/** A stopped campaign cannot go on, so stopping everything takes a second click. */
function confirmStop() {
  const button = $('stop-all');
  if (button.dataset.sure) {
    delete button.dataset.sure;
    text(button, 'Stop all');
    send('stop', {}, 'everything');
  } else {
    button.dataset.sure = 'asked';
    text(button, 'Really stop all?');
    setTimeout(() => {
      delete button.dataset.sure;
      text(button, 'Stop all');
    }, 4000);
  }
}
