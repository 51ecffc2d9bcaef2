// Nobody drowns the others: with the limits as they are out of the box, one player floods by every way there is, and two
// others chat as if he were not there.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, test } from 'node:test';
import { connectClient, connectSocket, follow, isGapless, sleep, startAll, until } from '../lib/index.js';

const OUT_OF_THE_BOX = {
  player_messages: null, player_new_requests: null, caller_requests: null, failed_tokens: null,
  max_identity_sockets: null, max_address_sockets: null, identity_messages: null,
};
const { cluster, bridge } = await startAll(OUT_OF_THE_BOX);
const staff = bridge.token('staff', 'grace');
const send = (token, body) => bridge.api('POST', '/api/unified-chat/send', { token, body });

// Calls one() again and again, `width` at a time, until stopped.
function flood(width, one) {
  const state = { on: true, calls: 0 };
  const lane = async () => {
    while (state.on) {
      await Promise.resolve(one(state.calls++)).catch(() => {});
      await sleep(0);
    }
  };
  const lanes = Promise.all(Array.from({ length: width }, lane));
  const stop = () => { state.on = false; return lanes; };
  after(stop);
  return { state, stop };
}

// A player and the staff write to each other, one message after the other: all are taken and all arrive, in order.
async function chat(id, messages) {
  const token = bridge.token('player', id);
  const follower = await follow(bridge, { token, channel: `private-player-${id}`, playerId: id });
  for (let i = 0; i < messages; i++) {
    const [mine, theirs] = [await send(token, { message: `question ${i}` }), await send(staff, { playerId: id, message: `answer ${i}` })];
    assert.deepEqual([mine.status, theirs.status], [201, 201], JSON.stringify([mine.body, theirs.body]));
  }
  await until(() => follower.messages.length === 2 * messages, `${id} to see everything`);
  const stored = await cluster.query('SELECT seq::int FROM chat_events WHERE player_id = $1 ORDER BY seq', [id]);
  isGapless(stored.map((row) => row.seq));
  assert.deepEqual(follower.messages.map(({ message }) => message), Array.from({ length: messages }, (_, i) => [`question ${i}`, `answer ${i}`]).flat());
  assert.equal(follower.twice, 0);
  follower.close();
}

test('one player floods by HTTP and by WebSocket; another’s messages all arrive and none is refused', async () => {
  const mallory = bridge.token('player', 'mallory');
  const sockets = [];
  for (let i = 0; i < 5; i++) sockets.push(await connectSocket(bridge, { headers: { authorization: `Bearer ${mallory}` } }));
  const nonsense = [
    { event: 'pusher:ping', data: {} }, { event: 'pusher:subscribe', data: { channel: 'player-mallory' } }, '{"event":',
    { event: 'unichat:resume', data: { channel: 'player-mallory', after: 0 } }, { event: 'client-x', channel: 'player-mallory', data: 'x'.repeat(5000) },
    { event: 'pusher:unsubscribe', data: { channel: 'player-mallory' } },
  ];
  const floods = [
    flood(8, (i) => send(mallory, { message: `flood ${i}` })),
    flood(4, () => bridge.api('GET', '/api/unified-chat/messages/mallory?limit=200', { token: mallory })),
    flood(2, () => bridge.api('GET', '/api/unified-chat/messages/ada', { token: 'not a token' })),
    flood(5, (i) => sockets[i % 5].ws.bufferedAmount < 1e6 && nonsense.forEach((message) => sockets[i % 5].send(message))),
    flood(1, () => sockets[0].ws.bufferedAmount < 1e6 && Array(200).fill(nonsense[0]).forEach((message) => sockets[0].send(message))),
  ];
  for (const name of ['messages', 'identity_messages'])
    await until(async () => await bridge.metric('unichat_limited_total', `limit="${name}"`) > 0, `the flood to reach the limit ${name}`);
  await chat('ada', 8);
  await chat('bob', 8);
  for (const { stop } of floods) await stop();
  assert.ok((await cluster.query("SELECT count(*)::int AS n FROM chat_messages WHERE player_id = 'mallory'"))[0].n < 100);
  for (const socket of sockets) socket.close();
});

test('a blocked player’s flood hardly reaches the database', async () => {
  const eve = bridge.token('player', 'eve');
  assert.equal((await send(eve, { message: 'let me in' })).status, 201);
  cluster.psql("SELECT unichat_block('eve', true, 'grace')");
  const before = await bridge.metric('unichat_db_statement_seconds_count');
  const answers = await Promise.all(Array.from({ length: 150 }, (_, i) => send(eve, { message: `still here ${i}` })));
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))].sort(), [403, 429]);
  const reached = answers.filter((answer) => answer.status === 403).length;
  assert.ok(reached < 50, `${reached} of 150 reached the database`);
  assert.ok(await bridge.metric('unichat_db_statement_seconds_count') - before < reached + 50);
});

test('two thousand connections that never finish their request: a new client connects and chats', async () => {
  const sockets = Array.from({ length: 2000 }, (_, i) => {
    const socket = net.connect({ port: bridge.port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (i % 4)}` });
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: ');
    return socket;
  });
  after(() => sockets.forEach((socket) => socket.destroy()));
  const trickle = flood(1, async () => {
    for (const socket of sockets) socket.writable && socket.write('x');
    await sleep(500);
  });
  await until(async () => await bridge.metric('unichat_sockets') > 2000, 'all of them to be connected');
  await chat('cy', 5);
  const client = await connectClient(bridge, { token: staff, channels: ['private-staff-portal'] });
  client.close();
  await trickle.stop();
  for (const socket of sockets) socket.destroy();
  await until(async () => await bridge.metric('unichat_sockets') < 100, 'them to be gone');
});
