/*
 * The bar on top: the connection, sound, keys, colours, and who is signed in.
 */
import { html, useEffect, useRef, useState } from '../../shared/ui.js';
import { timeWithSeconds } from '../../shared/time.js';
import { Icon, Mark } from '../../shared/views/icons.js';
import { ThemeSwitch } from '../../shared/views/menu.js';
import { setSoundMode, soundMode } from '../alerts.js';
import { test } from '../sound.js';

export function Header({ api, session, connection, syncedAt, onHelp }) {
  return html`<header class="bar">
    <${Mark} />
    <h1>unichat</h1>
    <p class="sync"><span class="live-dot" data-state=${connection}></span>
      <span class="sync-text">${connection === 'live' ? 'Live' : connection === 'connecting' ? 'Connecting' : 'Offline'}${syncedAt && html`<span class="sync-time"> · last synced ${timeWithSeconds(syncedAt)}</span>`}</span>
    </p>
    <${SoundMenu} />
    <button type="button" class="icon-button keys" onClick=${onHelp} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (Alt+K)"><${Icon} name="keys" /></button>
    <${ThemeSwitch} />
    <span class="me" title="Signed in"><bdi>${session.name ?? session.sub}</bdi></span>
    <button type="button" class="icon-button" onClick=${() => api.signOut().finally(() => location.reload())} aria-label="Sign out" title="Sign out"><${Icon} name="exit" /></button>
  </header>`;
}

/*
 * Until its first click or key the browser keeps a page silent; any will do. Not the pressing down: the hint would go from
 * above what is being clicked, and the click would miss. One may come between the drawing and the listening: so it is asked again.
 */
function useAwake() {
  const [awake, setAwake] = useState(navigator.userActivation?.hasBeenActive ?? true);
  useEffect(() => {
    const gestures = ['click', 'keydown'];
    const wake = () => setAwake(true);
    for (const gesture of gestures) window.addEventListener(gesture, wake);
    if (navigator.userActivation?.hasBeenActive) wake();
    return () => gestures.forEach((gesture) => window.removeEventListener(gesture, wake));
  }, []);
  return awake;
}

const choices = [
  ['all', 'New chats and my messages'],
  ['mine', 'Messages in my chats only'],
  ['off', 'No sound'],
];

function SoundMenu() {
  const menu = useRef(null);
  const [mode, setMode] = useState(soundMode());
  const awake = useAwake();

  useEffect(() => {
    const close = (event) => {
      const outside = event.type === 'keydown' ? event.key === 'Escape' : !menu.current.contains(event.target);
      if (!outside || !menu.current.open) return;
      menu.current.open = false;
      if (event.type === 'keydown') menu.current.firstElementChild.focus();
    };
    document.addEventListener('pointerdown', close);
    document.addEventListener('keydown', close);
    return () => {
      document.removeEventListener('pointerdown', close);
      document.removeEventListener('keydown', close);
    };
  }, []);

  function choose(value) {
    setSoundMode(value);
    setMode(value);
  }

  return html`${mode !== 'off' && !awake && html`<button type="button" class="link sound-hint">Turn the sound on</button>`}<details class="menu" ref=${menu}>
    <summary class="icon-button" aria-label=${`Sound: ${mode}`} title=${`Sound: ${mode}`}><${Icon} name=${mode === 'off' ? 'mute' : 'bell'} /></summary>
    <fieldset class="menu-body">
      <legend>Sound</legend>
      ${choices.map(([value, label]) => html`<label key=${value}><input type="radio" name="sound" value=${value} checked=${mode === value} onChange=${() => choose(value)} />${label}</label>`)}
      <button type="button" class="button" onClick=${test}>Test the sound</button>
    </fieldset>
  </details>`;
}
