/*
 * What a conversation looks like, line by line: messages with the days and requests that divide them, grouped by who
 * wrote. Pure: (messages, outbox, …) -> rows. The same messages give the same rows, live or after a reload.
 */

const groupGap = 5 * 60 * 1000;

/*
 * messages: of a conversation; pending: entries of the outbox that have no message yet; mine: 'player' or 'staff'.
 * Rows: {type:'day', key, at}, {type:'request', key, requestId, first}, {type:'message', key, …, startsGroup, endsGroup}.
 */
export function timeline(messages, pending, mine) {
  const rows = [];
  let previous = null;
  for (const line of [...messages.map((message) => stored(message, mine)), ...pending.map((entry) => unsent(entry, mine))]) {
    const divided = divide(rows, previous, line);
    const grouped = previous && !divided && belongTogether(previous, line);
    if (previous) previous.endsGroup = !grouped;
    rows.push({ ...line, startsGroup: !grouped, endsGroup: true });
    previous = rows.at(-1);
  }
  return rows;
}

/* Entries of the outbox whose message is not shown yet. */
export function stillPending(entries, messages, mine) {
  if (entries.length === 0) return entries;
  const known = new Set(messages.filter((message) => message.sender === mine).map((message) => message.clientMessageId));
  return entries.filter((entry) => !known.has(entry.id));
}

function stored(message, mine) {
  return {
    type: 'message',
    key: message.clientMessageId ? `${message.sender}:${message.clientMessageId}` : `#${message.seq}`,
    seq: message.seq,
    requestId: message.requestId,
    sender: message.sender,
    senderId: message.senderId,
    mine: message.sender === mine,
    text: message.message,
    at: Date.parse(message.timestamp),
    state: 'sent',
  };
}

function unsent(entry, mine) {
  return {
    type: 'message',
    key: `${mine}:${entry.id}`,
    seq: null,
    requestId: null,
    sender: mine,
    senderId: null,
    mine: true,
    text: entry.text,
    at: entry.at,
    state: entry.state,
    error: entry.error,
    id: entry.id,
  };
}

/* Put a day or a request between two messages where one begins. */
function divide(rows, previous, line) {
  const before = rows.length;
  if (!previous || new Date(previous.at).toDateString() !== new Date(line.at).toDateString())
    rows.push({ type: 'day', key: `day:${line.key}`, at: line.at });
  if (line.requestId && line.requestId !== previous?.requestId && (!previous || previous.requestId))
    rows.push({ type: 'request', key: `request:${line.requestId}`, requestId: line.requestId, first: !previous });
  return rows.length > before;
}

function belongTogether(a, b) {
  if (a.sender !== b.sender || b.at - a.at > groupGap) return false;
  return a.senderId === b.senderId || a.senderId === null || b.senderId === null;
}
