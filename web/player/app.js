/*
 * The player's portal: write, and be answered.
 *
 *   app.js    starts: who is there, then the chat
 *   chat.js   the one conversation: live connection, catching up, sending
 *   view.js   the page
 */
import { html, render } from '../shared/ui.js';
import { createApi } from '../shared/api.js';
import { Gate } from '../shared/views/gate.js';
import { PlayerPage } from './view.js';

const base = new URL('..', location.href).pathname;
const api = createApi({ base, role: 'player' });

render(
  html`<${Gate} api=${api} role="player" heading="Write to our team">
    ${(session, resumed) => html`<${PlayerPage} api=${api} base=${base} session=${session} resumed=${resumed} />`}
  <//>`,
  document.getElementById('app'),
);
