// The form for a promo.

import { $, number, text, tone } from './format.js';
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

function showPreview({ verdict, audience, sample }) {
  say(`${verdict} Audience: ${number(audience)}.`, 'quiet');
  $('promo-sample').hidden = !sample;
  text($('promo-sample'), sample ? pretty(sample) : '');
}

function pretty(sample) {
  try {
    return JSON.stringify(JSON.parse(sample), null, 1);
  } catch {
    return sample;
  }
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
