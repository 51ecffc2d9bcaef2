// Messages on their way out: kept until the server has them, in order, under one id each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOutbox, pendingConversations } from '../shared/outbox.js';
import { Storage } from './storage.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const refused = (message) => Object.assign(new Error(message), { transient: false });
const unreachable = (fields = {}) => Object.assign(new Error('No connection.'), { transient: true, ...fields });

// A server whose answers the test gives, and timers that it lets run.
function setUp(storage = new Storage()) {
  const calls = [];
  const timers = [];
  const sent = [];
  const outbox = createOutbox({
    storage,
    prefix: 'o/ann/',
    send: (entry) => new Promise((resolve, reject) => calls.push({ ...entry, resolve, reject })),
    onSent: (entry) => sent.push(entry.text),
    onChange() {},
    setTimer: (run, delay) => timers.push({ run, delay }),
  });
  return { storage, calls, timers, sent, outbox, states: () => outbox.entries.map((entry) => `${entry.text}:${entry.state}`) };
}

test('one at a time, in order, and gone when answered', async () => {
  const { storage, calls, outbox, sent, states } = setUp();
  outbox.enqueue('a');
  outbox.enqueue('b', { urgency: 'high' });
  await settled();
  assert.equal(calls.length, 1);
  assert.deepEqual(states(), ['a:sending', 'b:sending']);
  assert.equal(Object.keys(storage).length, 2);
  calls[0].resolve({});
  await settled();
  assert.equal(calls[1].text, 'b');
  assert.equal(calls[1].urgency, 'high');
  calls[1].resolve({});
  await settled();
  assert.deepEqual(sent, ['a', 'b']);
  assert.deepEqual(Object.keys(storage), []);
});

test('cleared: nothing is kept, and what waits for its next try is not sent any more', async () => {
  const { storage, calls, timers, outbox, states } = setUp();
  storage.setItem('o/bob/1', '{}');
  outbox.enqueue('a');
  outbox.enqueue('b');
  await settled();
  calls[0].reject(unreachable());
  await settled();
  outbox.clear();
  timers.forEach(({ run }) => run());
  await settled();
  assert.equal(calls.length, 1);
  assert.deepEqual(states(), []);
  assert.deepEqual(Object.keys(storage), ['o/bob/1']);
  outbox.enqueue('c');
  await settled();
  assert.equal(calls.at(-1).text, 'c');
});

test('a refusal fails that one; the next goes on; Retry keeps the id', async () => {
  const { calls, outbox, states } = setUp();
  outbox.enqueue('a');
  outbox.enqueue('b');
  await settled();
  calls[0].reject(refused('Too long.'));
  await settled();
  assert.deepEqual(states(), ['a:failed', 'b:sending']);
  assert.equal(outbox.entries[0].error, 'Too long.');
  calls[1].resolve({});
  await settled();
  outbox.retry(outbox.entries[0].id);
  await settled();
  assert.equal(calls[2].id, calls[0].id);
});

test('no connection: tried again by itself with the same id, at the server’s pace if it has one', async () => {
  const { calls, timers, outbox, sent } = setUp();
  outbox.enqueue('a');
  await settled();
  calls[0].reject(unreachable());
  await settled();
  assert.equal(timers[0].delay, 1000);
  timers[0].run();
  await settled();
  calls[1].reject(unreachable({ retryAfter: 7 }));
  await settled();
  assert.equal(timers[1].delay, 7000);
  timers[1].run();
  await settled();
  assert.equal(calls[2].id, calls[0].id);
  calls[2].resolve({});
  await settled();
  assert.deepEqual(sent, ['a']);
});

test('too fast for the server: however often, it waits as long as the server says, and fails never', async () => {
  const { calls, timers, outbox, sent, states } = setUp();
  outbox.enqueue('a');
  outbox.enqueue('b');
  for (let i = 0; i < 20; i++) {
    await settled();
    calls.at(-1).reject(unreachable({ status: 429, retryAfter: 2 }));
    await settled();
    assert.equal(timers[i].delay, 2000);
    timers[i].run();
  }
  await settled();
  assert.deepEqual(states(), ['a:sending', 'b:sending']);
  assert.ok(calls.every((call) => call.id === calls[0].id));
  calls.at(-1).resolve({});
  await settled();
  calls.at(-1).resolve({});
  await settled();
  assert.deepEqual(sent, ['a', 'b']);
});

test('after some tries all that wait fail, none overtakes, and resume() sends them in order', async () => {
  const { calls, timers, outbox, sent, states } = setUp();
  outbox.enqueue('a');
  outbox.enqueue('b');
  for (let i = 0; i < 6; i++) {
    await settled();
    calls.at(-1).reject(unreachable());
    await settled();
    timers[i]?.run();
  }
  assert.deepEqual(states(), ['a:failed', 'b:failed']);
  assert.ok(calls.every((call) => call.text === 'a'));
  outbox.resume();
  for (let i = 0; i < 2; i++) {
    await settled();
    calls.at(-1).resolve({});
  }
  await settled();
  assert.deepEqual(sent, ['a', 'b']);
});

test('a retried message does not overtake those before it', async () => {
  const { calls, timers, outbox } = setUp();
  outbox.enqueue('a');
  outbox.enqueue('b');
  for (let i = 0; i < 6; i++) {
    await settled();
    calls.at(-1).reject(unreachable());
    await settled();
    timers[i]?.run();
  }
  const made = calls.length;
  outbox.retry(outbox.entries[1].id);
  await settled();
  assert.equal(calls[made].text, 'a');
});

test('a reload loses nothing and doubles nothing: the same entries, the same ids', async () => {
  const first = setUp();
  const entry = first.outbox.enqueue('a', { urgency: 'high' });
  first.outbox.enqueue('b');
  const second = setUp(first.storage);
  assert.deepEqual(second.states(), ['a:sending', 'b:sending']);
  second.outbox.resume();
  await settled();
  assert.equal(second.calls[0].id, entry.id);
  assert.equal(second.calls[0].urgency, 'high');
});

test('discarded while on its way: not sent again', async () => {
  const { storage, calls, timers, outbox } = setUp();
  const entry = outbox.enqueue('a');
  await settled();
  outbox.discard(entry.id);
  calls[0].reject(unreachable());
  await settled();
  assert.equal(timers.length, 0);
  assert.deepEqual(Object.keys(storage), []);
});

test('the conversations with something unsent are found, and broken entries are dropped', () => {
  const storage = new Storage();
  storage.setItem('o/ann%2F1/x', JSON.stringify({ text: 'a', at: 1 }));
  storage.setItem('o/bo/y', JSON.stringify({ text: 'b', at: 1 }));
  storage.setItem('other', '1');
  assert.deepEqual(pendingConversations(storage, 'o/').sort(), ['ann/1', 'bo']);
  storage.setItem('o/ann/z', '{');
  setUp(storage);
  assert.equal(storage.getItem('o/ann/z'), null);
});
