/*
 * The open chats: waiting, mine, others. A player has the name that he was given, or has given himself, and others may have the
 * same: so it never stands without the id, which is proven.
 */
import { html, useEffect, useState } from '../../shared/ui.js';
import { duration, timeOfDay } from '../../shared/time.js';
import { initials } from '../../shared/text.js';
import { Icon } from '../../shared/views/icons.js';
import { listMax } from '../queue.js';

const titles = { waiting: 'Waiting', mine: 'Mine', others: 'Others' };
const nothing = {
  waiting: 'Nobody is waiting.',
  mine: 'Chats that you claim are here.',
  others: 'Chats of your colleagues are here.',
};

export function Queue({ desk, lists, state }) {
  const now = useClock(desk);
  return html`<nav class="queue" aria-label="Chats">
    <div class="filter">
      <${Icon} name="search" />
      <input id="filter" type="search" placeholder="Filter chats" aria-label="Filter chats" value=${state.filter}
        onInput=${(event) => desk.setFilter(event.currentTarget.value)} />
    </div>
    <div class="queue-lists">
      ${Object.keys(titles).map((name) => html`<section key=${name} class="queue-section" data-section=${name} aria-label=${titles[name]}>
        <h2>${titles[name]}<span class="count">${lists[name].length}</span></h2>
        ${lists[name].length === 0
          ? html`<p class="queue-empty">${!state.queue.loaded ? 'Loading…' : state.filter ? 'No match.' : nothing[name]}</p>`
          : html`<ul>${lists[name].map((row) => html`<${Item} key=${row.requestId} row=${row} now=${now} desk=${desk}
              fresh=${Boolean(state.queue.fresh[row.requestId])} selected=${state.selected === row.playerId} />`)}</ul>`}
      </section>`)}
      ${state.queue.more && html`<p class="queue-empty">Only the ${listMax} most urgent chats are shown.</p>`}
    </div>
  </nav>`;
}

function Item({ row, now, desk, fresh, selected }) {
  const name = row.playerName || row.playerId;
  const waited = row.waitingSince ? (now - Date.parse(row.waitingSince)) / 1000 : null;
  return html`<li>
    <button type="button" class=${fresh ? 'item fresh' : 'item'} aria-current=${selected ? 'true' : undefined} data-player=${row.playerId}
      onClick=${() => desk.select(row.playerId)}>
      <span class="avatar" aria-hidden="true">${initials(name)}</span>
      <span class="item-top">
        <span class="item-name"><bdi>${name}</bdi></span>
        ${name !== row.playerId && html`<span class="item-id"><span class="visually-hidden">player </span><bdi>${row.playerId}</bdi></span>`}
        ${fresh && html`<span class="tag new">NEW CHAT</span>`}
        ${waited !== null
          ? html`<span class="wait" data-long=${waited > 300} title="Waiting time"><span class="visually-hidden">waiting </span>${duration(waited)}</span>`
          : html`<span class="wait" title="Last message">${row.lastMessageAt && timeOfDay(Date.parse(row.lastMessageAt))}</span>`}
      </span>
      <span class="item-bottom">
        <span class="item-text">${row.lastMessageSender === 'staff' && html`<span class="item-by">${row.assignedTo === desk.me ? 'You' : 'Staff'}: </span>`}<bdi>${row.lastMessage}</bdi></span>
        <${Urgency} urgency=${row.urgency} />
        ${row.unread > 0 && html`<span class="unread">${row.unread > 99 ? '99+' : row.unread}<span class="visually-hidden"> unread</span></span>`}
      </span>
      ${row.status === 'in_progress' && row.assignedTo !== desk.me && html`<span class="item-owner">with <bdi>${row.assignedTo ?? 'someone'}</bdi></span>`}
    </button>
  </li>`;
}

export function Urgency({ urgency }) {
  if (urgency !== 'high' && urgency !== 'urgent' && urgency !== 'low') return null;
  return html`<span class="tag urgency" data-urgency=${urgency}>${urgency}</span>`;
}

/* The server's time, once a second while the page is in sight. */
function useClock(desk) {
  const [now, setNow] = useState(desk.now());
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && setNow(desk.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
