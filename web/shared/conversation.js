/*
 * One player's conversation, as far as this page knows it: a pure reducer over history pages and live events.
 *
 *   messages   what is shown, ascending by seq, each seq once; everything from the first to `synced` is there
 *   synced     every event up to this seq has been seen; null before the first page
 *   ahead      seqs seen beyond synced + 1: between them and `synced` something is missing (see hasGap)
 *   hasOlder   the server has messages before the first one here
 *   request    the open or newest request, as of event number `requestSeq`
 *   blocked    the player's messages are refused, as of event number `blockedSeq`
 *
 * Seq counts every event of the player, messages or not, without a gap. Events and pages may therefore come in any
 * order, twice, or not at all: a message has its place by seq alone, and what was missed shows as a jump. A page says with
 * lastSeq how far it knows; news about the request counts only if it is newer than what is known.
 *
 *      page (fetch begins) ──────────── snapshot, lastSeq 7 ─────────▶ arrives: synced = 7, 8 leaves `ahead`: synced = 8
 *      live                                         event 8 ──▶ ahead = [8]
 */

export function emptyConversation(playerId) {
  return {
    playerId,
    playerName: null,
    messages: [],
    synced: null,
    ahead: [],
    hasOlder: false,
    request: null,
    requestSeq: 0,
    erasedSeq: 0,
    blocked: false,
    blockedSeq: 0,
    playerReadSeq: 0,
    staffReadSeq: 0,
  };
}

/* Something between what is known and what was seen is missing and has to be fetched. */
export function hasGap(state) {
  return state.synced !== null && state.ahead.length > 0;
}

/* The newest seq that is shown or known of. */
export function lastSeq(state) {
  return Math.max(state.synced ?? 0, state.ahead.at(-1) ?? 0);
}

/* The page that was asked for without a cursor: the newest messages. Where it does not join up, what it follows goes. */
export function withNewestPage(state, page) {
  const first = page.messages[0]?.seq ?? page.lastSeq + 1;
  const joins = state.synced !== null && state.messages.length > 0 && (!page.hasMore || first <= state.synced + 1);
  if (joins) return withPage(state, page, page.lastSeq);
  const later = state.messages.filter((message) => message.seq > page.lastSeq);
  return withPage({ ...state, messages: later, hasOlder: false }, page, page.lastSeq, page.hasMore);
}

/* The page after a seq that was `synced` when it was asked for. */
export function withPageAfter(state, page) {
  if (page.resync) {
    const fresh = { ...emptyConversation(state.playerId), playerName: state.playerName };
    return withNewestPage(fresh, page);
  }
  return withPage(state, page, page.hasMore ? page.messages.at(-1).seq : page.lastSeq);
}

/* The page before the oldest message here. It says nothing about what is new. */
export function withPageBefore(state, page) {
  return { ...state, messages: merge(state, page.messages, true), hasOlder: page.hasMore };
}

/* A live event, of any kind (docs/events.md). */
export function withEvent(state, event) {
  if (event.playerId !== state.playerId) return state;
  if (event.kind === 'erased') return seen(erased(state, event.seq), event.seq);
  if (event.requestId === null) return seen(withBlocked(state, blockedBy(event, state), event.seq), event.seq);
  let next = withRequest(state, requestOf(event), event.seq);
  if (event.kind === 'message' && event.message !== null) next = { ...next, messages: merge(next, [messageOf(event)], false) };
  if (event.playerName) next = { ...next, playerName: event.playerName };
  return seen(next, event.seq);
}

/* The server's answer to a message sent from here; its event follows, or has been here already. */
export function withSent(state, message) {
  return seen({ ...state, messages: merge(state, [message], false) }, message.seq);
}

export function withReadSeqs(state, { playerReadSeq, staffReadSeq }) {
  return {
    ...state,
    playerReadSeq: Math.max(state.playerReadSeq, playerReadSeq),
    staffReadSeq: Math.max(state.staffReadSeq, staffReadSeq),
  };
}

function withPage(state, page, synced, hasOlder = state.hasOlder) {
  let next = { ...state, messages: merge(state, page.messages, false), hasOlder };
  next = withRequest(next, page.request, page.lastSeq);
  next = withBlocked(next, page.blocked ?? false, page.lastSeq);
  next = withReadSeqs(next, { playerReadSeq: page.playerReadSeq ?? 0, staffReadSeq: page.staffReadSeq ?? 0 });
  if (page.request?.playerName) next.playerName = page.request.playerName;
  next.synced = Math.max(next.synced ?? 0, synced);
  return drained(next);
}

function withRequest(state, request, seq) {
  if (seq < state.requestSeq) return state;
  const same = request && state.request?.requestId === request.requestId;
  return { ...state, request: same ? { ...state.request, ...request } : request, requestSeq: seq };
}

function withBlocked(state, blocked, seq) {
  return seq < state.blockedSeq ? state : { ...state, blocked, blockedSeq: seq };
}

/* Events about no request: blocked, unblocked, pruned. */
function blockedBy(event, { blocked }) {
  return event.kind === 'blocked' || (event.kind !== 'unblocked' && blocked);
}

function erased(state, seq) {
  return {
    ...state,
    messages: state.messages.filter((message) => message.seq > seq),
    hasOlder: false,
    request: state.requestSeq > seq ? state.request : null,
    requestSeq: Math.max(state.requestSeq, seq),
    erasedSeq: Math.max(state.erasedSeq, seq),
  };
}

/* Note that event number seq is here. */
function seen(state, seq) {
  if (state.synced !== null && seq <= state.synced) return state;
  if (state.ahead.includes(seq)) return state;
  return drained({ ...state, ahead: [...state.ahead, seq].sort((a, b) => a - b) });
}

/* Move from `ahead` to `synced` what has become contiguous. */
function drained(state) {
  if (state.synced === null) return state;
  let synced = state.synced;
  let used = 0;
  while (used < state.ahead.length && state.ahead[used] <= synced + 1) synced = Math.max(synced, state.ahead[used++]);
  return { ...state, synced, ahead: state.ahead.slice(used) };
}

/*
 * The messages with others put in at their seq, each once. What is older than the window shown stays out, unless it
 * is a page of older ones: a hole would open between.
 */
function merge(state, others, older) {
  const { messages, hasOlder, erasedSeq } = state;
  const first = !older && hasOlder && messages.length > 0 ? messages[0].seq : 0;
  const known = new Set(messages.map((message) => message.seq));
  const added = others.filter((message) => message.seq >= first && message.seq > erasedSeq && !known.has(message.seq));
  if (added.length === 0) return messages;
  const appends = messages.length === 0 || added[0].seq > messages.at(-1).seq;
  const all = [...messages, ...added];
  return appends && added.length === 1 ? all : all.sort((a, b) => a.seq - b.seq);
}

function messageOf(event) {
  const { messageId, requestId, playerId, seq, sender, senderId, message, clientMessageId, timestamp } = event;
  return { messageId, requestId, playerId, seq, sender, senderId, message, clientMessageId, timestamp };
}

function requestOf(event) {
  const { requestId, playerId, playerName, status, urgency, assignedTo } = event;
  return { requestId, playerId, playerName, status, urgency, assignedTo };
}
