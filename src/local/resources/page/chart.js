// The chart of deliveries per second.

import { number, text } from './format.js';

const SVG = 'http://www.w3.org/2000/svg';
const LEFT = 52;
const TOP = 8;
const BOTTOM = 20;
const NAMES = { taskmanager: 'TaskManager killed', postgres: 'Postgres restarted' };

/** The smallest of 1, 2, 5, 10, 20, 50 ... that is not less than a value. */
export function niceMaximum(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 10)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((nice) => nice >= value);
}

function svg(tag, attributes = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  return element;
}

export class Chart {
  #box;
  #svg = svg('svg', { role: 'img', 'aria-label': 'Deliveries per second in the last two minutes' });
  #state = null;
  #shownSecond = 0;

  constructor(box) {
    this.#box = box;
    box.append(this.#svg);
    new ResizeObserver(() => this.#draw()).observe(box);
  }

  show(state) {
    this.#state = state;
    const second = Math.floor(state.now / 1000);
    if (second !== this.#shownSecond) {
      this.#shownSecond = second;
      this.#draw();
    }
  }

  #draw() {
    const state = this.#state;
    if (!state) {
      return;
    }
    const { clientWidth: width, clientHeight: height } = this.#box;
    const one = state.notifications_per_second;
    const two = state.rows_per_second;
    const maximum = niceMaximum(Math.max(...one, ...two));
    const x = (i) => LEFT + ((width - LEFT) * i) / (one.length - 1);
    const y = (value) => TOP + (height - TOP - BOTTOM) * (1 - value / maximum);
    const line = (rates) => rates.map((rate, i) => `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${y(rate).toFixed(1)}`).join('');
    this.#svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.#svg.replaceChildren(
      ...this.#grid(width, height, maximum, y),
      svg('path', { class: 'area', d: `${line(one)}L${x(one.length - 1)} ${y(0)}L${LEFT} ${y(0)}Z` }),
      svg('path', { class: 'one', d: line(one) }),
      svg('path', { class: 'two', d: line(two) }),
      ...this.#faults(state, one.length, width, height, x),
    );
  }

  #grid(width, height, maximum, y) {
    const parts = [];
    for (const value of [0, maximum / 2, maximum]) {
      parts.push(svg('line', { class: 'grid', x1: LEFT, x2: width, y1: y(value), y2: y(value) }));
      parts.push(label(number(value), { x: LEFT - 8, y: y(value) + 4, 'text-anchor': 'end' }));
    }
    parts.push(label('2 min ago', { x: LEFT, y: height - 4 }));
    parts.push(label('1 min', { x: LEFT + (width - LEFT) / 2, y: height - 4, 'text-anchor': 'middle' }));
    parts.push(label('now', { x: width, y: height - 4, 'text-anchor': 'end' }));
    return parts;
  }

  #faults(state, length, width, height, x) {
    return state.faults
      .map((fault) => ({ ...fault, x: x(length - (state.now - fault.at) / 1000) }))
      .filter((fault) => fault.x >= LEFT)
      .flatMap((fault, i) => {
        const right = fault.x > width - 130;
        return [
          svg('line', { class: 'fault', x1: fault.x, x2: fault.x, y1: TOP, y2: height - BOTTOM }),
          label(NAMES[fault.kind], {
            class: 'fault-text',
            x: fault.x + (right ? -5 : 5),
            // Labels of faults that followed each other quickly would overlap.
            y: TOP + 10 + 13 * (i % 3),
            'text-anchor': right ? 'end' : 'start',
          }),
        ];
      });
  }
}

function label(content, attributes) {
  const element = svg('text', attributes);
  text(element, content);
  return element;
}
