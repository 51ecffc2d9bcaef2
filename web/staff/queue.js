/*
 * The open requests, as the staff sees them: a pure reducer over the server's list and live events.
 *
 *   requests   by request id: the rows of GET requests (docs/http.md), kept current by events
 *   seqs       by player id: the newest event known; an older one changes nothing, and a jump makes the list `stale`
 *   fresh      ids of waiting requests that were not looked at: the NEW CHATs. When the page opens, those that are unread
 *   more       there are more than listMax, and the list has the most urgent
 *
 * The list is a snapshot. Events that came while it was being fetched may be newer, so they are applied to it once more:
 *
 *      list   asked for ── snapshot ─────────────────────▶ arrives, without request 7: event 1 is applied again
 *      live                          event 1: request 7 ──▶ applied to the list of before
 *
 * Each says by its seq whether the row it meets knows it already. A player without a row knows nothing.
 */

const urgencies = ['urgent', 'high', 'normal', 'low'];
const previewLength = 140;

/* As many as the page asks for. */
export const listMax = 500;

export function emptyQueue() {
  return { requests: {}, seqs: {}, fresh: {}, more: false, loaded: false, stale: false };
}

/* The server's list; meanwhile: the events that came since it was asked for, in order. */
export function withList(state, rows, meanwhile = []) {
  const requests = {};
  const fresh = {};
  const seqs = { ...state.seqs };
  for (const event of meanwhile) delete seqs[event.playerId];
  for (const row of rows) {
    requests[row.requestId] = answered(row) ? { ...row, unread: 0 } : row;
    seqs[row.playerId] = row.lastSeq;
    const isNew = state.loaded ? state.requests[row.requestId]?.status !== 'waiting' : row.unread > 0;
    if (row.status === 'waiting' && (isNew || state.fresh[row.requestId])) fresh[row.requestId] = true;
  }
  const listed = { requests, seqs, fresh, more: rows.length >= listMax, loaded: true, stale: false };
  return { ...meanwhile.reduce(withEvent, listed), stale: false };
}

/* A live event of any player (docs/events.md). */
export function withEvent(state, event) {
  const known = state.seqs[event.playerId];
  if (known !== undefined && event.seq <= known) return state;
  const jumped = known !== undefined && event.seq > known + 1;
  const next = { ...state, seqs: { ...state.seqs, [event.playerId]: event.seq }, stale: state.stale || jumped };
  if (event.kind === 'erased') return withoutPlayer(next, event.playerId);
  if (event.requestId === null) return next;
  if (event.status === 'resolved' || event.kind === 'resolved') return without(next, event.requestId);
  return withRow(next, event);
}

/* The chat has been looked at: it is new no more. */
export function withLookedAt(state, requestId) {
  if (!state.fresh[requestId]) return state;
  const { [requestId]: _, ...fresh } = state.fresh;
  return { ...state, fresh };
}

/* The player's messages have been read here. */
export function withRead(state, playerId) {
  const row = Object.values(state.requests).find((request) => request.playerId === playerId && request.unread > 0);
  return row ? { ...state, requests: { ...state.requests, [row.requestId]: { ...row, unread: 0 } } } : state;
}

/* The player's open request, or null. */
export function openRequest(state, playerId) {
  return Object.values(state.requests).find((request) => request.playerId === playerId) ?? null;
}

/* {waiting, mine, others}, each in the order in which to work on them; filter: words that name or text must contain. */
export function sections(state, me, filter = '') {
  const rows = Object.values(state.requests).filter((row) => matches(row, filter));
  const mine = (row) => row.status === 'in_progress' && row.assignedTo === me;
  return {
    waiting: rows.filter((row) => row.status === 'waiting').sort(byNeed),
    mine: rows.filter(mine).sort(byUnread),
    others: rows.filter((row) => row.status === 'in_progress' && !mine(row)).sort(byNeed),
  };
}

function withRow(state, event) {
  const old = state.requests[event.requestId] ?? newRow(event);
  const row = { ...old, status: event.status, urgency: event.urgency, assignedTo: event.assignedTo, lastSeq: event.seq };
  row.playerName = event.playerName ?? old.playerName;
  row.updatedAt = event.timestamp;
  if (event.kind === 'message' && event.message !== null) Object.assign(row, messageFields(old, event));
  if (event.kind === 'request_created') row.lastMessage = event.lastMessage;
  if (event.kind === 'released') row.waitingSince = event.timestamp;
  const begins = row.status === 'waiting' && (event.kind === 'request_created' || event.kind === 'released');
  const fresh = { ...state.fresh };
  if (begins) fresh[row.requestId] = true;
  if (row.status !== 'waiting') delete fresh[row.requestId];
  return { ...state, requests: { ...state.requests, [row.requestId]: row }, fresh };
}

/* What the staff has answered it has read, whether or not a page said so. */
function answered(row) {
  return row.lastMessageSender === 'staff';
}

function newRow({ requestId, playerId, playerName, timestamp }) {
  return {
    requestId,
    playerId,
    playerName,
    createdAt: timestamp,
    waitingSince: timestamp,
    lastMessage: null,
    lastMessageSender: null,
    lastMessageAt: timestamp,
    unread: 0,
  };
}

function messageFields(row, { message, sender, timestamp }) {
  const last = { lastMessage: [...message].slice(0, previewLength).join(''), lastMessageSender: sender, lastMessageAt: timestamp };
  if (sender === 'player') return { ...last, unread: row.unread + 1, waitingSince: row.waitingSince ?? timestamp };
  return sender === 'staff' ? { ...last, unread: 0, waitingSince: null } : last;
}

function without(state, requestId) {
  const { [requestId]: _, ...requests } = state.requests;
  const { [requestId]: __, ...fresh } = state.fresh;
  return { ...state, requests, fresh };
}

function withoutPlayer(state, playerId) {
  const gone = Object.values(state.requests).filter((row) => row.playerId === playerId);
  return gone.reduce((next, row) => without(next, row.requestId), state);
}

function matches(row, filter) {
  const text = `${row.playerName ?? ''} ${row.playerId} ${row.lastMessage ?? ''} ${row.assignedTo ?? ''}`.toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/* Urgency first, then oldest first. */
function byNeed(a, b) {
  const urgency = urgencies.indexOf(a.urgency) - urgencies.indexOf(b.urgency);
  return urgency || compare(a.waitingSince ?? a.createdAt, b.waitingSince ?? b.createdAt) || compareIds(a.requestId, b.requestId);
}

/* Who waits for an answer first, then the latest talk. */
function byUnread(a, b) {
  return (b.unread > 0) - (a.unread > 0) || -compare(a.lastMessageAt ?? '', b.lastMessageAt ?? '') || compareIds(a.requestId, b.requestId);
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/* Ids are 64-bit numbers as strings. */
function compareIds(a, b) {
  return a.length - b.length || compare(a, b);
}
