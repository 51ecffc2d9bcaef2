// One client that never reads, beside thousands that do: while its queue fills, when it is full, and after it was cut off, they
// have everything, no later than without it, and nobody else is closed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectSocket, startAll, until } from '../lib/index.js';
import { openCrowd } from './lib/crowd.js';
import { auditIsClean } from './lib/hear.js';

const CROWD = 5000;
const { cluster, bridge } = await startAll({ max_queue: '256kB', max_queue_time: '10min', activity_timeout: '1h', audit_interval: '300ms' });
const LONG = '€'.repeat(3900);

const usage = async () => Number((await cluster.query('SELECT pg_notification_queue_usage() AS usage'))[0].usage);
const isCutOff = async () => await bridge.metric('unichat_slow_consumers_total') > 0;

// Subscribed to what the crowd hears and to a player who says far more, and then reads no more.
async function openDeaf() {
  const deaf = await connectSocket(bridge, { headers: { authorization: `Bearer ${bridge.token('staff', 'deaf')}` } });
  for (const channel of ['player-crowd', 'player-loud']) {
    deaf.send({ event: 'pusher:subscribe', data: { channel } });
    await deaf.received((m) => m.event === 'pusher_internal:subscription_succeeded' && m.channel === channel, `the subscription to ${channel}`);
  }
  deaf.ws._socket.pause();
  return deaf;
}

// One message for all, in one transaction with a hundred for the deaf one; until everybody who reads has it. How long it took, in ms.
async function say(crowd, n) {
  const begun = performance.now();
  await cluster.query(`WITH many AS (INSERT INTO chat_messages (player_id, message_text) SELECT 'loud', $1 || n FROM generate_series(1, 100) n)
    SELECT unichat_send('crowd', $2)`, [LONG, `message ${n}`]);
  const [{ last }] = await cluster.query(`SELECT last_seq::int AS last FROM chat_players WHERE player_id = 'crowd'`);
  await until(() => crowd.have(last) || crowd.wrong().length > 0, `all to have event ${last}`, 60000);
  const ms = performance.now() - begun;
  assert.deepEqual(crowd.wrong(), []);
  await until(async () => await usage() === 0, 'the NOTIFY queue to be empty');
  return ms;
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

test(`${CROWD} clients hear everything, once, in order, beside one that never reads, which alone is closed`, async (t) => {
  const crowd = await openCrowd(bridge, { count: CROWD, token: bridge.token('player', 'crowd'), channel: 'player-crowd' });
  after(() => crowd.close());
  const [alone, beside] = [[], []];
  let said = 0;
  for (let n = 0; n < 8; n++) alone.push(await say(crowd, ++said));
  const deaf = await openDeaf();
  while (!await isCutOff()) {
    assert.ok(said < 100, 'the deaf one is never cut off');
    beside.push(await say(crowd, ++said));
  }
  for (let n = 0; n < 3; n++) beside.push(await say(crowd, ++said));

  assert.ok(beside.length > 4, 'the crowd has heard something while the queue was filling');
  t.diagnostic(`median until all have it: ${median(alone).toFixed()} ms alone, ${median(beside).toFixed()} ms beside the deaf one`);
  assert.ok(median(beside) < 3 * median(alone) + 100, 'the crowd hears as soon as without the deaf one');
  assert.equal(await bridge.metric('unichat_slow_consumers_total'), 1);
  const [, ws] = bridge.log().match(/(ws=\d+) .*event=slow_consumer/);
  assert.deepEqual(bridge.log().match(/ws=\d+ .*event=ws_close code=\d+/g).map((line) => line.replace(/ .*event/, ' event')), [`${ws} event=ws_close code=4200`]);
  assert.ok(crowd.members.every((one) => one.last === said + 1));
  await auditIsClean(bridge);
  deaf.close();
});
