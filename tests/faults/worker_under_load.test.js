// The delivery worker killed, terminated and stopped, under a connected bridge and under load. Of two bridges one audits itself
// all the time, and misses nothing as long as the worker runs; the other never does, so what its clients have, it was notified
// of or caught up with.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startBridge, startCluster, until } from '../lib/index.js';
import { frozen } from './lib/freeze.js';
import { auditIsClean } from './lib/hear.js';
import { startLoad } from './lib/load.js';
import { HEARING } from './lib/topology.js';

const cluster = await startCluster({ config: { shared_preload_libraries: 'unichat', max_connections: 80 } });
after(() => cluster.stop());
const audited = await startBridge(cluster, HEARING);
after(() => audited.stop());
const unaudited = await startBridge(cluster, { ...HEARING, audit_interval: '1h' });
after(() => unaudited.stop());
const load = await startLoad(cluster, [audited, unaudited]);
after(() => load.stop());

const delivery = async () => (await cluster.query('SELECT mode, worker_pid, events::int FROM unichat_delivery()'))[0];
const successorOf = (pid) => until(async () => {
  const now = await delivery();
  return now.worker_pid && now.worker_pid !== pid && now.events > 0 && now;
}, 'another worker that has notified', 60000);
const recoveries = () => cluster.log().split('all server processes terminated; reinitializing').length - 1;

test('SIGKILL, which restarts the server: the successor goes on', async () => {
  for (let round = 0; round < 3; round++) {
    await load.goesOn();
    const { worker_pid: pid } = await successorOf(null);
    const before = recoveries();
    process.kill(pid, 'SIGKILL');
    await until(() => recoveries() > before, 'PostgreSQL to notice', 60000);
    await successorOf(pid);
  }
  await load.goesOn();
});

test('SIGTERM, and nobody else ends: the successor goes on', async () => {
  const sessions = () => Promise.all([audited, unaudited].map((bridge) => bridge.metric('unichat_listen_sessions_total')));
  await until(async () => (await Promise.all([audited, unaudited].map((bridge) => bridge.metric('unichat_listening')))).every(Boolean), 'both to listen');
  const before = await sessions();
  for (let round = 0; round < 5; round++) {
    const { worker_pid: pid } = await successorOf(null);
    await cluster.query('SELECT pg_terminate_backend($1)', [pid]);
    await successorOf(pid);
    await load.goesOn(50);
  }
  assert.deepEqual(await sessions(), before);
  await auditIsClean(audited);
});

test('SIGSTOP: the audit finds what nobody is told of, and when the worker goes on it is not shown twice', async () => {
  // Stopped within its commit it may hold a lock without which nobody can notify, not even a probe: then another time.
  const auditFinds = () => until(async () => await audited.metric('unichat_events_missed_total') > 0, 'the audit', 30000).then(() => true, () => false);
  const { worker_pid: pid } = await successorOf(null);
  const lag = () => audited.metric('unichat_delivery_lag_seconds');
  let found = false;
  let lagged = 0;
  for (let round = 0; round < 5 && !found; round++)
    await frozen(pid, async () => { found = await auditFinds(); lagged = Math.max(lagged, await lag()); });
  assert.ok(found);
  assert.ok(lagged > 1, `the metric says ${lagged} s`);
  await until(async () => await lag() < 1, 'the worker to have caught up');
  assert.equal((await delivery()).worker_pid, pid);
  await load.goesOn();
});

test('every client has everything, once, in order, and all of it was the worker\'s', async () => {
  const reports = await load.prove();
  assert.equal(reports.length, load.clients.reduce((sum, some) => sum + some.count, 0));
  assert.equal((await delivery()).mode, 'worker');
  const [{ by_writers: byWriters, all }] = await cluster.query('SELECT count(*) FILTER (WHERE notified)::int AS by_writers, count(*)::int AS all FROM chat_events');
  assert.equal(byWriters, 0, `${byWriters} of ${all} events`);
});
