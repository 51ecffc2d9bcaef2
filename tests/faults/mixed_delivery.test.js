// Some transactions notify by themselves while the delivery worker has still to tell of what came before: a player's events are heard
// in order all the same. The worker is stopped by SIGSTOP, so that it is behind for certain.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startBridge, startCluster, until } from '../lib/index.js';
import { hearAll } from './lib/hear.js';
import { HEARING } from './lib/topology.js';

// Of two background workers one is PostgreSQL's own launcher, so two databases cannot have one each.
const cluster = await startCluster({ config: { shared_preload_libraries: 'unichat', max_worker_processes: 2, max_prepared_transactions: 2 } });
after(() => cluster.stop());
const bridge = await startBridge(cluster, { ...HEARING, audit_interval: '1h' }); // what arrives, somebody has notified
after(() => bridge.stop());
const ear = await hearAll(bridge);

const listener = await cluster.connect(); // hears what the bridge hears, repeats too
const heard = [];
listener.on('notification', ({ payload }) => heard.push(JSON.parse(payload)));
await listener.query('SELECT unichat_listen()');
const heardOf = (player) => heard.filter(({ playerId }) => playerId === player).map(({ seq }) => seq);

const byWorker = await cluster.connect(); // as the setting is by default
const byItself = await cluster.connect();
await byItself.query('SET unichat.delivery = transaction');
const send = (session, player, text) => session.query('SELECT unichat_send($1, $2)', [player, text]);
const worker = () => cluster.psql('SELECT worker_pid FROM unichat_delivery()').trim();
const isIdle = (pid) => cluster.psql(`SELECT state = 'idle' FROM pg_stat_activity WHERE pid = ${pid}`).trim() === 't';

async function stopWorker() {
  await send(byWorker, 'waker', 'there is a worker now');
  await until(() => heardOf('waker').length > 0 && worker() && isIdle(worker()), 'the worker to run, and to wait for work');
  const pid = Number(worker());
  process.kill(pid, 'SIGSTOP');
  return pid;
}

test('a transaction that would overtake the worker leaves its event to it', async () => {
  const pid = await stopWorker();
  try {
    await send(byWorker, 'ann', 'left to the worker');
    await byItself.query('BEGIN');
    await send(byItself, 'ann', 'must not overtake it');
    await send(byItself, 'ann', 'nor this');
    await byItself.query('COMMIT');
    await send(byItself, 'bob', 'has nothing before it');
    await until(() => heardOf('bob').length === 2, 'an event that need not wait for the worker');
    assert.deepEqual(heardOf('ann'), []);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(() => heardOf('ann').length >= 4, 'the worker to go on');
  assert.deepEqual(heardOf('ann'), [1, 2, 3, 4]);
  await ear.exactly(cluster, 'ann');
});

test('once the worker has told of it, transactions notify by themselves again', async () => {
  await send(byItself, 'ann', 'after it');
  await until(() => heardOf('ann').length === 5, 'the next event');
  assert.deepEqual(await cluster.query("SELECT notified FROM chat_events WHERE player_id = 'ann' ORDER BY seq"), [false, false, false, false, true].map((notified) => ({ notified })));
});

test('what was prepared before, and commits in between, is not overtaken', async () => {
  const pid = await stopWorker();
  try {
    await byWorker.query('BEGIN');
    await send(byWorker, 'cyd', 'prepared');
    await byWorker.query("PREPARE TRANSACTION 'gid'");
    await byWorker.query("COMMIT PREPARED 'gid'");
    await send(byItself, 'cyd', 'must not overtake it');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(() => heardOf('cyd').length >= 3, 'the worker to go on');
  assert.deepEqual(heardOf('cyd'), [1, 2, 3]);
});

test('with no worker to be had, it tells of what came before first; the bridge takes each event once', async () => {
  cluster.psql('CREATE DATABASE other', { database: 'postgres' });
  cluster.psql('CREATE EXTENSION unichat', { database: 'other' });
  const pid = await stopWorker();
  await send(byWorker, 'dan', 'left to a worker that ends');
  const stopped = byItself.query('SELECT unichat_delivery_stop() AS stopped');
  await until(() => cluster.psql(`SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%delivery_stop() AS%' AND wait_event = 'Extension'`).trim() === '1', 'it to be told');
  process.kill(pid, 'SIGCONT');
  assert.equal((await stopped).rows[0].stopped, true);
  assert.equal(worker(), '');
  await until(() => { // the only place is taken
    cluster.psql("SELECT unichat_send('eve', 'in another database')", { database: 'other' });
    return cluster.psql('SELECT worker_pid FROM unichat_delivery()', { database: 'other' }).trim();
  }, 'a worker of the other database');
  assert.deepEqual(heardOf('dan'), []);
  await send(byItself, 'dan', 'comes after it');
  await until(() => heardOf('dan').length >= 3, 'all of them');
  assert.deepEqual(heardOf('dan'), [1, 2, 3]);

  cluster.psql('DROP DATABASE other WITH (FORCE)', { database: 'postgres' });
  await until(async () => { await send(byWorker, 'dan', 'the worker is back'); return worker(); }, 'a worker');
  await ear.exactly(cluster, 'dan');
});
