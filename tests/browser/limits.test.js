// Who writes faster than he may is told so, and has nothing to do: his messages go out by themselves when it is time.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { until } from '../lib/index.js';
import { openStage } from './stage.js';

const stage = await openStage({ player_messages: 20, player_burst: 3 });
after(() => stage.close());

test('messages over the limit wait on the page and arrive by themselves, in order, once', async () => {
  const ann = await stage.player('ann', 'Ann');
  const texts = ['one', 'two', 'three', 'four', 'five'];
  for (const text of texts) await ann.say(text);
  await ann.page.getByText('Slow down: next try in').waitFor();
  assert.ok((await ann.shown()).some((line) => line.startsWith('sending ')));
  assert.equal(await ann.page.getByText('Not sent').count(), 0);
  await until(async () => (await stage.truth('ann')).length === texts.length, 'all to be stored');
  await ann.showsTheTruth('ann');
  assert.deepEqual((await stage.truth('ann')).map((line) => line.replace(/^\d+ /, '')), texts);
  assert.equal(await ann.page.getByText('Slow down').count(), 0);
});
