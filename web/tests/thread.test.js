// A conversation whose player is erased: nothing that was written here for it is kept or sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftKey, loadDraft, saveDraft } from '../shared/draft.js';
import { createThread } from '../shared/thread.js';
import { createThreads } from '../staff/threads.js';
import { Storage } from './storage.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const page = { messages: [], hasMore: false, lastSeq: 3, playerReadSeq: 0, staffReadSeq: 0, blocked: false, request: null };
const api = { messages: async () => page, send: async () => { throw Object.assign(new Error('x'), { transient: false }); } };
const erased = (playerId, seq) => ({ kind: 'erased', playerId, playerName: null, seq, requestId: null, status: null, timestamp: '2026-01-02T03:04:05.000006Z' });

for (const [role, sub] of [['player', 'ann'], ['staff', 'sue']]) {
  test(`${role}: the outbox and the draft go, once`, async () => {
    globalThis.sessionStorage = new Storage();
    const storage = new Storage();
    const thread = createThread({ playerId: 'ann', role, sub, api, storage, onChange() {} });
    await thread.sync.catchUp();
    thread.send('secret');
    await settled();
    saveDraft(draftKey(role, sub, 'ann'), 'secret');
    assert.equal(thread.pending.length, 1);
    thread.sync.apply(erased('ann', 4));
    assert.equal(thread.pending.length, 0);
    assert.deepEqual([Object.keys(storage), Object.keys(sessionStorage)], [[], []]);
    saveDraft(draftKey(role, sub, 'ann'), 'afterwards');
    thread.sync.apply(erased('ann', 4));
    thread.sync.apply({ ...erased('ann', 5), kind: 'blocked' });
    assert.equal(loadDraft(draftKey(role, sub, 'ann')), 'afterwards');
    thread.close();
  });
}

test('staff: the draft of a chat that is not open goes too, and nobody else loses any', () => {
  globalThis.sessionStorage = new Storage();
  const threads = createThreads({ api, sub: 'sue', storage: new Storage(), onChange() {}, inUse: () => false });
  for (const player of ['ann', 'bob']) saveDraft(draftKey('staff', 'sue', player), 'secret');
  threads.apply(erased('ann', 4));
  assert.deepEqual(Object.keys(sessionStorage), [draftKey('staff', 'sue', 'bob')]);
});
