// The bridge killed, PostgreSQL restarted or killed, in the middle of a chat: for a client that follows by seq, as the
// portals do, no message is missing, doubled or out of order, and neither side has to reload.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { follow, startAll, until } from '../lib/index.js';

const { cluster, bridge } = await startAll({ audit_interval: '500ms' });
const playerToken = bridge.token('player', 'ada', 'Ada');
const staffToken = bridge.token('staff', 'grace', 'Grace');
const player = await follow(bridge, { token: playerToken, channel: 'private-player-ada', playerId: 'ada' });
const staff = await follow(bridge, { token: staffToken, channel: 'private-staff-portal', playerId: 'ada' });
after(() => { player.close(); staff.close(); });

let written = 0;

// Chats through the HTTP API as both portals would until `stopped` says so: each message is retried, with its
// clientMessageId, until it is answered. Returns the texts in the order of their answers.
async function chat(stopped) {
  const texts = [];
  while (!stopped()) {
    const text = `message ${++written}`;
    const body = { playerId: 'ada', message: text, clientMessageId: `c-${written}` };
    await until(async () => {
      const answer = await bridge.api('POST', '/api/unified-chat/send', { token: written % 3 ? playerToken : staffToken, body });
      return [200, 201].includes(answer.status);
    }, `"${text}" to be accepted`, 60000);
    texts.push(text);
  }
  return texts;
}

// Both sides show exactly what the table holds, and the table holds exactly what was accepted.
async function allTheSame() {
  const rows = await until(() => cluster.query("SELECT seq::int, message_text FROM chat_messages WHERE player_id = 'ada' ORDER BY seq"), 'the database');
  assert.equal(rows.length, written);
  assert.deepEqual(rows.map((r) => r.message_text), Array.from({ length: written }, (_, i) => `message ${i + 1}`));
  for (const [who, follower] of Object.entries({ player, staff })) {
    await until(() => follower.messages.length >= rows.length, `${written} messages at the ${who}, who has ${follower.messages.length}`, 60000);
    assert.deepEqual(follower.messages.map((m) => [m.seq, m.message]), rows.map((r) => [r.seq, r.message_text]), who);
  }
}

async function during(disaster) {
  let over = false;
  const texts = chat(() => over);
  const start = written;
  try {
    await until(() => written >= start + 5, 'the chat to be under way');
    await disaster();
    const then = written;
    await until(() => written >= then + 5, 'the chat to go on', 60000);
  } finally {
    over = true;
    await texts;
  }
  await allTheSame();
}

test('an undisturbed chat', () => during(() => {}));

test('the bridge killed by SIGKILL and started again', () => during(() => bridge.restart()));

test('the bridge gone for a while, in which SQL goes on', () => during(async () => {
  await bridge.kill('SIGKILL');
  cluster.psql("SELECT unichat_send('bystander', 'x')");
  await bridge.start();
}));

test('the bridge killed three times in a row', () => during(async () => {
  for (let i = 0; i < 3; i++) await bridge.restart();
}));

for (const mode of ['fast', 'immediate'])
  test(`PostgreSQL restarted, ${mode}`, () => during(() => cluster.restart(mode)));

test('the postmaster killed by SIGKILL', () => during(async () => {
  await cluster.kill9();
  await cluster.start();
}));

test('PostgreSQL and the bridge at once', () => during(async () => {
  await Promise.all([bridge.kill('SIGKILL'), cluster.down('immediate')]);
  await cluster.start();
  await bridge.start();
}));

test('the listening session alone is terminated', () => during(async () => {
  await until(async () => (await cluster.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = 'chat' AND pid <> pg_backend_pid() AND query ILIKE '%listen%' OR application_name ILIKE '%listen%'`)).length > 0, 'the listening session');
}));

test('while PostgreSQL is away for seconds the clients stay connected, and events of the pause arrive by push', async () => {
  const connectedSince = player.client.states.length;
  await cluster.down('fast');
  await until(async () => (await bridge.api('GET', '/readyz')).status === 503, 'the bridge to notice');
  await cluster.start();
  cluster.psql("SELECT unichat_send('ada', 'message ' || " + (++written) + ')'); // likely before the bridge listens again
  await allTheSame();
  assert.equal(player.client.states.length, connectedSince, `the client's states: ${player.client.states}`);
});

test('the server never pushed anything twice', async () => {
  await during(() => {}); // what was on its way has come before what this brings
  assert.deepEqual([player.twice, staff.twice], [0, 0]);
});
