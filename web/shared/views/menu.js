/*
 * The theme switch: one button that goes round light, dark and the system's.
 */
import { html, useState } from '../ui.js';
import { Icon } from './icons.js';

const order = ['system', 'light', 'dark'];
const icons = { system: 'system', light: 'sun', dark: 'moon' };

export function ThemeSwitch() {
  const [theme, setTheme] = useState(window.unichatTheme.get());
  /* From what is in force, not from what was last drawn: clicks may come faster than that. */
  function next() {
    const following = order[(order.indexOf(window.unichatTheme.get()) + 1) % order.length];
    window.unichatTheme.set(following);
    setTheme(following);
  }
  return html`<button type="button" class="icon-button" onClick=${next} aria-label=${`Colours: ${theme}`} title=${`Colours: ${theme}`}>
    <${Icon} name=${icons[theme]} />
  </button>`;
}
