/*
 * The player's page: who answers, what was said, and the box to write in, which has the focus from the start.
 */
import { html, useEffect, useMemo, useState } from '../shared/ui.js';
import { useStore } from '../shared/store.js';
import { draftKey } from '../shared/draft.js';
import { timeline } from '../shared/timeline.js';
import { initials } from '../shared/text.js';
import { timeWithSeconds } from '../shared/time.js';
import { Composer } from '../shared/views/composer.js';
import { ConnectionBanner } from '../shared/views/connection.js';
import { Icon, Mark } from '../shared/views/icons.js';
import { Log } from '../shared/views/log.js';
import { you } from '../shared/views/message.js';
import { ThemeSwitch } from '../shared/views/menu.js';
import { createPlayerChat } from './chat.js';

export function PlayerPage({ api, base, session, resumed }) {
  const chat = useMemo(() => createPlayerChat({ api, base, session }), []);
  const { thread, connection } = useStore(chat.store);
  const { conversation, pending } = thread;
  const { request } = conversation;
  const answering = request?.status === 'in_progress' ? request.assignedTo : null;
  const rows = useMemo(() => timeline(conversation.messages, pending, 'player'), [conversation.messages, pending]);

  useEffect(() => chat.close, []);
  useEffect(() => {
    if (resumed > 0) chat.resume();
  }, [resumed]);
  useTitle(thread.unread);

  return html`<div class="player">
    <a class="skip" href="#composer">Skip to writing</a>
    <header class="player-head">
      ${answering ? html`<span class="avatar" aria-hidden="true">${initials(answering)}</span>` : html`<${Mark} />`}
      <div class="player-who">
        <h1>Support</h1>
        <${StateLine} conversation=${conversation} ready=${thread.sync.ready} waiting=${pending.length > 0} />
      </div>
      <span class="live-dot" data-state=${connection} title=${liveTitle(connection, thread.sync.syncedAt)}></span>
      <${ThemeSwitch} />
      ${session.demo && html`<${SignOut} api=${api} name=${session.name ?? session.sub} />`}
    </header>
    <${ConnectionBanner} connection=${connection} error=${thread.sync.error} syncedAt=${thread.sync.syncedAt} />
    <main class="player-main" id="main">
      <${Log} rows=${rows} label="Conversation with support" name=${authorName} divider=${requestLine}
        hasOlder=${conversation.hasOlder} loading=${thread.sync.loadingOlder} onOlder=${thread.sync.older} onRead=${thread.read}
        onRetry=${thread.retry} onDiscard=${thread.discard}
        start=${thread.sync.ready && html`<${Welcome} empty=${rows.length === 0} name=${session.name} />`}
        end=${request?.status === 'resolved' && pending.length === 0 && html`<${Resolved} />`} />
    </main>
    <footer class="player-foot" id="composer">
      <${Writer} thread=${thread} sub=${session.sub} open=${Boolean(request) && request.status !== 'resolved'} />
    </footer>
  </div>`;
}

/* How urgent it is matters once, when a request begins; so it is asked only then, and never required. */
function Writer({ thread, sub, open }) {
  const [urgency, setUrgency] = useState('normal');
  function send(text) {
    thread.send(text, open || urgency === 'normal' ? {} : { urgency });
    setUrgency('normal');
  }
  return html`<${Composer} label="Your message" placeholder="Write a message…" draftKey=${draftKey('player', sub, sub)} draftTime=${thread.conversation.erasedSeq} onSend=${send} focusKey="start">
    ${!open && html`<label class="urgency">Urgency
      <select value=${urgency} onChange=${(event) => setUrgency(event.currentTarget.value)}>
        <option value="low">Low</option><option value="normal">Normal</option>
        <option value="high">High</option><option value="urgent">Urgent</option>
      </select>
    </label>`}
  <//>`;
}

/* Where the request stands, in one line. */
function StateLine({ conversation, ready, waiting }) {
  const { request } = conversation;
  const status = !ready ? 'loading' : request && !(request.status === 'resolved' && waiting) ? request.status : waiting ? 'waiting' : 'none';
  return html`<p class="state" data-status=${status} role="status">${stateText(status, request?.assignedTo)}</p>`;
}

function stateText(status, staff) {
  switch (status) {
    case 'loading':
      return 'Loading…';
    case 'waiting':
      return 'Waiting for an answer';
    case 'in_progress':
      return staff ? html`<bdi>${staff}</bdi> is answering` : 'We are answering';
    case 'resolved':
      return 'Resolved';
    default:
      return 'Ask us anything';
  }
}

function Welcome({ empty, name }) {
  if (!empty) return html`<p class="log-note">The beginning of your conversation</p>`;
  return html`<div class="welcome">
    <h2>${name ? html`Hello, <bdi>${name}</bdi>` : 'Hello'}</h2>
    <p>Write what you need help with. The answer appears right here, and stays here.</p>
  </div>`;
}

function Resolved() {
  return html`<div class="resolved"><${Icon} name="hand" /><p><strong>Resolved.</strong> Is there more? Just write: a new request opens.</p></div>`;
}

function SignOut({ api, name }) {
  const signOut = () => api.signOut().finally(() => location.reload());
  return html`<button type="button" class="icon-button" onClick=${signOut} aria-label=${`Sign out ${name}`} title=${`Sign out ${name}`}><${Icon} name="exit" /></button>`;
}

function authorName(row) {
  if (row.mine) return you;
  return row.sender === 'staff' ? (row.senderId ?? 'Support') : 'unichat';
}

function requestLine(row) {
  return row.first ? null : 'New request';
}

function liveTitle(connection, syncedAt) {
  if (connection !== 'live') return 'Not connected';
  return syncedAt ? `Connected. Last synced ${timeWithSeconds(syncedAt)}` : 'Connected';
}

/* Answers that wait while the tab is in the background. */
function useTitle(unread) {
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Support` : 'Support';
  }, [unread]);
}
