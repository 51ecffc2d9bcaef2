// A statement that hangs in the database holds up neither a delivery nor another request.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectClient, startAll, until } from '../lib/index.js';

const { cluster, bridge } = await startAll({ pool_size: 3, statement_timeout: '60s' });
const staffToken = bridge.token('staff', 'grace');
const staff = await connectClient(bridge, { token: staffToken, channels: ['private-staff-portal'] });
after(() => staff.close());

// A session of ours keeps these players locked, so that the bridge's own statements for them wait; until the test's end at most.
async function lockPlayer(test, ...ids) {
  const session = await cluster.connect();
  test.after(() => session.end());
  for (const id of ids) await session.query('SELECT unichat_send($1, $2)', [id, 'first']);
  await session.query('BEGIN');
  await session.query('SELECT 1 FROM chat_requests WHERE player_id = ANY ($1) ORDER BY id FOR UPDATE', [ids]);
  await session.query('SELECT 1 FROM chat_players WHERE player_id = ANY ($1) ORDER BY player_id FOR UPDATE', [ids]);
  return session;
}

const waiting = async () => Number((await cluster.query(
  "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"))[0].count);

test('with a request stuck in the database, events are delivered without delay', async (t) => {
  const session = await lockPlayer(t, 'stuck');
  const stuck = bridge.api('POST', '/api/unified-chat/send', { token: bridge.token('player', 'stuck'), body: { message: 'second' } });
  await until(async () => (await waiting()) === 1, 'the statement to wait for the lock');
  const delays = [];
  for (let i = 0; i < 50; i++) {
    await cluster.query("SELECT unichat_send('quick', $1)", [`message ${i}`]);
    const committed = Date.now();
    const { at } = await staff.waitFor((e) => e.data.message === `message ${i}`, `message ${i}`);
    delays.push(at - committed);
  }
  delays.sort((a, b) => a - b);
  assert.ok(delays[25] < 100, `the median delivery took ${delays[25]} ms`);
  await session.query('ROLLBACK');
  assert.equal((await stuck).status, 201);
});

test('other requests are answered meanwhile by the other connections', async (t) => {
  const session = await lockPlayer(t, 'stuck');
  const stuck = bridge.api('POST', '/api/unified-chat/send', { token: bridge.token('player', 'stuck'), body: { message: 'third' } });
  await until(async () => (await waiting()) === 1, 'the statement to wait for the lock');
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => bridge.api('POST', '/api/unified-chat/send',
    { token: bridge.token('player', `other-${i}`), body: { message: 'hello' } })));
  assert.deepEqual(new Set(answers.map((a) => a.status)), new Set([201]));
  await session.query('ROLLBACK');
  assert.equal((await stuck).status, 201);
});

test('with every connection of the pool stuck, events are still delivered', async (t) => {
  const session = await lockPlayer(t, 'stuck', 'stuck-too', 'stuck-as-well');
  const stuck = Array.from({ length: 6 }, (_, i) => bridge.api('POST', '/api/unified-chat/send',
    { token: bridge.token('player', ['stuck', 'stuck-too', 'stuck-as-well'][i % 3]), body: { message: `more ${i}` } }));
  await until(async () => (await waiting()) === 3, 'all three connections to wait');
  cluster.psql("SELECT unichat_send('quick', 'through the jam')");
  const committed = Date.now();
  const { at } = await staff.waitFor((e) => e.data.message === 'through the jam', 'the message');
  assert.ok(at - committed < 500, `took ${at - committed} ms`);
  assert.equal((await bridge.api('GET', '/healthz')).status, 200);
  await session.query('ROLLBACK');
  for (const answer of await Promise.all(stuck)) assert.equal(answer.status, 201);
});

test('a statement over statement_timeout is answered with an error and frees its connection', async (t) => {
  bridge.configure({ statement_timeout: '300ms' });
  await bridge.restart();
  const session = await lockPlayer(t, 'stuck');
  const answer = await bridge.api('POST', '/api/unified-chat/send', { token: bridge.token('player', 'stuck'), body: { message: 'x' } });
  assert.equal(answer.status, 503, JSON.stringify(answer.body));
  await session.query('ROLLBACK');
  assert.equal((await bridge.api('POST', '/api/unified-chat/send', { token: bridge.token('player', 'stuck'), body: { message: 'y' } })).status, 201);
});
