/*
 * So that no chat goes unnoticed: the title counts and names new chats, the icon gets a dot, and there is a sound, again
 * and again while a new chat waits that nobody here has looked at.
 *
 * Sound, by choice: all (new chats, and messages in one's own), mine (messages in one's own chats only), off.
 */
import { countsOf, soundOf, titleOf } from './attention.js';
import { play } from './sound.js';

const soundKey = 'unichat/staff/sound';
const repeatMs = 15000;
const modes = ['all', 'mine', 'off'];

export function soundMode() {
  const stored = localStorage.getItem(soundKey);
  return modes.includes(stored) ? stored : 'all';
}

export function setSoundMode(mode) {
  localStorage.setItem(soundKey, mode);
}

export function onChatEvent(event, desk) {
  const mode = soundMode();
  const looking = document.hasFocus() && desk.store.get().selected === event.playerId;
  const sound = soundOf(event, desk.me, mode);
  if (sound && !looking) play(sound);
}

/* Keeps title and icon as the queue has them. Returns a function that stops it. */
export function startAlerts(desk) {
  const icon = document.getElementById('icon');
  const calm = icon.href;
  const alerted = calm.replace('icon.svg', 'icon-alert.svg');

  function show({ queue }) {
    const counts = countsOf(queue, desk.me);
    document.title = titleOf(counts);
    const href = counts.fresh > 0 || counts.unread > 0 ? alerted : calm;
    if (icon.href !== href) icon.href = href;
  }

  const stop = desk.store.watch(show);
  const timer = setInterval(() => {
    if (soundMode() === 'all' && countsOf(desk.store.get().queue, desk.me).fresh > 0) play('chat');
  }, repeatMs);
  show(desk.store.get());
  return () => {
    stop();
    clearInterval(timer);
  };
}
