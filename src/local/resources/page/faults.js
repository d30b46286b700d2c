// The comparison of both sinks, and the faults that put it to the test.

import { $, number, seconds, text, tone } from './format.js';
import { post } from './server.js';

const NAMES = { taskmanager: 'TaskManager killed', postgres: 'Postgres restarted' };

export function showComparison(state) {
  text($('lost'), number(state.lost));
  text($('double'), number(state.double));
  text($('under-way'), number(state.under_way));
  text($('refused'), number(state.refused));
  $('refusals').hidden = state.refused === 0;
  const clean = state.lost === 0 && state.double === 0;
  tone($('verdict'), clean ? (state.rows > 0 ? 'good' : 'quiet') : 'bad');
  const last = state.faults.at(-1);
  if (last) {
    showFault(last, state);
  }
}

function showFault(fault, state) {
  const goesOn = fault.took_millis === null;
  $('kill-taskmanager').disabled = goesOn;
  $('restart-postgres').disabled = goesOn;
  const message = $('fault-message');
  message.dataset.phase = goesOn ? 'during' : 'after';
  tone(message, goesOn ? 'quiet' : 'good');
  text(
    message,
    goesOn
      ? `${state.rows_readable ? NAMES[fault.kind] : 'Postgres stopped'} ${Math.round((state.now - fault.at) / 1000)} s ago. The job recovers ...`
      : `${NAMES[fault.kind]}. The job recovered in ${seconds(fault.took_millis)} s.`,
  );
}

export function wireFaults() {
  for (const fault of ['kill-taskmanager', 'restart-postgres']) {
    $(fault).addEventListener('click', async () => {
      try {
        await post(fault);
      } catch (problem) {
        text($('fault-message'), problem.message);
        tone($('fault-message'), 'bad');
      }
    });
  }
}
