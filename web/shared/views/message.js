/*
 * One message. It says in words who wrote and when, since where a bubble stands and what colour it has cannot be heard.
 */
import { Fragment, html } from '../ui.js';
import { exactTime, timeOfDay } from '../time.js';
import { withLinks } from '../text.js';
import { Icon } from './icons.js';

/* What the reader is called. On the reader's own side others may write too: the staff's colleagues. */
export const you = 'You';

/* author: its name for the reader; last: the newest of the reader's own, which alone says that it was sent. */
export function Message({ row, author, last, onRetry, onDiscard }) {
  const named = row.sender !== 'system' && author !== you;
  const side = row.sender === 'system' ? 'system' : row.mine ? 'mine' : 'theirs';
  const classes = ['message', side, row.state, row.mine && named && 'colleague', row.startsGroup && 'starts', row.endsGroup && 'ends'];
  return html`<li class=${classes.filter(Boolean).join(' ')} data-seq=${row.seq} data-state=${row.state}>
    ${row.startsGroup && named && html`<span class="author" aria-hidden="true"><bdi>${author}</bdi></span>`}
    <span class="visually-hidden"><bdi>${author}</bdi>: </span>
    <p class="bubble" dir="auto"><${Text} text=${row.text} /></p>
    <${Meta} row=${row} last=${last} onRetry=${onRetry} onDiscard=${onDiscard} />
  </li>`;
}

function Text({ text }) {
  return html`<${Fragment}>${withLinks(text).map((part) =>
    typeof part === 'string' ? part : html`<a href=${part.href} target="_blank" rel="noopener noreferrer nofollow">${part.href}</a>`,
  )}<//>`;
}

function Meta({ row, last, onRetry, onDiscard }) {
  if (row.state === 'failed')
    return html`<div class="meta failed" role="alert">
      <${Icon} name="alert" /><span>Not sent. ${row.error}</span>
      <button type="button" class="link" onClick=${() => onRetry(row.id)}>Retry</button>
      <button type="button" class="link quiet" onClick=${() => onDiscard(row.id)}>Discard</button>
    </div>`;
  if (row.state === 'sending')
    return html`<div class="meta"><${Icon} name="clock" /><span>${row.error ? `Sending… ${row.error}` : 'Sending…'}</span></div>`;
  const time = html`<time datetime=${new Date(row.at).toISOString()} title=${exactTime(row.at)}>${timeOfDay(row.at)}</time>`;
  const sent = row.mine && last && html`<${Icon} name="check" /><span>Sent</span>`;
  return html`<div class=${row.endsGroup ? 'meta' : 'meta visually-hidden'}>${time}${sent}</div>`;
}
