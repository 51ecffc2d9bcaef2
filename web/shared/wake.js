/*
 * The moments at which a page may have missed something without a word from the connection: a tab or a laptop that wakes,
 * the network back, the page taken out of the back-forward cache; and, as a net under it all, every minute or so.
 */

const periodMs = 60000;

/* Returns a function that stops it. */
export function onWake(action) {
  const visible = () => document.visibilityState === 'visible' && action();
  const restored = (event) => event.persisted && action();
  document.addEventListener('visibilitychange', visible);
  window.addEventListener('online', action);
  window.addEventListener('pageshow', restored);
  const timer = setInterval(action, periodMs * (0.85 + Math.random() * 0.3));
  return () => {
    document.removeEventListener('visibilitychange', visible);
    window.removeEventListener('online', action);
    window.removeEventListener('pageshow', restored);
    clearInterval(timer);
  };
}
