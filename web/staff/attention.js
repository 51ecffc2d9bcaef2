/*
 * What deserves the attention of one member of staff: the pure part of alerts.js.
 */

/* What an event sounds like to me, or null. */
export function soundOf(event, me, mode) {
  if (mode === 'off') return null;
  const begins = event.kind === 'request_created' || event.kind === 'released';
  if (begins) return mode === 'all' && event.actor !== me ? 'chat' : null;
  if (event.kind === 'message' && event.sender === 'player' && event.assignedTo === me && event.status === 'in_progress') return 'message';
  return null;
}

/* The title for so many waiting chats, so many of them new, and so many unread messages in mine. */
export function titleOf({ waiting, fresh, unread }) {
  if (fresh > 0) return `(${waiting}) NEW CHAT`;
  const count = waiting + unread;
  return count > 0 ? `(${count}) unichat` : 'unichat';
}

/* How many chats wait, how many of them are new, and how many of mine have something unread. */
export function countsOf(queue, me) {
  const rows = Object.values(queue.requests);
  return {
    waiting: rows.filter((row) => row.status === 'waiting').length,
    fresh: Object.keys(queue.fresh).length,
    unread: rows.filter((row) => row.assignedTo === me && row.unread > 0).length,
  };
}
