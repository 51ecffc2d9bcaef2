/*
 * The keyboard. Alt with a letter works from everywhere, also while writing; the key's place counts, not its character,
 * since Alt types other characters on some keyboards.
 */

export const shortcuts = [
  { code: 'ArrowDown', keys: 'Alt+↓', does: 'Next chat', act: ({ step }) => step(1) },
  { code: 'ArrowUp', keys: 'Alt+↑', does: 'Previous chat', act: ({ step }) => step(-1) },
  { code: 'KeyN', keys: 'Alt+N', does: 'Open the most urgent waiting chat', act: ({ openWaiting }) => openWaiting() },
  { code: 'KeyC', keys: 'Alt+C', does: 'Claim', act: ({ claim }) => claim() },
  { code: 'KeyL', keys: 'Alt+L', does: 'Release', act: ({ release }) => release() },
  { code: 'KeyR', keys: 'Alt+R', does: 'Resolve', act: ({ resolve }) => resolve() },
  { code: 'KeyF', keys: 'Alt+F', does: 'Filter the chats', act: ({ filter }) => filter() },
  { code: 'KeyK', keys: 'Alt+K', does: 'This list', act: ({ help }) => help() },
];

/* actions: what `act` above takes. Returns a function that stops listening. */
export function listenToKeys(actions) {
  function onKeyDown(event) {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const shortcut = shortcuts.find(({ code }) => code === event.code);
    if (!shortcut) return;
    event.preventDefault();
    shortcut.act(actions);
  }
  window.addEventListener('keydown', onKeyDown);
  return () => window.removeEventListener('keydown', onKeyDown);
}
