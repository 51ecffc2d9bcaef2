// A limit by identity counts whatever has proven it: the token of the handshake, the one that got a channel authorization, a
// sign-in by the bridge's own endpoint or by the app's backend. One identity does not get more by proving itself in several ways.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, test } from 'node:test';
import { connectSocket, startAll, startBridge, until } from '../lib/index.js';

const { cluster, bridge } = await startAll({ max_identity_sockets: 3, app_client_events: 'on' });

async function another(settings) {
  const one = await startBridge(cluster, settings);
  after(() => one.stop());
  return one;
}

const socketId = (socket) => JSON.parse(socket.messages[0].data).socket_id;
const succeeded = (channel) => (m) => m.event === 'pusher_internal:subscription_succeeded' && m.channel === channel;
const form = (fields) => ({ body: new URLSearchParams(fields).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } });
const withToken = (one, role, sub) => connectSocket(one, { headers: { authorization: `Bearer ${one.token(role, sub)}` } });

// The ways to become somebody; each answers with the socket, before it is known whether it may stay.
const WAYS = {
  async handshake(one, role, sub) {
    return connectSocketOrRefused(one, { headers: { authorization: `Bearer ${one.token(role, sub)}` } });
  },
  async vouch(one, role, sub) {
    const socket = await connectSocket(one);
    const channel = role === 'staff' ? 'private-staff-portal' : `private-player-${sub}`;
    const { status, body } = await one.api('POST', '/pusher/auth', { token: one.token(role, sub), ...form({ socket_id: socketId(socket), channel_name: channel }) });
    assert.equal(status, 200);
    socket.send({ event: 'pusher:subscribe', data: { channel, auth: body.auth } });
    return socket;
  },
  async signin(one, role, sub) {
    const socket = await connectSocket(one);
    const { status, body } = await one.api('POST', '/pusher/user-auth', { token: one.token(role, sub), ...form({ socket_id: socketId(socket) }) });
    assert.equal(status, 200);
    socket.send({ event: 'pusher:signin', data: body });
    return socket;
  },
  async backend(one, role, sub) {
    const socket = await connectSocket(one);
    socket.send({ event: 'pusher:signin', data: signedByApp(one, socket, { id: `${role}-${sub}`, user_info: { role, sub } }) });
    return socket;
  },
};

function signedByApp(one, socket, user) {
  const user_data = JSON.stringify(user);
  const signature = crypto.createHmac('sha256', one.secret('app_secret')).update(`${socketId(socket)}::user::${user_data}`).digest('hex');
  return { auth: `${one.key}:${signature}`, user_data };
}

// A refused handshake is told of in the place of connection_established.
async function connectSocketOrRefused(one, options) {
  const { WebSocket } = await import('ws');
  const ws = new WebSocket(`ws://127.0.0.1:${one.port}/app/${one.key}?protocol=7`, options);
  const socket = { ws, messages: [], close: () => ws.terminate(), send: (m) => ws.send(JSON.stringify(m)) };
  one.clients.add(socket);
  ws.on('error', () => {});
  ws.on('message', (data) => socket.messages.push(JSON.parse(String(data))));
  await until(() => socket.messages.length, 'its first message');
  return socket;
}

// Whether the connection got in (true) or was told 4100 (false).
const DONE = {
  handshake: (m) => m.event === 'pusher:connection_established',
  vouch: (m) => m.event === 'pusher_internal:subscription_succeeded',
  signin: (m) => m.event === 'pusher:signin_success',
  backend: (m) => m.event === 'pusher:signin_success',
};
async function getsIn(socket, way) {
  const first = await until(() => socket.messages.find((m) => DONE[way](m) || m.event === 'pusher:error'), `the answer to ${way}`);
  if (first.event === 'pusher:error') assert.equal(first.data.code, 4100, JSON.stringify(first));
  return first.event !== 'pusher:error';
}

for (const way of Object.keys(WAYS)) {
  test(`three WebSockets by other ways, and the fourth by ${way} is one too many`, async () => {
    const sub = `ada-${way}`;
    const others = Object.keys(WAYS).filter((one) => one !== way);
    const sockets = [];
    for (const other of others) {
      sockets.push(await WAYS[other](bridge, 'player', sub));
      assert.ok(await getsIn(sockets.at(-1), other), `${other} was refused`);
    }
    assert.equal(await getsIn(await WAYS[way](bridge, 'player', sub), way), false, 'the fourth got in');
    assert.ok(await getsIn(await WAYS[way](bridge, 'player', `${sub}-too`), way), 'another identity was refused');
    assert.ok(await getsIn(await WAYS[way](bridge, 'staff', sub), way), 'the staff member of that name was refused');
    sockets[0].close();
    await until(async () => getsIn(await WAYS[way](bridge, 'player', sub), way), 'a place to be free');
  });
}

test('who proves the same identity again, by another way, counts once', async () => {
  const sockets = [];
  for (let i = 0; i < 3; i++) {
    const socket = await WAYS.signin(bridge, 'player', 'twice');
    assert.ok(await getsIn(socket, 'signin'));
    const { body } = await bridge.api('POST', '/pusher/auth', { token: bridge.token('player', 'twice'), ...form({ socket_id: socketId(socket), channel_name: 'private-player-twice' }) });
    socket.send({ event: 'pusher:subscribe', data: { channel: 'private-player-twice', auth: body.auth } });
    assert.ok(await getsIn(socket, 'vouch'));
    sockets.push(socket);
  }
  assert.equal(await getsIn(await WAYS.handshake(bridge, 'player', 'twice'), 'handshake'), false);
  for (const socket of sockets) socket.close();
});

test('all ways share the limit of messages', async () => {
  for (const way of ['vouch', 'signin', 'backend']) {
    const one = await another({ identity_messages: 1 });
    const first = await WAYS[way](one, 'player', 'ada');
    assert.ok(await getsIn(first, way));
    const second = await withToken(one, 'player', 'ada');
    const pongs = (socket) => socket.messages.filter((m) => m.event === 'pusher:pong').length;
    for (let i = 0; i < 10; i++) second.send({ event: 'pusher:ping', data: {} });
    await until(() => pongs(second) === 10, 'all that may come at once');
    const other = await withToken(one, 'player', 'bob');
    for (let i = 0; i < 10; i++) { first.send({ event: 'pusher:ping', data: {} }); other.send({ event: 'pusher:ping', data: {} }); }
    await until(() => pongs(other) === 10, 'the other identity to be served');
    assert.ok(pongs(first) < 10, `${way}: the first socket had a limit of its own`);
    await one.stop();
  }
});

test('all WebSockets of one identity share the limit of client events', async () => {
  const one = await another({ app_client_events: 'on', app_max_client_events: 5 });
  const subscribe = async (socket, sub) => {
    const { body } = await one.api('POST', '/pusher/auth', { token: one.token('player', sub), ...form({ socket_id: socketId(socket), channel_name: `private-player-${sub}` }) });
    socket.send({ event: 'pusher:subscribe', data: { channel: `private-player-${sub}`, auth: body.auth } });
    await socket.received(succeeded(`private-player-${sub}`), 'the subscription');
    return socket;
  };
  const mine = [];
  for (let i = 0; i < 6; i++) mine.push(await subscribe(await (i % 2 ? withToken(one, 'player', 'ada') : connectSocket(one)), 'ada'));
  const other = await subscribe(await connectSocket(one), 'bob');
  const listener = await subscribe(await connectSocket(one), 'ada');
  for (const [i, socket] of mine.entries())
    for (let n = 0; n < 5; n++) socket.send({ event: 'client-e', channel: 'private-player-ada', data: { i, n } });
  const answered = () => listener.messages.filter((m) => m.event === 'client-e').length
    + mine.flatMap((socket) => socket.messages).filter((m) => m.event === 'pusher:error' && m.data.code === 4301).length;
  await until(() => answered() === 30, 'each event to be passed on or refused');
  const passed = listener.messages.filter((m) => m.event === 'client-e').length;
  assert.ok(passed >= 5 && passed < 15, `${passed} of 30 were passed on`);
  other.send({ event: 'client-e', channel: 'private-player-bob', data: 1 });
  other.send({ event: 'pusher:ping', data: {} });
  await other.received((m) => m.event === 'pusher:pong', 'the pong');
  assert.ok(!other.messages.some((m) => m.event === 'pusher:error'), 'another identity was limited');
});
