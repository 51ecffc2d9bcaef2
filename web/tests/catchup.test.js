import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCatchUp } from '../shared/catchup.js';

/* A fetch that fails for as long as `down` is set, counts its tries, and ends when told to. */
function createFetch() {
  const state = { down: null, tries: 0 };
  const fetch = async () => {
    state.tries++;
    if (state.down) throw state.down;
  };
  return { state, fetch };
}

test('what has failed is tried at once when the way may be free, and not when there was nothing to do', async () => {
  const { state, fetch } = createFetch();
  const catchUp = createCatchUp({ fetch, onChange() {} });
  state.down = Object.assign(new Error('down'), { retryAfter: null });
  await catchUp.now();
  assert.equal(catchUp.error, state.down);
  state.down = null;
  catchUp.retry();
  await catchUp.now();
  assert.equal(catchUp.error, null);
  const { tries } = state;
  catchUp.retry();
  assert.equal(state.tries, tries);
  catchUp.close();
});

test('but not before the time that the server has named', async () => {
  const { state, fetch } = createFetch();
  const catchUp = createCatchUp({ fetch, onChange() {} });
  state.down = Object.assign(new Error('busy'), { retryAfter: 60 });
  await catchUp.now();
  catchUp.retry();
  assert.equal(state.tries, 1);
  catchUp.close();
});

test('that events have come by themselves says nothing of what a failed fetch was to bring', async () => {
  const { state, fetch } = createFetch();
  const catchUp = createCatchUp({ fetch, onChange() {} });
  state.down = new Error('down');
  await catchUp.now();
  catchUp.resumed();
  assert.equal(catchUp.syncedAt, null);
  state.down = null;
  await catchUp.now();
  const first = catchUp.syncedAt;
  assert.ok(first);
  catchUp.resumed();
  assert.ok(catchUp.syncedAt >= first);
  catchUp.close();
});

test('asked for in the moment in which a run ends, it runs once more', async () => {
  const { state, fetch } = createFetch();
  let asked = false;
  const catchUp = createCatchUp({
    fetch,
    onChange() {
      if (asked) return;
      asked = true;
      Promise.resolve().then(() => catchUp.now());
    },
  });
  await catchUp.now();
  await new Promise(setImmediate);
  assert.equal(state.tries, 2);
});
