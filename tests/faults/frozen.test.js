// Processes that are stopped and go on (SIGSTOP, SIGCONT) under load: clients until their queues are full, and the bridge.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startAll, until } from '../lib/index.js';
import { auditIsClean } from './lib/hear.js';
import { frozen } from './lib/freeze.js';
import { startLoad } from './lib/load.js';

const { cluster, bridge } = await startAll({ max_queue: '512kB', audit_interval: '300ms' }, { cluster: { config: { max_connections: 80 } } });
const load = await startLoad(cluster, [bridge]);
after(() => load.stop());

const LONG = '€'.repeat(3900);
const cutOff = () => bridge.metric('unichat_slow_consumers_total');

// Much for everybody, by the way, and noted as the writers note it.
const shout = () => cluster.query(`INSERT INTO committed SELECT p, s.seq, $2 || n
  FROM generate_series(1, 10) n, unnest($1::text[]) p, unichat_send(p, $2 || n) s`, [load.players, LONG]);

test('clients that are stopped are cut off when their queues are full; when they go on, they resume', async () => {
  const [sleeping] = load.clients;
  await load.goesOn();
  await frozen(sleeping.pid, async () => {
    await until(async () => { await shout(); return await cutOff() >= sleeping.count; }, 'all of them to be cut off', 120000);
    assert.equal(await cutOff(), sleeping.count, 'they, and nobody else');
    await load.goesOn();
  });
  await until(async () => (await sleeping.reports()).every((one) => one.connects >= 2), 'all of them to be back', 60000);
  await load.goesOn();
});

test('the bridge is stopped while hundreds of messages are committed, and goes on', async () => {
  for (let n = 0; n < 3; n++) {
    await frozen(bridge.pid, () => load.goesOn(200));
    await load.goesOn();
  }
});

test('every client has everything, once, in order; nothing was missed, and the NOTIFY queue is empty', async () => {
  const reports = await load.prove();
  assert.equal(reports.length, 2 * load.clients[0].count);
  await auditIsClean(bridge);
  await until(async () => Number((await cluster.query('SELECT pg_notification_queue_usage() AS usage'))[0].usage) === 0, 'the queue to be empty');
});
