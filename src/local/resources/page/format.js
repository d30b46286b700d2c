// Text and numbers for people. Everything that comes from outside enters the page as text, never as HTML.

const NUMBER = new Intl.NumberFormat('en');
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const $ = (id) => document.getElementById(id);

export const number = (value) => (value === null || value === undefined ? '–' : NUMBER.format(value));

/** Sets a text only if it changed, so that a selection in the page survives. */
export function text(element, value) {
  const shown = String(value);
  if (element.textContent !== shown) {
    element.textContent = shown;
  }
}

export function tone(element, value) {
  element.dataset.tone = value;
}

/** The beginning of a UUID, or all of another id. */
export const shortId = (id) => (UUID.test(id) ? id.slice(0, 8) : id);

/** A time span such as 45 s, 12 min or 3 d. */
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 3600)} h`;
  return s < 63072000 ? `${number(Math.round(s / 86400))} d` : `${number(Math.round(s / 31536000))} y`;
}

export const seconds = (millis) => (millis / 1000).toFixed(1);

/** An element with a class and a text. */
export function make(tag, className = '', content = '') {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = content;
  return element;
}
