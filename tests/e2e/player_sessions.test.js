// A player's own SQL session: what it hears on the notification channel, and what it can make others hear.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import pg from 'pg';
import { connectClient, startBridge, startCluster, until } from '../lib/index.js';

const cluster = await startCluster();
after(() => cluster.stop());
cluster.psql('CREATE ROLE web LOGIN IN ROLE unichat_player');
const bridge = await startBridge(cluster);
after(() => bridge.stop());

test('it hears no text, and nobody believes what it forges', async () => {
  const client = await connectClient(bridge, { token: bridge.token('player', 'bob'), channels: ['private-player-bob'] });
  const web = new pg.Client({ host: cluster.folder, port: cluster.port, database: cluster.database, user: 'web' });
  await web.connect();
  after(() => web.end());
  const heard = [];
  web.on('notification', ({ payload }) => heard.push(JSON.parse(payload)));
  await web.query('LISTEN unichat');

  await cluster.query("SELECT unichat_send('bob', 'a secret', player_name => 'Robert')");
  await client.waitFor((e) => e.data.message === 'a secret', 'the whole event');
  await until(() => heard.length >= 2, 'the notifications');
  assert.deepEqual(Object.keys(heard[1]).sort(), ['kind', 'playerId', 'ref', 'requestId', 'seq', 'xid']);
  assert.doesNotMatch(JSON.stringify(heard), /secret|Robert/);

  const xid = String(BigInt(heard[1].xid) + 1000n);
  const forged = { ...heard[1], seq: 99, xid, ref: undefined, message: 'I am the staff', sender: 'staff', senderId: 'sue', messageId: '9', playerName: null, status: 'waiting', timestamp: '2026-01-01T00:00:00.000000Z' };
  await web.query('SELECT pg_notify($1, $2)', ['unichat', JSON.stringify(forged)]);
  await cluster.query("SELECT unichat_send('bob', 'the next')");
  await client.waitFor((e) => e.data.message === 'the next', 'the next event');
  assert.ok(!client.events.some((e) => e.data.message === 'I am the staff'), 'the forged one was delivered');
});
