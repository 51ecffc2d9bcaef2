// The delivery worker (shared_preload_libraries = 'unichat') on a server that becomes the primary, and that comes back from a crash.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startBridge, startCluster, until } from '../lib/index.js';
import { hearAll } from './lib/hear.js';
import { bothDsn, promote, startStandby } from './lib/standby.js';
import { HEARING } from './lib/topology.js';

const CONFIG = { shared_preload_libraries: 'unichat', max_prepared_transactions: 10, wal_retrieve_retry_interval: '200ms' };
const NO_AUDIT = { audit_interval: '1h' }; // what arrives, the worker has sent

const worker = async (cluster) => (await cluster.query('SELECT mode, worker_pid, events::int FROM unichat_delivery()'))[0];
// Nobody has notified by himself.
async function byWorker(cluster) {
  assert.deepEqual(await cluster.query('SELECT player_id, seq FROM chat_events WHERE notified'), []);
}

test('promotion of a standby: there is no worker while it is one; then one comes, and it notifies', async () => {
  const primary = await startCluster({ config: CONFIG });
  after(() => primary.stop());
  const standby = await startStandby(primary);
  after(() => standby.stop());
  const bridge = await startBridge(primary, { ...HEARING, ...NO_AUDIT, database: bothDsn(primary, standby) });
  after(() => bridge.stop());
  const ear = await hearAll(bridge);

  await primary.query(`SELECT unichat_send('ann', 'to the primary')`);
  assert.equal(await ear.exactly(primary, 'ann'), 2);
  assert.ok((await worker(primary)).worker_pid);
  assert.deepEqual(await worker(standby), { mode: 'worker', worker_pid: null, events: null });

  await primary.kill9();
  await promote(standby);
  await ear.client.waitFor(({ event }) => event === 'unichat:resync', 'the bridge to have found the new primary');
  for (let n = 0; n < 5; n++) await standby.query('SELECT unichat_send($1, $2)', ['ann', `after ${n}`]);
  assert.equal(await ear.exactly(standby, 'ann'), 7);
  await until(async () => (await worker(standby)).events === 5, 'the worker to have notified all five');
  assert.ok((await worker(standby)).worker_pid);
  await byWorker(standby);
});

test('a crash of the server: its worker is back with whoever listens; what was prepared before is notified when it commits', async () => {
  const cluster = await startCluster({ config: CONFIG });
  after(() => cluster.stop());
  const bridge = await startBridge(cluster, { ...HEARING, ...NO_AUDIT });
  after(() => bridge.stop());
  const ear = await hearAll(bridge);

  const client = await cluster.connect();
  await client.query('BEGIN');
  await client.query(`SELECT unichat_send('two-phase', 'prepared before the crash')`);
  await client.query(`PREPARE TRANSACTION 'gid'`);
  await client.end();
  await cluster.query(`SELECT unichat_send('ann', 'before')`);
  await ear.exactly(cluster, 'ann');

  await cluster.kill9();
  await cluster.start();
  await until(async () => (await worker(cluster)).worker_pid, 'a worker, which the bridge has asked for');
  await cluster.query(`COMMIT PREPARED 'gid'`); // and nobody writes
  await ear.exactly(cluster, 'two-phase');
  await cluster.query(`SELECT unichat_send('ann', 'after')`);
  await ear.exactly(cluster, 'ann');
  assert.equal((await worker(cluster)).mode, 'worker');
  await byWorker(cluster);
});
