/*
 * The icons, drawn with one pen: 24 units, round ends, the text's colour. Decoration only: words are always beside them or
 * in the button's label.
 */
import { html } from '../ui.js';

const paths = {
  send: 'M5 12h13M12 5l7 7-7 7',
  down: 'M12 5v14M6 13l6 6 6-6',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  clock: 'M12 7v5l3 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18',
  alert: 'M12 8v5M12 16.5v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18',
  back: 'M15 5l-7 7 7 7',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  system: 'M4 5h16v11H4zM9 20h6M12 16v4',
  bell: 'M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15zM10 21.5h4',
  mute: 'M6 17V11a6 6 0 0 1 9.5-4.9M18 12.5V17l1.5 2h-15M10 21.5h4M4 4l16 16',
  exit: 'M14 4h5v16h-5M4 12h10M10 8l4 4-4 4',
  keys: 'M3.5 7h17v10h-17zM7 10.5v.01M10.5 10.5v.01M14 10.5v.01M17.5 10.5v.01M8.5 14h7',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13M15.5 15.5L20 20',
  close: 'M6 6l12 12M18 6L6 18',
  hand: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M8 12.5l2.8 2.8L16 9.5',
  block: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M5.7 5.7l12.6 12.6',
  release: 'M4 12h11M9 7l-5 5 5 5M20 5v14',
};

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${paths[name]} /></svg>`;
}

/* The mark: a speech bubble whose tail is a tick. */
export function Mark() {
  return html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path class="mark-body" d="M7 4h18a4 4 0 0 1 4 4v12a4 4 0 0 1-4 4H15l-7 5v-5H7a4 4 0 0 1-4-4V8a4 4 0 0 1 4-4z" />
    <path class="mark-sign" d="M10.5 10v4.5a5.5 5.5 0 0 0 11 0V10" />
  </svg>`;
}
