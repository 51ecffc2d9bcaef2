// The staff's queue: the server's list and live events, whatever their order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countsOf, soundOf, titleOf } from '../staff/attention.js';
import { emptyQueue, listMax, openRequest, sections, withEvent, withList, withLookedAt, withRead } from '../staff/queue.js';

const at = (second) => `2026-01-02T03:04:${String(second).padStart(2, '0')}.000000Z`;

function created(playerId, seq, requestId, fields = {}) {
  return {
    kind: 'request_created', playerId, playerName: playerId, seq, requestId, status: 'waiting', urgency: 'normal', assignedTo: null,
    timestamp: at(seq), lastMessage: 'hi', ...fields,
  };
}

function message(playerId, seq, requestId, fields = {}) {
  return { ...created(playerId, seq, requestId), kind: 'message', messageId: '1', sender: 'player', senderId: playerId, message: 'hi', ...fields };
}

function status(kind, playerId, seq, requestId, to, assignedTo) {
  return { ...created(playerId, seq, requestId), kind, status: to, assignedTo, actor: assignedTo };
}

function row(playerId, requestId, fields = {}) {
  return {
    requestId, playerId, playerName: playerId, status: 'waiting', urgency: 'normal', assignedTo: null, createdAt: at(1), waitingSince: at(1),
    lastMessage: 'hi', lastMessageSender: 'player', lastMessageAt: at(1), unread: 1, lastSeq: 2, ...fields,
  };
}

const ids = (rows) => rows.map((one) => one.requestId);
const loaded = withList(emptyQueue(), []);

test('a list that is cut says so', () => {
  const rows = Array.from({ length: listMax }, (_, n) => row(`player-${n}`, `${n}`));
  assert.equal(withList(emptyQueue(), rows.slice(1)).more, false);
  assert.equal(withList(emptyQueue(), rows).more, true);
  assert.equal(withList(withList(emptyQueue(), rows), rows.slice(1)).more, false);
});

test('a new chat is fresh, counted, and no more so once it has been looked at', () => {
  let queue = [created('ann', 1, '7'), message('ann', 2, '7')].reduce(withEvent, loaded);
  assert.deepEqual(queue.fresh, { 7: true });
  assert.equal(openRequest(queue, 'ann').unread, 1);
  assert.equal(openRequest(queue, 'ann').waitingSince, at(1));
  queue = withRead(withLookedAt(queue, '7'), 'ann');
  assert.deepEqual(queue.fresh, {});
  assert.equal(openRequest(queue, 'ann').unread, 0);
});

test('the event of a message that is erased already has nothing to show', () => {
  const queue = [created('ann', 1, '7', { lastMessage: null }), message('ann', 2, '7', { sender: null, senderId: null, message: null })].reduce(withEvent, loaded);
  assert.equal(openRequest(queue, 'ann').lastMessage, null);
  assert.equal(openRequest(queue, 'ann').unread, 0);
});

test('new are: what is unread when the page opens, and what a later list brings', () => {
  assert.deepEqual(withList(emptyQueue(), [row('ann', '1')]).fresh, { 1: true });
  const first = withList(emptyQueue(), [row('ann', '1', { unread: 0 })]);
  assert.deepEqual(first.fresh, {});
  const later = withList(first, [row('ann', '1'), row('bo', '2')]);
  assert.deepEqual(later.fresh, { 2: true });
  assert.deepEqual(withList(later, [row('ann', '1'), row('bo', '2')]).fresh, { 2: true });
});

test('a player waits from the first message after an answer to the next answer', () => {
  let queue = [created('ann', 1, '7'), message('ann', 2, '7'), message('ann', 3, '7')].reduce(withEvent, loaded);
  assert.equal(openRequest(queue, 'ann').waitingSince, at(1));
  queue = withEvent(queue, message('ann', 4, '7', { status: 'in_progress', assignedTo: 'alex', sender: 'staff' }));
  assert.equal(openRequest(queue, 'ann').waitingSince, null);
  assert.equal(openRequest(queue, 'ann').unread, 0);
  queue = withEvent(queue, message('ann', 5, '7', { status: 'in_progress', assignedTo: 'alex' }));
  assert.equal(openRequest(queue, 'ann').waitingSince, at(5));
});

test('claimed, released and resolved move the row', () => {
  let queue = [created('ann', 1, '7'), message('ann', 2, '7')].reduce(withEvent, loaded);
  queue = withEvent(queue, status('claimed', 'ann', 3, '7', 'in_progress', 'alex'));
  assert.deepEqual(ids(sections(queue, 'alex').mine), ['7']);
  assert.deepEqual(ids(sections(queue, 'kim').others), ['7']);
  assert.deepEqual(queue.fresh, {});
  assert.equal(openRequest(queue, 'ann').waitingSince, at(1), 'a claim is not an answer yet');
  queue = withEvent(queue, status('released', 'ann', 4, '7', 'waiting', null));
  assert.deepEqual(ids(sections(queue, 'alex').waiting), ['7']);
  assert.equal(openRequest(queue, 'ann').waitingSince, at(4));
  assert.deepEqual(queue.fresh, { 7: true });
  queue = withEvent(queue, status('resolved', 'ann', 5, '7', 'resolved', 'alex'));
  assert.equal(openRequest(queue, 'ann'), null);
});

test('events during the fetch of a list: those it knows change nothing, the others apply', () => {
  const meanwhile = [message('ann', 2, '7'), status('claimed', 'ann', 3, '7', 'in_progress', 'alex')];
  const queue = withList(loaded, [row('ann', '7', { lastSeq: 2 })], meanwhile);
  assert.equal(openRequest(queue, 'ann').unread, 1);
  assert.equal(openRequest(queue, 'ann').status, 'in_progress');
  assert.equal(queue.stale, false);
});

test('a request that begins during the fetch of a list is not lost with the list of before', () => {
  const meanwhile = [created('ann', 4, '7'), message('ann', 5, '7')];
  const queue = withList(meanwhile.reduce(withEvent, loaded), [row('bo', '6', { status: 'in_progress' })], meanwhile);
  assert.equal(openRequest(queue, 'ann').requestId, '7');
  assert.equal(openRequest(queue, 'ann').unread, 1);
  assert.deepEqual(queue.fresh, { 7: true });
  const gone = [...meanwhile, status('resolved', 'ann', 6, '7', 'resolved', 'alex')];
  assert.equal(openRequest(withList(gone.reduce(withEvent, loaded), [], gone), 'ann'), null);
});

test('a seq that jumps makes the list stale, a repeated one changes nothing', () => {
  const queue = withList(emptyQueue(), [row('ann', '7', { lastSeq: 2 })]);
  assert.equal(withEvent(queue, message('ann', 3, '7')).stale, false);
  assert.equal(withEvent(queue, message('ann', 4, '7')).stale, true);
  assert.equal(withEvent(queue, message('ann', 2, '7')), queue);
});

test('an erased player leaves the list', () => {
  const queue = withList(emptyQueue(), [row('ann', '7'), row('bo', '8')]);
  const erased = withEvent(queue, { kind: 'erased', playerId: 'ann', seq: 3, requestId: null, status: null });
  assert.deepEqual(Object.keys(erased.requests), ['8']);
});

test('what is about no request changes no row', () => {
  const queue = withList(emptyQueue(), [row('ann', '7', { lastSeq: 2 })]);
  for (const kind of ['blocked', 'unblocked', 'pruned']) {
    const after = withEvent(queue, { kind, playerId: 'ann', seq: 3, requestId: null, status: null });
    assert.deepEqual(after.requests, queue.requests);
    assert.equal(after.seqs.ann, 3);
  }
});

test('waiting: urgency first, then who has waited longest; mine: unread first; ids compare as numbers', () => {
  const queue = withList(emptyQueue(), [
    row('a', '10', { waitingSince: at(5) }),
    row('b', '9', { waitingSince: at(5) }),
    row('c', '11', { urgency: 'urgent', waitingSince: at(9) }),
    row('d', '12', { urgency: 'low', waitingSince: at(1) }),
    row('e', '13', { status: 'in_progress', assignedTo: 'me', unread: 0, lastMessageAt: at(9) }),
    row('f', '14', { status: 'in_progress', assignedTo: 'me', unread: 2, lastMessageAt: at(2) }),
  ]);
  const { waiting, mine } = sections(queue, 'me');
  assert.deepEqual(ids(waiting), ['11', '9', '10', '12']);
  assert.deepEqual(ids(mine), ['14', '13']);
  assert.deepEqual(ids(sections(queue, 'me', 'C').waiting), ['11']);
});

test('title and counts', () => {
  const queue = [created('ann', 1, '7'), message('ann', 2, '7')].reduce(withEvent, loaded);
  assert.deepEqual(countsOf(queue, 'alex'), { waiting: 1, fresh: 1, unread: 0 });
  assert.equal(titleOf({ waiting: 2, fresh: 1, unread: 0 }), '(2) NEW CHAT');
  assert.equal(titleOf({ waiting: 1, fresh: 0, unread: 1 }), '(2) unichat');
  assert.equal(titleOf({ waiting: 0, fresh: 0, unread: 0 }), 'unichat');
});

test('sound: new chats for all, messages only in mine, silence when off', () => {
  const mine = message('ann', 3, '7', { status: 'in_progress', assignedTo: 'alex' });
  assert.equal(soundOf(created('ann', 1, '7'), 'alex', 'all'), 'chat');
  assert.equal(soundOf(created('ann', 1, '7'), 'alex', 'mine'), null);
  assert.equal(soundOf(mine, 'alex', 'mine'), 'message');
  assert.equal(soundOf(mine, 'kim', 'all'), null);
  assert.equal(soundOf(mine, 'alex', 'off'), null);
  assert.equal(soundOf(status('released', 'ann', 4, '7', 'waiting', null), 'alex', 'all'), 'chat');
  assert.equal(soundOf({ ...status('released', 'ann', 4, '7', 'waiting', null), actor: 'alex' }, 'alex', 'all'), null);
});
