/*
 * Times as people read them, in the reader's own language and zone. Pure, but for the reader's settings.
 */

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const clockSeconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const fullTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const dayThisYear = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const dayOtherYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });

export const timeOfDay = (at) => clock.format(at);
export const timeWithSeconds = (at) => clockSeconds.format(at);
export const exactTime = (at) => fullTime.format(at);

export function dayName(at, now = Date.now()) {
  const date = new Date(at);
  const today = new Date(now);
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (date.toDateString() === today.toDateString()) return 'Today';
  if (date.toDateString() === yesterday.toDateString()) return 'Yesterday';
  return (date.getFullYear() === today.getFullYear() ? dayThisYear : dayOtherYear).format(date);
}

/* How long, in the two largest units: 42 s, 3 min, 1 h 5 min, 2 d 4 h. */
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return units(Math.floor(s / 3600), 'h', Math.floor((s % 3600) / 60), 'min');
  return units(Math.floor(s / 86400), 'd', Math.floor((s % 86400) / 3600), 'h');
}

function units(a, unitA, b, unitB) {
  return b === 0 ? `${a} ${unitA}` : `${a} ${unitA} ${b} ${unitB}`;
}
