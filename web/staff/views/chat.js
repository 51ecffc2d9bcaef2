/*
 * The open chat: whose it is, what can be done with it, what was said, and the reply.
 */
import { html, useCallback, useMemo } from '../../shared/ui.js';
import { draftKey } from '../../shared/draft.js';
import { timeline } from '../../shared/timeline.js';
import { dayName, timeOfDay } from '../../shared/time.js';
import { initials } from '../../shared/text.js';
import { Composer } from '../../shared/views/composer.js';
import { Icon, Mark } from '../../shared/views/icons.js';
import { Log } from '../../shared/views/log.js';
import { you } from '../../shared/views/message.js';
import { Urgency } from './queue.js';

export function Chat({ desk, state, request, actions }) {
  if (state.selected === null) return html`<${NothingOpen} queue=${state.queue} actions=${actions} />`;
  const thread = desk.thread(state.selected);
  return html`<${OpenChat} key=${state.selected} desk=${desk} thread=${thread} request=${request} actions=${actions}
    history=${state.histories[state.selected] ?? noHistory} />`;
}

function OpenChat({ desk, thread, request, history, actions }) {
  const { conversation, pending } = thread;
  const name = conversation.playerName || request?.playerName || thread.playerId;
  const rows = useMemo(() => timeline(conversation.messages, pending, 'staff'), [conversation.messages, pending]);
  const author = useCallback((row) => authorName(row, name, desk.me), [name]);
  const divider = useCallback(({ requestId }) => requestLine(requestId, history), [history]);
  const standing = standingOf(request ?? conversation.request, desk.me);

  return html`<section class="chat" aria-label=${`Chat with ${name}`}>
    <header class="chat-head">
      <button type="button" class="icon-button back" onClick=${() => desk.select(null)} aria-label="Back to the chats"><${Icon} name="back" /></button>
      <span class="avatar" aria-hidden="true">${initials(name)}</span>
      <div class="chat-who">
        <h2><span class="chat-name"><bdi>${name}</bdi></span>${name !== thread.playerId && html` <span class="chat-id"><bdi>${thread.playerId}</bdi></span>`}</h2>
        <p class="chat-standing" data-standing=${standing.name} role="status">${standing.text}${conversation.blocked && ' · Blocked'}</p>
      </div>
      <${Urgency} urgency=${request?.urgency} />
      <${Actions} standing=${standing.name} blocked=${conversation.blocked} actions=${actions} onBlock=${() => desk.block(thread.playerId, !conversation.blocked)} />
    </header>
    <${Log} rows=${rows} label=${`Conversation with ${name}`} name=${author} divider=${divider}
      hasOlder=${conversation.hasOlder} loading=${thread.sync.loadingOlder} onOlder=${thread.sync.older}
      onRead=${() => desk.read(thread.playerId)} onRetry=${thread.retry} onDiscard=${thread.discard}
      start=${!thread.sync.ready && html`<p class="log-note">Loading…</p>`} />
    <footer class="chat-foot">
      <${Reply} standing=${standing} thread=${thread} name=${name} sub=${desk.me} />
    </footer>
  </section>`;
}

function Actions({ standing, blocked, actions, onBlock }) {
  const button = (label, action, icon, primary) => html`<button type="button" class=${primary ? 'button primary' : 'button'} onClick=${action}>
    <${Icon} name=${icon} />${label}</button>`;
  return html`<div class="chat-actions">
    ${standing === 'waiting' && button('Claim', actions.claim, 'hand', true)}
    ${(standing === 'mine' || standing === 'others') && button('Release', actions.release, 'release', false)}
    ${(standing === 'mine' || standing === 'waiting') && button('Resolve', actions.resolve, 'check', false)}
    <button type="button" class="icon-button" onClick=${onBlock} aria-pressed=${String(blocked)} aria-label="Block the player"
      title=${blocked ? 'Blocked: cannot write. Click to end it' : 'Block: the player cannot write'}><${Icon} name="block" /></button>
  </div>`;
}

const noHistory = [];

/* Only whom the chat belongs to, or nobody, can write in it; the others are told why not. The draft stays. */
function Reply({ standing, thread, name, sub }) {
  const writable = standing.name === 'mine' || standing.name === 'waiting';
  const placeholder = { mine: `Reply to ${name}…`, waiting: 'Reply, and the chat is yours…', others: standing.text, resolved: 'Resolved. The next message opens a new request.', none: '' };
  return html`<${Composer} label=${`Reply to ${name}`} placeholder=${placeholder[standing.name]} draftKey=${draftKey('staff', sub, thread.playerId)} draftTime=${thread.conversation.erasedSeq}
    onSend=${(text) => thread.send(text)} disabled=${!writable} focusKey=${writable ? thread.playerId : null} />`;
}

function NothingOpen({ queue, actions }) {
  const waiting = Object.values(queue.requests).filter((row) => row.status === 'waiting').length;
  if (waiting === 0) return html`<section class="chat nothing"><${Mark} /><p>Nobody is waiting. A new chat appears here at once.</p></section>`;
  return html`<section class="chat nothing">
    <${Mark} />
    <p><strong>${waiting === 1 ? 'One chat is waiting' : `${waiting} chats are waiting`}</strong></p>
    <button type="button" class="button primary" onClick=${actions.openWaiting}>Open the most urgent</button>
    <p class="hint">or press <kbd>Alt+N</kbd></p>
  </section>`;
}

/* How the chat stands for me: waiting, mine, others, resolved or none; and in words. */
function standingOf(request, me) {
  if (!request) return { name: 'none', text: 'No request yet' };
  const { status, assignedTo } = request;
  if (status === 'waiting') return { name: 'waiting', text: 'Waiting for an answer' };
  if (status === 'resolved') return { name: 'resolved', text: 'Resolved' };
  if (assignedTo === me) return { name: 'mine', text: 'Yours' };
  return { name: 'others', text: `${assignedTo ?? 'Someone'} has this chat` };
}

function authorName(row, player, me) {
  if (row.sender === 'player') return player;
  if (row.sender === 'system') return 'unichat';
  return row.mine && (row.senderId === me || row.senderId === null) ? you : (row.senderId ?? 'Staff');
}

function requestLine(requestId, history) {
  const request = history.find((row) => row.requestId === requestId);
  if (!request) return `Request ${requestId}`;
  const opened = Date.parse(request.createdAt);
  const parts = [`Request ${requestId}`, `${dayName(opened)} ${timeOfDay(opened)}`];
  if (request.status === 'resolved') parts.push(request.assignedTo ? `resolved by ${request.assignedTo}` : 'resolved');
  return parts.join(' · ');
}
