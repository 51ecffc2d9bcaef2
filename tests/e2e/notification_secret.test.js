// SQL sessions of others than the bridge: what they hear of the notifications, what they can make the bridge hear, and whether they
// learn the secret that the channels' names end with.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import pg from 'pg';
import { connectClient, startBridge, startCluster, until } from '../lib/index.js';

const LOUD = { log_statement: 'all', log_min_duration_statement: 0, log_parameter_max_length: -1, track_activity_query_size: 16384 };
const cluster = await startCluster({ config: LOUD });
after(() => cluster.stop());
cluster.psql(`CREATE ROLE bare LOGIN; CREATE ROLE web LOGIN IN ROLE unichat_player; CREATE ROLE app LOGIN IN ROLE unichat_app;
  CREATE ROLE admin LOGIN IN ROLE unichat_admin; CREATE ROLE reader LOGIN IN ROLE pg_read_all_data, pg_monitor;
  ALTER ROLE web SET unichat.player_token = '${cluster.psql("SELECT unichat_player_token('bob')").trim()}'`);
const ROLES = ['bare', 'web', 'app', 'admin', 'reader'];
const secret = cluster.psql('SELECT secret FROM unichat_secret').trim();
const bridge = await startBridge(cluster);
after(() => bridge.stop());
const client = await connectClient(bridge, { token: bridge.token('player', 'bob'), channels: ['private-player-bob'] });

async function session(user) {
  const db = new pg.Client({ host: cluster.folder, port: cluster.port, database: cluster.database, user });
  await db.connect();
  after(() => db.end());
  return db;
}
const refusal = (db, sql) => db.query(sql).then(({ rows }) => JSON.stringify(rows), (error) => error.code);

// Names that somebody would try; without the secret they are not those of anything.
const GUESSES = ['unichat', ...['event', 'publish', 'identity', 'revoked', 'probe'].flatMap((kind) => [`unichat_${kind}`, `unichat_${kind}_`])];

test('a secret of 128 bits', () => {
  assert.match(secret, /^[0-9a-f]{32}$/);
});

test('whoever was not granted unichat_listen hears nothing; who was hears the whole events', async () => {
  const heard = [];
  for (const role of ROLES) {
    const db = await session(role);
    db.on('notification', (n) => heard.push([role, n.payload]));
    for (const guess of GUESSES) await db.query(`LISTEN "${guess}"`);
    assert.equal(await refusal(db, 'SELECT unichat_listen()'), '42501', role);
  }
  cluster.psql('CREATE ROLE ear LOGIN; GRANT USAGE ON SCHEMA public TO ear; GRANT EXECUTE ON FUNCTION unichat_listen TO ear');
  const ear = await session('ear');
  const events = [];
  ear.on('notification', (n) => events.push(n));
  await ear.query('SELECT unichat_listen()');
  await cluster.query("SELECT unichat_send('bob', 'a secret', player_name => 'Robert')");
  await client.waitFor((e) => e.data.message === 'a secret', 'the event, by way of the bridge');
  await until(() => events.length >= 2, 'the events');
  assert.deepEqual(events.map((n) => [n.channel, JSON.parse(n.payload).kind]), [[`unichat_event_${secret}`, 'request_created'], [`unichat_event_${secret}`, 'message']]);
  assert.equal(JSON.parse(events[1].payload).message, 'a secret');
  assert.deepEqual(heard, []);
});

test('nobody believes what they forge', async () => {
  const event = JSON.parse(cluster.psql("SELECT unichat_event('bob', 2)"));
  const forged = JSON.stringify({ ...event, seq: 99, xid: String(BigInt(event.xid) + 1000n), message: 'I am the staff', sender: 'staff', senderId: 'sue' });
  for (const role of ROLES) {
    const db = await session(role);
    for (const guess of GUESSES) await db.query('SELECT pg_notify($1, $2)', [guess, forged]);
    assert.equal(await refusal(db, "SELECT unichat_notify('event', '')"), '42501', role);
  }
  await cluster.query("SELECT unichat_send('bob', 'the next')");
  await client.waitFor((e) => e.data.message === 'the next', 'the next event');
  assert.ok(!client.events.some((e) => e.data.message === 'I am the staff'), 'the forged one was delivered');
  assert.equal(await bridge.metric('unichat_events_unreadable_total'), 0, 'it was not even heard');
});

test('the secret is in no table that they can read, and in nothing that PostgreSQL shows or traces', async () => {
  for (const role of ROLES) {
    const db = await session(role);
    const notices = [];
    db.on('notice', ({ message }) => notices.push(message));
    await db.query('SET client_min_messages = debug5; SET trace_notify = on; SET debug_print_plan = on; SET debug_print_parse = on');
    const answers = [];
    for (const sql of ['SELECT * FROM unichat_secret', 'COPY unichat_secret TO STDOUT', 'SELECT * FROM pg_stat_activity', 'SELECT * FROM pg_listening_channels()',
      "SELECT * FROM pg_stats WHERE tablename = 'unichat_secret'", "SELECT unichat_send('bob', 'traced')", "SELECT unichat_publish('news', 'e', '1')",
      "SELECT unichat_revoke('player', 'eve')", "INSERT INTO unichat_secret DEFAULT VALUES", 'UPDATE unichat_secret SET secret = 1/0::text', 'SELECT unichat_secret_changed()']) {
      answers.push(await refusal(db, sql));
    }
    if (role === 'web' || role === 'app') assert.match(answers[5], /unichat_send/, 'it did send');
    const text = JSON.stringify([answers, notices]);
    assert.ok(!text.includes(secret), `${role}: ${text.slice(Math.max(0, text.indexOf(secret) - 200), text.indexOf(secret) + 40)}`);
  }
  cluster.psql('ANALYZE unichat_secret');
  const shown = cluster.psql("SELECT query FROM pg_stat_activity; SELECT * FROM pg_stats WHERE tablename = 'unichat_secret'; SELECT * FROM pg_prepared_statements");
  assert.match(shown, /unichat_/, 'statements of the bridge');
  assert.ok(!shown.includes(secret));
  await cluster.query("SELECT unichat_publish('news', 'e', '1')");
  assert.match(cluster.log(), /unichat_listen/);
  assert.ok(!cluster.log().replaceAll(/SELECT secret FROM.*/g, '').includes(secret), 'it is in the log of PostgreSQL');
  assert.ok(!bridge.log().includes(secret), 'it is in the log of the bridge');
});

test('a new secret: every session and the bridge take it, and who knew the old one hears no more', async () => {
  const ear = await session('ear'); // knows the old one, and listens to it by name
  const heard = [];
  ear.on('notification', (n) => heard.push(n.payload));
  await ear.query(`LISTEN "unichat_event_${secret}"`);
  const writer = await session('app');
  await writer.query("SELECT unichat_send('bob', 'with the old one')");
  await until(() => heard.length > 0, 'the old one to be in use');
  heard.length = 0;

  await writer.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 'a snapshot of before it'");
  await cluster.query('UPDATE unichat_secret SET secret = DEFAULT');
  await writer.query("SELECT unichat_send('bob', 'with the new one'); COMMIT");
  await client.waitFor((e) => e.data.message === 'with the new one', 'the bridge to find that out, or to catch up');
  await ear.query('SELECT 1');
  assert.deepEqual(heard, []);
  assert.notEqual(cluster.psql('SELECT secret FROM unichat_secret').trim(), secret);
});
