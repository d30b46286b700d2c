// The picture of the flow.

import { $, number, seconds, text, tone } from './format.js';

const put = (id, value) => text($(id), number(value));

export function showFlow(state) {
  const rate = (rates) => rates[rates.length - 1];
  put('notifications', state.notifications);
  put('notifications-rate', rate(state.notifications_per_second));
  put('rows', state.rows);
  put('rows-rate', rate(state.rows_per_second));
  $('flow').classList.toggle('flows', rate(state.notifications_per_second) + rate(state.rows_per_second) > 0);
  if (state.flow) {
    showJob(state.flow);
  }
}

function showJob(flow) {
  put('promos-read', flow.promos_read);
  put('promos-rejected', flow.rejected);
  put('promos-late', flow.late);
  put('subscriptions', flow.subscriptions);
  put('restaurants', flow.restaurants);
  put('list-age', flow.list_age);
  put('campaigns-live', flow.live);
  put('campaigns-waiting', flow.waiting);
  const works = flow.state === 'RUNNING' && flow.tasks_running === flow.tasks;
  const doing = flow.checkpoint === 0 ? 'starting' : 'restarting';
  text($('job-state'), works ? 'running' : `${doing}, ${flow.tasks_running} of ${flow.tasks}`);
  $('job-state').title = `${flow.tasks_running} of ${flow.tasks} tasks run`;
  tone($('job-state'), works ? 'good' : 'warn');
  text(
    $('checkpoint'),
    flow.checkpoint === 0
      ? 'no checkpoint yet'
      : `checkpoint ${number(flow.checkpoint)}, ${seconds(flow.checkpoint_age_millis)} s ago`,
  );
  $('checkpoint').title = `It took ${number(flow.checkpoint_millis)} ms. The sinks write what a checkpoint holds when it is complete.`;
}
