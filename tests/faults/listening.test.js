// What can happen to the listening session, and to the NOTIFY queue that it shares with other applications.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { freePort, run, scratchFolder, serve, startBridge, startCluster, top, until } from '../lib/index.js';
import { auditIsClean, hearAll } from './lib/hear.js';
import { startProxy } from './lib/proxy.js';
import { HEARING } from './lib/topology.js';

const cluster = await startCluster({ config: { wal_writer_delay: '10s' } }); // for the xids, below
const net = await startProxy(() => ({ host: '127.0.0.1', port: cluster.port }));
const bridge = await startBridge(cluster, { ...HEARING, database: `host=127.0.0.1 port=${net.port} dbname=chat user=postgres` });
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

test('very much was missed, and more is sent while it is caught up with: all of it, once, in order', { timeout: 300000 }, async (t) => {
  const away = await startBridge(cluster, { ...HEARING, statement_timeout: '30s', max_queue: '256MB', max_queue_time: '10min',
    database: `host=127.0.0.1 port=${net.port} dbname=chat user=postgres` });
  t.after(() => away.stop());
  const heard = await hearAll(away);
  await net.close();
  await cluster.query(`INSERT INTO chat_messages (player_id, message_text) SELECT 'missed-' || n % 100, 'message ' || n FROM generate_series(1, 20000) n`);
  const caughtUp = () => away.log().match(/events_caught_up=(\d+)/g).some((line) => Number(line.split('=')[1]) > 20000);
  await net.restore();
  for (let n = 0; !caughtUp(); n++) await send(`missed-${n * 37 % 100}`, 'meanwhile');
  for (let n = 0; n < 100; n++) await heard.exactly(cluster, `missed-${n}`, { deadline: 60000 });
  assert.deepEqual(heard.client.events.filter(({ event }) => event === 'unichat:resync'), []);
  await auditIsClean(away, heard);
  heard.close();
});

test('another application that holds the queue, and what is no event on the channel of events', async () => {
  const holder = await cluster.connect();
  await holder.query('LISTEN elsewhere');
  await holder.query('BEGIN');
  await holder.query('SELECT 1');
  cluster.psql(Array.from({ length: 500 }, (_, n) => `NOTIFY elsewhere, '${'x'.repeat(5000)}${n}';`).join('\n'));
  await until(async () => {
    for (const junk of ["'hello'", "''", `'{"playerId":"forged"}'`]) cluster.psql(`SELECT unichat_notify('event', ${junk})`);
    return await bridge.metric('unichat_events_unreadable_total') >= 3;
  }, 'the bridge to have heard them');
  for (let m = 0; m < 10; m++) await send('held', `${m}`);
  await ear.exactly(cluster, 'held');
  // A full queue takes no notification, and only those who notify or ask for its usage empty it: here that is the bridge alone.
  await until(async () => await bridge.metric('unichat_notify_queue_usage') > 0, 'the bridge to say that the queue is held');
  await holder.query('COMMIT');
  await holder.end();
  await until(async () => await bridge.metric('unichat_notify_queue_usage') === 0, 'the bridge to find the queue empty');
});

test('an audit that never ends in time gives way to a catch-up', async (t) => {
  const hasty = await startBridge(cluster, { ...HEARING, statement_timeout: '100ms', audit_interval: '100ms' });
  t.after(() => hasty.stop());
  const heard = await hearAll(hasty);
  const session = await cluster.connect();
  await session.query('BEGIN');
  await session.query('LOCK TABLE chat_events');
  await until(async () => await hasty.metric('unichat_listen_sessions_total') > 1, 'another session');
  await session.query('COMMIT');
  await session.end();
  await send('audit', 'after');
  await heard.exactly(cluster, 'audit');
  heard.close();
});

test('and the audit has found nothing missing', () => auditIsClean(bridge, ear));

test('through pgbouncer in transaction mode: the log says why nothing is heard', async (t) => {
  const { status, stdout } = run(`${top}/scripts/pgbouncer.sh`, [], { mayFail: true });
  if (status !== 0) return t.skip('there is no pgbouncer, and no package of it');
  const [folder, port] = [scratchFolder('pooler'), await freePort()];
  fs.chmodSync(folder, 0o777);
  const ini = path.join(folder, 'pgbouncer.ini');
  fs.writeFileSync(ini, `[databases]\nchat = host=127.0.0.1 port=${cluster.port} dbname=chat user=postgres\n[pgbouncer]\npool_mode = transaction\n`
    + `listen_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = any\nignore_startup_parameters = extra_float_digits,options\n`);
  const pooler = serve(stdout.trim(), [ini], { logFile: path.join(folder, 'log'), user: 'postgres' });
  const pooled = await startBridge(cluster, { ...HEARING, database: `host=127.0.0.1 port=${port} dbname=chat user=postgres` }, { wait: false });
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
