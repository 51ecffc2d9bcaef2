// A client that never reads: it is cut off, and nobody else notices.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import WebSocket from 'ws';
import { connectClient, startBridge, until } from '../lib/index.js';
import { auditIsClean, hearAll, STAFF } from './lib/hear.js';
import { inBothWays } from './lib/ways.js';

const FAST = 5; // clients that read, each of its own connection
const LONG = '€'.repeat(3900);
const AT_ONCE = 20; // so many, with their envelopes, fit into max_queue: who has read what came before has room for them

const settings = { max_queue: '256kB', max_queue_time: '10min', audit_interval: '300ms' };

async function more(world) {
  world.impatient = await startBridge(world.cluster, { max_queue: '64MB', max_queue_time: '1s', log_level: 'debug' });
  world.stop = () => world.impatient.stop();
}

inBothWays({ settings, more }, (world) => {
  const slow = (bridge) => bridge.metric('unichat_slow_consumers_total');
  const say = (count) => world.cluster.query(`INSERT INTO chat_messages (player_id, message_text) SELECT 'loud', $1 || n FROM generate_series(1, $2) n`, [LONG, count]);

  // Subscribes, and then reads no more.
  async function deafClient(bridge) {
    const token = bridge.token('staff', 'deaf');
    const socket = new WebSocket(`ws://127.0.0.1:${bridge.port}/app/${bridge.key}?protocol=7`);
    const said = [];
    socket.on('message', (text) => said.push(JSON.parse(text)));
    const established = await until(() => said[0], 'the greeting');
    const { body } = await bridge.api('POST', '/pusher/auth', {
      token, body: new URLSearchParams({ socket_id: JSON.parse(established.data).socket_id, channel_name: STAFF }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel: STAFF, auth: body.auth } }));
    await until(() => said.some((one) => one.event === 'pusher_internal:subscription_succeeded'), 'the subscription');
    socket._socket.pause();
    return socket;
  }

  // Fast is who has read what came before the next comes, however slow the machine is.
  const haveRead = (ears, seq) => Promise.all(ears.map((ear) => until(() => ear.of('loud').at(-1)?.seq >= seq, `event ${seq}`, 60000)));

  test('a client that does not read is closed, many others hear everything, and the NOTIFY queue stays empty', async () => {
    const ears = await Promise.all(Array.from({ length: FAST }, () => hearAll(world.bridge)));
    const deaf = await deafClient(world.bridge);
    let fullest = 0;
    for (let said = AT_ONCE; said <= 2000; said += AT_ONCE) {
      await say(AT_ONCE);
      await haveRead(ears, said);
      fullest = Math.max(fullest, Number((await world.cluster.query('SELECT pg_notification_queue_usage() AS usage'))[0].usage));
    }
    await Promise.all(ears.map((ear) => ear.exactly(world.cluster, 'loud', { deadline: 60000 })));
    await until(() => /event=slow_consumer/.test(world.bridge.log()), 'the slow one to be noticed');
    assert.equal(await slow(world.bridge), 1, 'it, and nobody else');
    for (const ear of ears)
      assert.equal(ear.client.states.filter((state) => state === 'connected').length, 1, 'a fast one was never closed');
    // A page of the queue may stand until the last listener has passed it; it never fills up.
    assert.ok(fullest < 0.001, `the queue was ${fullest} full`);
    assert.equal(Number((await world.cluster.query('SELECT pg_notification_queue_usage() AS usage'))[0].usage), 0);
    await auditIsClean(world.bridge);
    deaf.terminate();
    for (const ear of ears) ear.close();
  });

  test('and when it comes back it resumes without a gap', async () => {
    const client = await connectClient(world.bridge, { token: world.bridge.token('player', 'loud') });
    client.pusher.send_event('unichat:resume', { channel: 'private-player-loud', after: 1900 });
    await client.subscribe('private-player-loud');
    await client.waitFor(({ event }) => event === 'unichat:resumed', 'the resume');
    const seqs = client.on('private-player-loud').filter(({ data }) => data.seq).map(({ data }) => data.seq);
    assert.deepEqual(seqs, Array.from({ length: 101 }, (_, n) => 1901 + n));
    client.close();
  });

  test('one that takes nothing for max_queue_time is closed, and counted once', async () => {
    const deaf = await deafClient(world.impatient);
    await say(1000);
    await until(() => /event=ws_gone/.test(world.impatient.log()), 'it to be gone', 60000);
    assert.equal(await slow(world.impatient), 1);
    deaf.terminate();
  });
});
