// The checker can fail: it is fed what must never happen, and says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasAll, judge, proveStored } from './lib/proof.js';

const events = [['ann', 1, 'request_created', null], ['ann', 2, 'message', 'one'], ['ann', 3, 'message', 'two'], ['ann', 4, 'message', 'three']];
const truth = {
  players: new Map([['ann', events]]),
  committed: events.slice(1).map(([player_id, seq, , message]) => ({ player_id, seq, message })),
  broken: [],
};
const judged = (log, more = {}) => judge(truth, { log, violations: [], playerId: 'ann', complete: true, ...more });

test('all of it, once, in order', () => {
  assert.deepEqual(judged(events), []);
  assert.deepEqual(judged(events.slice(1), { complete: false }), [], 'a client that fetches sees messages only');
  assert.ok(hasAll(truth, 'ann', { ann: 4 }));
  proveStored(truth);
});

for (const [what, log] of [
  ['lost', [events[0], events[1], events[3]]],
  ['the last one lost', events.slice(0, 3)],
  ['doubled', [events[0], events[1], events[1], events[2], events[3]]],
  ['in another order', [events[0], events[2], events[1], events[3]]],
  ['with another text', [events[0], ['ann', 2, 'message', 'other'], events[2], events[3]]],
  ['never committed', [...events, ['ann', 5, 'message', 'four']]],
]) {
  test(`a message that is ${what}`, () => {
    assert.equal(judged(log).length, 1);
    assert.equal(judged(log, { playerId: undefined }).length, 1, 'also at the staff');
    assert.equal(judged(log, { complete: false }).length, 1, 'also at a client that fetches');
  });
}

test('what a client itself has seen to be wrong counts, and so does what it has not got yet', () => {
  assert.deepEqual(judged(events, { violations: ['a gap'] }), ['a gap']);
  assert.ok(!hasAll(truth, 'ann', { ann: 3 }));
});

test('a committed message that is not stored, a gap in what is stored, and a history that does not verify', () => {
  const stored = (list) => ({ ...truth, players: new Map([['ann', list]]) });
  assert.throws(() => proveStored(stored(events.slice(0, 3))), /as many messages/);
  assert.throws(() => proveStored({ players: new Map([['ann', [events[0], events[2]]]]), committed: [truth.committed[1]], broken: [] }), /no gap/);
  assert.throws(() => proveStored({ ...truth, broken: [{ player_id: 'ann', bad_seq: 3 }] }), /verifies/);
});
