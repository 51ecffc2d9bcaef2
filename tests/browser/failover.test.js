// A failover that loses what was committed last: the pages show what the new primary has, and go on from there.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { until } from '../lib/index.js';
import { bothDsn, promote, startStandby } from '../faults/lib/standby.js';
import { IMPATIENT } from '../faults/lib/topology.js';
import { openStage } from './stage.js';

const stage = await openStage();
after(() => stage.close());
const primary = stage.cluster;
const standby = await startStandby(primary);
after(() => standby.stop());
stage.bridge.configure({ ...IMPATIENT, database: bothDsn(primary, standby) });
await stage.bridge.restart();

const ann = await stage.player('ann', 'Ann');
const alex = await stage.staff('alex', 'Alex');

// From here on the primary commits by itself, and nothing reaches the standby.
async function cutOff() {
  primary.psql(`ALTER SYSTEM SET synchronous_standby_names = ''`);
  primary.psql('SELECT pg_reload_conf()');
  standby.psql(`ALTER SYSTEM SET primary_conninfo = ''`);
  standby.psql('SELECT pg_reload_conf()');
  await until(() => primary.psql('SELECT count(*) FROM pg_stat_replication').trim() === '0', 'the standby to be cut off');
}

test('what the new primary does not have leaves the pages', async () => {
  await ann.say('kept');
  await alex.openChat('ann');
  await alex.say('kept too');
  await ann.showsTheTruth('ann');
  await cutOff();
  await ann.say('lost');
  await alex.sees('lost', '.log');
  await primary.kill9();
  await promote(standby);
  stage.cluster = standby;
  await ann.showsTheTruth('ann', 30000);
  await alex.openChat('ann');
  await alex.showsTheTruth('ann', 30000);
  assert.deepEqual((await ann.shown()).map((line) => line.replace(/^\d+ /, '')), ['kept', 'kept too']);
});

test('and the chat goes on', async () => {
  await ann.say('again');
  await alex.showsTheTruth('ann');
  await alex.say('and an answer');
  await ann.showsTheTruth('ann');
  assert.equal((await stage.truth('ann')).length, 4);
});

after(() => primary.stop());
