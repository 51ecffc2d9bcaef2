/*
 * Channel names of players, as docs/events.md defines them.
 *
 * A player id is the app's own, any text; a Pusher channel name allows few characters. Each byte of the id's UTF-8 that
 * is not allowed, and `=` itself, becomes `=XX` with two upper-case hex digits. The bridge does the same in C.
 */

const plain = /[A-Za-z0-9_\-@,.;]/;

export const staffChannel = 'private-staff-portal';

export function playerChannel(playerId) {
  let name = 'private-player-';
  for (const byte of new TextEncoder().encode(playerId)) {
    const character = String.fromCharCode(byte);
    name += plain.test(character) ? character : '=' + byte.toString(16).toUpperCase().padStart(2, '0');
  }
  return name;
}
