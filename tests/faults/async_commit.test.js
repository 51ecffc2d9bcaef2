// synchronous_commit = off: a crash takes back what was shown, and what comes then has its seq, and perhaps its xid too.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startBridge, startCluster, until } from '../lib/index.js';
import { hearAll, waitForAudits } from './lib/hear.js';
import { startProxy } from './lib/proxy.js';
import { HEARING } from './lib/topology.js';

const cluster = await startCluster({ config: { wal_writer_delay: '10s', autovacuum: 'off' } });
const net = await startProxy(() => ({ host: '127.0.0.1', port: cluster.port }));
const bridge = await startBridge(cluster, { ...HEARING, database: `host=127.0.0.1 port=${net.port} dbname=chat user=postgres` });
after(async () => { await bridge.stop(); await net.stop(); await cluster.stop(); });

const ear = await hearAll(bridge);
const send = (player, text) => cluster.query('SELECT unichat_send($1, $2)', [player, text]);
const sendUnsafely = (player, text) => cluster.psql(`SET synchronous_commit = off; SELECT unichat_send('${player}', '${text}')`);
const heard = (player, text) => until(() => ear.texts(player).includes(text), `"${text}"`);
const resyncs = () => ear.client.events.filter(({ event, data }) => event === 'unichat:resync' && data.reason === 'epoch').length;
const newest = async (player) => (await cluster.query(
  `SELECT seq::int, xid::text, (SELECT message_text FROM chat_messages m WHERE (m.player_id, m.seq) = (e.player_id, e.seq)) AS text
    FROM chat_events e WHERE player_id = $1 ORDER BY seq DESC LIMIT 1`, [player]))[0];
const shown = (player) => until(async () => {
  const { status, body } = await bridge.api('GET', `/api/unified-chat/messages/${player}`, { token: bridge.token('player', player) });
  return status === 200 && body.messages.map(({ message }) => message);
}, 'the history');

// Sends what a crash takes back after it was shown and so many audits have seen it, and then, before the bridge is back, another
// message of that seq among others. Null: by chance it was on disk in time, or a part of it was, so that its xid is not given out again.
async function loseOne(player, { audits, others }) {
  await send(player, 'kept');
  await heard(player, 'kept');
  await waitForAudits(bridge, 2);
  sendUnsafely(player, 'lost');
  await heard(player, 'lost');
  await waitForAudits(bridge, audits);
  const lost = await newest(player);
  await net.close();
  await cluster.kill9();
  await cluster.start();
  const isLost = (await newest(player)).text === 'kept';
  for (let n = 0; isLost && n < others; n++) await send('other', `${n}`);
  await send(player, 'another');
  const another = await newest(player);
  for (let n = 0; isLost && n < others; n++) await send('other', `${n}`);
  await net.restore();
  return isLost && (another.xid === lost.xid) === (others === 0) ? { player, lost, another } : null;
}

async function lose(name, options) {
  for (let n = 1; n <= 10; n++) {
    const result = await loseOne(`${name}-${n}`, options);
    if (result) return result;
  }
  throw new Error('what was not flushed was never lost');
}

for (const audits of [0, 2]) {
  for (const [what, others] of [['the same xid', 0], ['another xid', 20]]) {
    test(`a seq given out again with ${what}, after ${audits} audits: everybody is told to load anew, and delivery goes on`, async () => {
      const before = resyncs();
      const { player, lost, another } = await lose(`twice-${others}-${audits}`, { audits, others });
      assert.equal(another.seq, lost.seq);
      await until(() => resyncs() > before, 'the resync');
      assert.deepEqual(await shown(player), ['kept', 'another']);
      await send(player, 'and on');
      await heard(player, 'and on');
    });
  }
}
