/*
 * Beside the chat, where there is room: who the player is, and all of the player's requests.
 */
import { html } from '../../shared/ui.js';
import { dayName, duration, timeOfDay } from '../../shared/time.js';
import { Urgency } from './queue.js';

export function Details({ playerId, name, history }) {
  return html`<aside class="details" aria-label="About the player">
    <h2><bdi>${name}</bdi></h2>
    <dl><dt>Player</dt><dd><bdi>${playerId}</bdi></dd><dt>Requests</dt><dd>${history.length}</dd></dl>
    <h3>Requests</h3>
    <ol>${history.map((request) => html`<li key=${request.requestId}><${Summary} request=${request} /></li>`)}</ol>
  </aside>`;
}

function Summary({ request }) {
  const created = Date.parse(request.createdAt);
  const facts = [];
  if (request.firstResponseAt) facts.push(`answered in ${duration((Date.parse(request.firstResponseAt) - created) / 1000)}`);
  if (request.resolvedAt) facts.push(`resolved in ${duration((Date.parse(request.resolvedAt) - created) / 1000)}`);
  if (request.assignedTo) facts.push(`by ${request.assignedTo}`);
  return html`<p class="request-line"><span class="status" data-status=${request.status}>${words[request.status]}</span><${Urgency} urgency=${request.urgency} />
      <span class="request-id">#${request.requestId}</span></p>
    <p class="request-when">${dayName(created)} ${timeOfDay(created)}${facts.length > 0 && ` · ${facts.join(' · ')}`}</p>`;
}

const words = { waiting: 'Waiting', in_progress: 'In progress', resolved: 'Resolved' };
