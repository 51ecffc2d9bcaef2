// What can happen to the listening session, and to the NOTIFY queue that it shares with other applications.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { connectClient, freePort, run, scratchFolder, serve, startBridge, startCluster, top, until } from '../lib/index.js';
import { auditIsClean, hearAll } from './lib/hear.js';
import { startProxy } from './lib/proxy.js';
import { IMPATIENT } from './lib/topology.js';

const cluster = await startCluster({ config: { wal_writer_delay: '10s' } }); // for the xids, below
const net = await startProxy(() => ({ host: '127.0.0.1', port: cluster.port }));
const bridge = await startBridge(cluster, { ...IMPATIENT, database: `host=127.0.0.1 port=${net.port} dbname=chat user=postgres` });
after(async () => { await bridge.stop(); await net.stop(); await cluster.stop(); });

const ear = await hearAll(bridge);
const send = (player, text) => cluster.query('SELECT unichat_send($1, $2)', [player, text]);
const LISTENER = `application_name = 'unichat-bridge listener'`;
const listening = (wanted) => until(async () => await bridge.metric('unichat_listening') === wanted, `unichat_listening to be ${wanted}`);

test('terminated: what was committed meanwhile is caught up', async () => {
  for (let n = 0; n < 5; n++) {
    await cluster.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${LISTENER}`);
    for (let m = 0; m < 10; m++) await send('terminated', `${n} ${m}`);
  }
  await ear.exactly(cluster, 'terminated');
  assert.ok(await bridge.metric('unichat_listen_sessions_total') > 1);
});

test('half-open: a connection that is alive to the kernel and dead to us is found by the probe, and replaced', async () => {
  const sessions = await bridge.metric('unichat_listen_sessions_total');
  net.silence();
  for (let m = 0; m < 10; m++) await send('half-open', `${m}`);
  await listening(0);
  await net.restore();
  await ear.exactly(cluster, 'half-open');
  assert.ok(await bridge.metric('unichat_listen_sessions_total') > sessions);
  assert.ok(await bridge.metric('unichat_listen_probe_failures_total') > 0);
});

test('PostgreSQL killed by SIGKILL in the middle of writing: all that was committed, and nothing else', async () => {
  const writer = (async () => { try { for (;;) await send('killed', 'x'); } catch { return true; } })();
  await until(() => ear.of('killed').length > 20, 'some messages');
  await cluster.kill9();
  await writer;
  await cluster.start();
  await send('killed', 'after');
  await ear.exactly(cluster, 'killed');
});

test('a backend killed by SIGKILL: the server recovers, and so do we', async () => {
  const client = await cluster.connect();
  const { rows: [{ pid }] } = await client.query('SELECT pg_backend_pid() AS pid');
  await send('crash', 'before');
  process.kill(pid, 'SIGKILL');
  await until(() => /all server processes terminated; reinitializing/.test(cluster.log()), 'PostgreSQL to notice');
  await until(() => send('crash', 'after'), 'PostgreSQL to recover');
  await ear.exactly(cluster, 'crash');
});

test('an xid that a crash has given out twice does not hide an event', async () => {
  await until(() => send('xid', 'before'), 'PostgreSQL to accept connections');
  await listening(1);
  await ear.exactly(cluster, 'xid');
  const { rows: [{ taken }] } = await (async () => { // ends without a trace on disk
    const client = await cluster.connect();
    await client.query('BEGIN');
    for (let n = 0; n < 50; n++) await client.query('SAVEPOINT s; SELECT pg_current_xact_id(); RELEASE s');
    const answer = await client.query('SELECT pg_current_xact_id()::text::bigint AS taken');
    await client.query('ROLLBACK');
    return answer;
  })();
  const audits = await bridge.metric('unichat_db_statement_seconds_count');
  await until(async () => await bridge.metric('unichat_db_statement_seconds_count') > audits + 2, 'two audits');
  await net.close();
  await cluster.kill9();
  await cluster.start();
  await send('xid', 'after the crash');
  const [{ used }] = await cluster.query(`SELECT max(xid::text::bigint) AS used FROM chat_events WHERE player_id = 'xid'`);
  await net.restore();
  await ear.exactly(cluster, 'xid');
  assert.ok(Number(used) <= Number(taken), 'the xid was given out twice, so the test has tested something');
});

test('another application that holds the queue, and one that shouts into our channel', async () => {
  const holder = await cluster.connect();
  await holder.query('LISTEN elsewhere');
  await holder.query('BEGIN');
  await holder.query('SELECT 1');
  cluster.psql(Array.from({ length: 500 }, (_, n) => `NOTIFY elsewhere, '${'x'.repeat(5000)}${n}';`).join('\n'));
  cluster.psql(`NOTIFY unichat, 'hello'; NOTIFY unichat; SELECT pg_notify('unichat', '{"playerId":"forged"}');`);
  for (let m = 0; m < 10; m++) await send('held', `${m}`);
  await ear.exactly(cluster, 'held');
  assert.equal(await bridge.metric('unichat_events_unreadable_total'), 3);
  assert.ok(Number((await cluster.query('SELECT pg_notification_queue_usage() AS usage'))[0].usage) > 0, 'it is the other one who holds it');
  await holder.query('COMMIT');
  await holder.end();
  await until(async () => Number((await cluster.query('SELECT pg_notification_queue_usage() AS usage'))[0].usage) === 0, 'the queue to be empty');
});

test('DROP and CREATE EXTENSION under a running bridge: it hears of the new one, and who resumes is told to resync', async () => {
  await send('dropped', 'old');
  await ear.exactly(cluster, 'dropped');
  cluster.psql('DROP EXTENSION unichat');
  cluster.psql('CREATE EXTENSION unichat');
  await send('created', 'new');
  await until(() => ear.texts('created').length === 1, 'the new message', 30000);
  const client = await connectClient(bridge, { token: bridge.token('player', 'dropped') });
  client.pusher.send_event('unichat:resume', { channel: 'private-player-dropped', after: 2 });
  await client.subscribe('private-player-dropped');
  const answer = await client.waitFor(({ event }) => event.startsWith('unichat:'), 'an answer');
  assert.deepEqual([answer.event, answer.data.reason], ['unichat:resync', 'ahead']);
  client.close();
});

test('and the audit has found nothing missing', () => auditIsClean(bridge));

test('through pgbouncer in transaction mode: the log says why nothing is heard', async (t) => {
  const { status, stdout } = run(`${top}/scripts/pgbouncer.sh`, [], { mayFail: true });
  if (status !== 0) return t.skip('there is no pgbouncer, and no package of it');
  const [folder, port] = [scratchFolder('pooler'), await freePort()];
  fs.chmodSync(folder, 0o777);
  const ini = path.join(folder, 'pgbouncer.ini');
  fs.writeFileSync(ini, `[databases]\nchat = host=127.0.0.1 port=${cluster.port} dbname=chat user=postgres\n[pgbouncer]\npool_mode = transaction\n`
    + `listen_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = any\nignore_startup_parameters = extra_float_digits,options\n`);
  const pooler = serve(stdout.trim(), [ini], { logFile: path.join(folder, 'log'), user: 'postgres' });
  const pooled = await startBridge(cluster, { ...IMPATIENT, database: `host=127.0.0.1 port=${port} dbname=chat user=postgres` }, { wait: false });
  try {
    // The pooler gives the session a server of its own by chance for as long as nobody else wants one.
    const token = pooled.token('staff', 'sam');
    const work = () => Promise.all(Array.from({ length: 4 }, () => pooled.api('GET', '/api/unified-chat/requests', { token })));
    await until(async () => { await work(); return /listening_in_vain.*pool_mode=session/.test(pooled.log()); }, 'the hint');
  } finally {
    await pooled.stop();
    pooler.kill('SIGKILL');
  }
});
