// Another history: a standby that is promoted, and a database restored from an older dump, elsewhere and in its place.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectClient, run, startBridge, startCluster, until } from '../lib/index.js';
import { auditIsClean, hearAll } from './lib/hear.js';
import { startProxy } from './lib/proxy.js';
import { bothDsn, promote, startStandby } from './lib/standby.js';
import { HEARING } from './lib/topology.js';

// A client's answer to a resume.
async function resume(bridge, player, data) {
  const channel = `private-player-${player}`;
  const client = await connectClient(bridge, { token: bridge.token('player', player) });
  client.pusher.send_event('unichat:resume', { channel, ...data });
  const greeting = await client.subscribe(channel);
  const { event, data: answer } = await client.waitFor((one) => one.event.startsWith('unichat:'), 'an answer');
  const seqs = client.on(channel).filter((one) => one.data.playerId).map((one) => one.data.seq);
  client.close();
  return { event, answer, seqs, epoch: greeting.epoch };
}

test('promotion of a standby: the bridge finds it, delivers what was committed, and tells everybody to resync', async () => {
  const primary = await startCluster({ config: { wal_retrieve_retry_interval: '200ms' } });
  after(() => primary.stop());
  const standby = await startStandby(primary);
  after(() => standby.stop());
  const bridge = await startBridge(primary, { ...HEARING, database: bothDsn(primary, standby) });
  after(() => bridge.stop());
  const ear = await hearAll(bridge);

  for (let n = 0; n < 20; n++) await primary.query('SELECT unichat_send($1, $2)', ['ann', `before ${n}`]);
  const before = await resume(bridge, 'ann', { after: 10 });
  assert.equal(before.event, 'unichat:resumed');
  await primary.kill9();
  await promote(standby);
  for (let n = 0; n < 20; n++) await standby.query('SELECT unichat_send($1, $2)', ['ann', `after ${n}`]);

  assert.equal(await ear.exactly(standby, 'ann'), 41);
  await ear.client.waitFor(({ event, data }) => event === 'unichat:resync' && data.reason === 'epoch', 'the resync');
  const known = await resume(bridge, 'ann', { after: 10, epoch: before.epoch });
  assert.deepEqual([known.event, known.answer.reason], ['unichat:resync', 'epoch']);
  const anew = await resume(bridge, 'ann', { after: 0, epoch: known.epoch });
  assert.deepEqual(anew.seqs, Array.from({ length: 41 }, (_, n) => n + 1));
  await auditIsClean(bridge, ear);
});

test('an old primary that was not fenced, and still has the pool: no resume is answered from there', async () => {
  const primary = await startCluster({ config: { wal_retrieve_retry_interval: '200ms' } });
  after(() => primary.stop());
  const standby = await startStandby(primary);
  after(() => standby.stop());
  const nets = [];
  for (const server of [primary, standby]) nets.push(await startProxy(() => ({ host: '127.0.0.1', port: server.port })));
  after(() => Promise.all(nets.map((net) => net.stop())));
  const bridge = await startBridge(primary, { ...HEARING, audit_interval: '2s', database: bothDsn(primary, standby, nets.map(({ port }) => port)) });
  after(() => bridge.stop());
  const ear = await hearAll(bridge);
  await primary.query(`SELECT unichat_send('ann', 'before')`);
  await ear.exactly(primary, 'ann');

  await promote(standby);
  nets[0].refuse();
  primary.psql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'unichat-bridge listener'`);
  const resyncs = () => ear.client.events.filter(({ event }) => event === 'unichat:resync').length;
  await until(() => resyncs() === 1, 'the resync');
  await standby.query(`SELECT unichat_send('ann', 'only at the new one')`);
  await ear.client.waitFor(({ data }) => data.message === 'only at the new one', 'the new message');
  assert.equal(primary.psql(`SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'unichat-bridge pool%'`).trim(), 't');
  const { event, answer } = await resume(bridge, 'ann', { after: 2 });
  assert.deepEqual([event, answer.reason], ['unichat:resync', 'epoch']);

  await until(() => /another database than the session's/.test(bridge.log()), 'the audit to notice');
  nets[0].cut();
  await until(async () => (await resume(bridge, 'ann', { after: 2 })).seqs.join() === '3', 'a resume from the new primary');
  assert.equal(resyncs(), 1, 'nobody else was told anything');
});

test('a database restored elsewhere from an older dump: nobody is left in silence', async () => {
  const [old, restored] = [await startCluster(), await startCluster({ schema: null })];
  after(() => old.stop());
  after(() => restored.stop());
  let server = old;
  const net = await startProxy(() => ({ host: '127.0.0.1', port: server.port }));
  after(() => net.stop());
  const bridge = await startBridge(old, { ...HEARING, database: `host=127.0.0.1 port=${net.port} dbname=chat user=postgres` });
  after(() => bridge.stop());
  const ear = await hearAll(bridge);

  await old.query(`SELECT unichat_send('ann', 'kept')`);
  const dump = run(`${old.bin}/pg_dump`, ['-d', old.tcpDsn]);
  for (let n = 0; n < 5; n++) await old.query(`SELECT unichat_send('ann', 'lost with the old server')`);
  await ear.exactly(old, 'ann');
  const before = await resume(bridge, 'ann', { after: 3 });

  server = restored;
  restored.psql(dump);
  net.cut();
  await ear.client.waitFor(({ event, data }) => event === 'unichat:resync' && data.reason === 'epoch', 'the resync');
  assert.equal((await resume(bridge, 'ann', { after: 7 })).answer.reason, 'ahead');
  assert.equal((await resume(bridge, 'ann', { after: 1, epoch: before.epoch })).answer.reason, 'epoch');
  await restored.query(`SELECT unichat_send('ann', 'a new one')`);
  await until(() => ear.texts('ann').at(-1) === 'a new one', 'the new message');
  assert.deepEqual((await resume(bridge, 'ann', { after: 0 })).seqs, [1, 2, 3]);
});

test('a database dropped and restored from an older dump into the same cluster: everybody is told to resync', async () => {
  const cluster = await startCluster();
  after(() => cluster.stop());
  const bridge = await startBridge(cluster, HEARING);
  after(() => bridge.stop());
  const ear = await hearAll(bridge);

  await cluster.query(`SELECT unichat_send('ann', 'kept')`);
  const dump = run(`${cluster.bin}/pg_dump`, ['-d', cluster.tcpDsn]);
  await cluster.query(`SELECT unichat_send('ann', 'lost with the old database')`);
  await ear.exactly(cluster, 'ann');
  const before = await resume(bridge, 'ann', { after: 3 });

  cluster.psql('DROP DATABASE chat WITH (FORCE)', { database: 'postgres' });
  cluster.psql('CREATE DATABASE chat', { database: 'postgres' });
  cluster.psql(dump);
  await until(() => cluster.query(`SELECT unichat_send('ann', 'in its place')`), 'the restored database');
  await ear.client.waitFor(({ event, data }) => event === 'unichat:resync' && data.reason === 'epoch', 'the resync');
  assert.equal((await resume(bridge, 'ann', { after: 3, epoch: before.epoch })).answer.reason, 'epoch');
  await cluster.query(`SELECT unichat_send('ann', 'a new one')`);
  await until(() => ear.texts('ann').at(-1) === 'a new one', 'the new message');
});
