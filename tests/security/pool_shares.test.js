// A player’s row is locked by a SQL session: what is written to that player waits, and takes so many of the bridge’s connections
// and no more, whoever asks. Everybody else chats as if nothing were.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startAll, until } from '../lib/index.js';

const { cluster, bridge } = await startAll({ pool_queue: 200, statement_timeout: '4s' });
const staff = bridge.token('staff', 'grace');
const send = (token, body) => bridge.api('POST', '/api/unified-chat/send', { token, body });
const count = (answers) => answers.reduce((by, { status }) => ({ ...by, [status]: (by[status] || 0) + 1 }), {});
const blocked = async () => (await cluster.query("SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'unichat-bridge%'"))[0].n;

// Holds the row until released.
async function lock(id) {
  const session = await cluster.connect();
  await session.query('BEGIN');
  await session.query('SELECT unichat_send($1, $2)', [id, 'and now I wait']);
  const release = () => session.query('COMMIT').then(() => session.end());
  after(() => session.end().catch(() => {}));
  return release;
}

// Ten others send, one after the other, while at most one statement waits for the lock; how long the slowest took.
async function othersChat(of) {
  let slowest = 0;
  for (let i = 0; i < 10; i++) {
    const before = Date.now();
    const answers = await Promise.all([send(bridge.token('player', `${of}-${i}`), { message: 'hello' }), send(staff, { playerId: `${of}-${i}`, message: 'hi' }),
      bridge.api('GET', '/api/unified-chat/requests', { token: bridge.token('staff', 'alan') })]);
    assert.ok(answers.every(({ status }) => status === 201 || status === 200 || status === 409), JSON.stringify(count(answers)));
    assert.ok(await blocked() <= 1, 'more than one statement waits for the lock');
    slowest = Math.max(slowest, Date.now() - before);
  }
  return slowest;
}

test('fifty messages of that player at once hold up nobody; they are stored when the row is free', async () => {
  const release = await lock('mallory');
  const flood = Promise.all(Array.from({ length: 50 }, (_, i) => send(bridge.token('player', 'mallory'), { message: `m${i}`, clientMessageId: `m${i}` })));
  await until(async () => await blocked() === 1, 'one of them to wait for the lock');
  const slowest = await othersChat('first');
  assert.ok(slowest < 2000, `the slowest took ${slowest} ms`);
  await release();
  assert.deepEqual(count(await flood), { 201: 50 });
});

test('nor do fifty answers to that player, and those who gave them go on with others', async () => {
  const release = await lock('mallory');
  const flood = Promise.all(Array.from({ length: 50 }, (_, i) => send(bridge.token('staff', ['grace', 'alan', `staff-${i}`][i % 3]), { playerId: 'mallory', message: `s${i}` })));
  await until(async () => await blocked() === 1, 'one of them to wait for the lock');
  assert.ok(await othersChat('second') < 2000);
  await release();
  assert.deepEqual(Object.keys(count(await flood)), ['201', '409']); // who is first has claimed it
});

test('what waits too long is answered 503 with Retry-After, and so is what is too much to wait', async () => {
  const release = await lock('mallory');
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => send(bridge.token('player', 'mallory'), { message: `late ${i}` })));
  assert.deepEqual(count(answers), { 503: 60 });
  for (const { headers, body } of answers) {
    assert.equal(headers.get('retry-after'), '1');
    assert.equal(body.error.code, 'database_unavailable');
  }
  await release();
  assert.equal((await send(bridge.token('player', 'mallory'), { message: 'again' })).status, 201);
});
