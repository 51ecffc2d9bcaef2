/*
 * The truth about the connection: nothing while all is well, and a banner when it is not, with the time up to which the
 * page is known to be complete. The first moments of a connection are not worth a word.
 */
import { html, useEffect, useState } from '../ui.js';
import { timeWithSeconds } from '../time.js';

const graceMs = 1500;

/* connection: of live.js; error: of the last fetch, or null; syncedAt: when it was last complete, or null. */
export function ConnectionBanner({ connection, error, syncedAt }) {
  const troubled = connection !== 'live' || error !== null;
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (!troubled) {
      setShown(false);
      return undefined;
    }
    const timer = setTimeout(() => setShown(true), graceMs);
    return () => clearTimeout(timer);
  }, [troubled]);

  return html`<div class="banner-region" role="status">
    ${troubled && shown && html`<p class="banner">
      <span class="spinner" aria-hidden="true"></span>
      <span>${navigator.onLine === false ? 'You are offline.' : connection === 'live' ? 'Not up to date.' : 'Reconnecting…'}</span>
      ${syncedAt && html` <span class="banner-detail">Last synced ${timeWithSeconds(syncedAt)}</span>`}
    </p>`}
  </div>`;
}
