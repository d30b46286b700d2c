import { Campaigns } from './campaigns.js';
import { Chart } from './chart.js';
import { Client } from './client.js';
import { showComparison, wireFaults } from './faults.js';
import { showFlow } from './flow.js';
import { $, number, text, tone } from './format.js';
import { wirePromoForm } from './promo.js';
import { restaurants, Stream } from './server.js';

const chart = new Chart($('chart'));
const campaigns = new Campaigns(showSelection);
const client = new Client(showSelection);
const stream = new Stream({
  open() {
    client.clear();
  },
  lost() {
    text($('connection'), 'not connected');
    tone($('connection'), 'bad');
  },
  state(state) {
    text($('connection'), 'live');
    tone($('connection'), 'good');
    showFlow(state);
    chart.show(state);
    showComparison(state);
    campaigns.show(state);
  },
  notification(arrival) {
    client.show(arrival);
  },
});

/** Both the client and the campaigns that a person selects are part of the stream's address. */
function showSelection() {
  stream.show({ client: client.id, over: campaigns.over, text: campaigns.text });
}

/** Offers the restaurants, once the list has some. */
async function offerRestaurants() {
  const known = await restaurants();
  if (known.length === 0) {
    setTimeout(offerRestaurants, 2000);
    return;
  }
  $('restaurants-known').replaceChildren(
    ...known.map(({ id, subscribers }) => {
      const option = document.createElement('option');
      option.value = id;
      option.label = `${number(subscribers)} subscribers`;
      return option;
    }),
  );
  for (const field of document.querySelectorAll('input[name=restaurant_id]')) {
    field.value ||= known[Math.min(3, known.length - 1)].id;
  }
}

wirePromoForm();
wireFaults();
showSelection();
offerRestaurants();
