/*
 * The staff's portal: see a new chat at once, take it, answer it.
 *
 *   app.js      starts: who is there, then the desk
 *   queue.js    the open requests: a pure reducer over the server's list and live events
 *   desk.js     everything that happens: live connection, catching up, threads, claim, release, resolve
 *   alerts.js   title, icon and sound, so that no new chat goes unnoticed; attention.js decides when
 *   threads.js  the conversations that were opened
 *   place.js    which chat is open, and the link of a push notification
 *   keys.js     the keyboard
 *   view.js     the page, of the parts in views/
 */
import { html, render } from '../shared/ui.js';
import { createApi } from '../shared/api.js';
import { Gate } from '../shared/views/gate.js';
import { StaffPage } from './view.js';

const base = new URL('..', location.href).pathname;
const api = createApi({ base, role: 'staff' });

render(
  html`<${Gate} api=${api} role="staff" heading="Support desk">
    ${(session, resumed) => html`<${StaffPage} api=${api} base=${base} session=${session} resumed=${resumed} />`}
  <//>`,
  document.getElementById('app'),
);
