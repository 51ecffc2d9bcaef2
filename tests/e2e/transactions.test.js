// Delivered if and only if committed, however the row came into the table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectClient, isGapless, startAll, until } from '../lib/index.js';

const { cluster, bridge } = await startAll();
const staff = await connectClient(bridge, { token: bridge.token('staff', 'grace'), channels: ['private-staff-portal'] });
const of = (playerId) => staff.events.filter((e) => e.data.playerId === playerId).map((e) => e.data);
const texts = (playerId) => of(playerId).filter((d) => d.kind === 'message').map((d) => d.message);

// A message that is sent after everything else and has arrived: whatever was to come before it has come.
async function fence(name) {
  cluster.psql(`SELECT unichat_send('fence-${name}', 'fence')`);
  await until(() => texts(`fence-${name}`).length === 1, 'the fence');
}

test('a rolled-back transaction delivers nothing and leaves no gap', async () => {
  cluster.psql("BEGIN; SELECT unichat_send('ada', 'never'); ROLLBACK; SELECT unichat_send('ada', 'said')");
  await fence('rollback');
  assert.deepEqual(texts('ada'), ['said']);
  assert.deepEqual(of('ada').map((d) => d.seq), [1, 2]);
});

test('nothing is delivered before the commit', async () => {
  const session = await cluster.connect();
  await session.query('BEGIN');
  await session.query("SELECT unichat_send('slow', 'later')");
  await fence('open');
  assert.deepEqual(of('slow'), []);
  await session.query('COMMIT');
  await until(() => texts('slow').length === 1, 'the message after its commit');
  await session.end();
});

test('what was rolled back to a savepoint is not delivered, the rest is', async () => {
  cluster.psql(`BEGIN; SELECT unichat_send('save', 'one'); SAVEPOINT s; SELECT unichat_send('save', 'two'); ROLLBACK TO s;
    SELECT unichat_send('save', 'three'); COMMIT`);
  await fence('savepoint');
  assert.deepEqual(texts('save'), ['one', 'three']);
  isGapless(of('save').map((d) => d.seq));
});

test('a plain INSERT typed into psql is delivered', async () => {
  cluster.psql("INSERT INTO chat_messages (player_id, message_text) VALUES ('psql', 'typed by hand')");
  await until(() => texts('psql').length === 1, 'the message');
  assert.deepEqual(of('psql').map((d) => d.kind), ['request_created', 'message']);
});

test('COPY delivers every line, in order', async () => {
  const lines = Array.from({ length: 50 }, (_, i) => `copy\tline ${i}\n`).join('');
  cluster.psql(`COPY chat_messages (player_id, message_text) FROM stdin;\n${lines}\\.\n`);
  await until(() => texts('copy').length === 50, '50 messages');
  assert.deepEqual(texts('copy'), Array.from({ length: 50 }, (_, i) => `line ${i}`));
});

test('a status set by a plain UPDATE is delivered', async () => {
  cluster.psql("UPDATE chat_requests SET status = 'in_progress', assigned_to = 'grace' WHERE player_id = 'psql'");
  await until(() => of('psql').some((d) => d.kind === 'claimed' && d.assignedTo === 'grace'), 'the claim');
});

test('10,000 sends of 100 players in one transaction all arrive, each player in order', async () => {
  const missed = await bridge.metric('unichat_events_missed_total');
  cluster.psql("SELECT count(unichat_send('bulk-' || i % 100, 'message ' || i)) FROM generate_series(1, 10000) i");
  const arrived = () => staff.events.filter((e) => e.data.playerId.startsWith('bulk-')).length;
  await until(() => arrived() >= 10100, '10,100 events', 60000).catch((error) => { throw new Error(`${error.message} (${arrived()} arrived)`); });
  const seqs = new Map();
  for (const { data } of staff.events.filter((e) => e.data.playerId.startsWith('bulk-'))) {
    if (!seqs.has(data.playerId)) seqs.set(data.playerId, []);
    seqs.get(data.playerId).push(data.seq);
  }
  assert.equal(seqs.size, 100);
  for (const list of seqs.values()) assert.deepEqual(list, Array.from({ length: 101 }, (_, i) => i + 1));
  assert.equal(missed, 0);
  assert.equal(await bridge.metric('unichat_events_missed_total'), 0, 'NOTIFY alone has carried them');
});

