// The form for a promo.

import { $, number, span, text, tone } from './format.js';
import { post } from './server.js';

const NUMBERS = ['starts_in', 'lasts'];

function values() {
  const form = Object.fromEntries(new FormData($('promo-form')));
  for (const name of NUMBERS) {
    form[name] = Number(form[name]);
  }
  return form;
}

function say(message, kind) {
  text($('promo-message'), message);
  tone($('promo-message'), kind);
}

async function act(action, shown) {
  const form = $('promo-form');
  if (!form.reportValidity()) {
    return;
  }
  $('promo-sample').hidden = true;
  try {
    shown(await post(action, values()));
  } catch (problem) {
    say(problem.message, 'bad');
  }
}

function showPreview(preview) {
  if (!preview.accepted) {
    say(`The job would reject it: ${preview.reject_detail} (${preview.reject_reason}).`, 'bad');
    return;
  }
  say(verdict(preview), 'quiet');
  text($('promo-sample'), JSON.stringify(preview.sample_notification, null, 1));
  $('promo-sample').hidden = false;
}

function verdict({ state, audience, held_out: heldOut, notifications, largest_bytes: bytes, delivery_begins: begins }) {
  if (audience === 0) {
    return 'The restaurant has no subscribers. Clients who subscribe while the promo is live get it, like this:';
  }
  const wait = begins - Date.now() / 1000;
  const when = state === 'waiting' ? `in ${span(wait)}` : 'at once';
  const control = heldOut > 0 ? `, ${number(heldOut)} are in the control group` : '';
  return `${number(notifications)} clients get it ${when}${control}. One of the notifications, of at most ${number(bytes)} bytes:`;
}

export function wirePromoForm() {
  $('preview-promo').addEventListener('click', () => act('preview', showPreview));
  $('promo-form').addEventListener('submit', (event) => {
    event.preventDefault();
    act('publish', ({ adv_campaign_id: id }) => {
      say(`Published as ${id}. It appears first in the list of campaigns.`, 'good');
      $('promo-message').dataset.campaign = id;
    });
  });
}
