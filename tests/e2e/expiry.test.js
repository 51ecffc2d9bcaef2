// A connection ends with the token that it lives by, however that has vouched for it, and lives on with a later one.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, test } from 'node:test';
import { connectSocket, startAll, startBridge, until } from '../lib/index.js';

const { cluster, bridge } = await startAll({ jwt_leeway: '0s' });
const second = await startBridge(cluster, { jwt_leeway: '0s', app_secret: bridge.secret('app_secret'), jwt_secret: bridge.secret('jwt_secret') });
after(() => second.stop());

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const inSeconds = (seconds) => ({ exp: Math.floor(Date.now() / 1000) + seconds });
const soon = (role, sub) => bridge.token(role, sub, null, inSeconds(2));
const late = (role, sub) => bridge.token(role, sub, null, inSeconds(600));

// A connection without a token of its own.
async function anonymous() {
  const socket = await connectSocket(bridge);
  socket.id = JSON.parse(socket.messages[0].data).socket_id;
  return socket;
}

async function authorize(at, socket, token, channel) {
  const { status, body } = await at.api('POST', '/pusher/auth', { token, body: `socket_id=${socket.id}&channel_name=${channel}`, headers: form });
  assert.equal(status, 200);
  socket.send({ event: 'pusher:subscribe', data: { channel, auth: body.auth } });
  await socket.received((m) => m.event === 'pusher_internal:subscription_succeeded' && m.channel === channel, channel);
}

async function lives(socket) {
  const pongs = () => socket.messages.filter((m) => m.event === 'pusher:pong').length;
  const before = pongs();
  socket.send({ event: 'pusher:ping', data: {} });
  await until(() => pongs() > before, 'a pong');
}

test('of the handshake, a private channel, a private channel that another bridge has authorized, a sign-in', async () => {
  const byHandshake = await connectSocket(bridge, { headers: { authorization: `Bearer ${soon('staff', 'grace')}` } });
  const [byChannel, byOther, bySignIn] = await Promise.all([anonymous(), anonymous(), anonymous()]);
  await authorize(bridge, byChannel, soon('player', 'ada'), 'private-player-ada');
  await authorize(second, byOther, soon('player', 'ada'), 'private-player-ada');
  const { body } = await bridge.api('POST', '/pusher/user-auth', { token: soon('staff', 'grace'), body: `socket_id=${bySignIn.id}`, headers: form });
  bySignIn.send({ event: 'pusher:signin', data: body });
  await bySignIn.received((m) => m.event === 'pusher:signin_success', 'the sign-in');
  for (const [what, socket] of Object.entries({ byHandshake, byChannel, byOther, bySignIn })) {
    const { code, reason } = await socket.end();
    assert.equal(code, 4009, what);
    assert.match(reason, /expired/, what);
  }
});

test('a later token of the same identity prolongs it, one of another identity does not', async () => {
  const [prolonged, other] = [await anonymous(), await anonymous()];
  await authorize(bridge, prolonged, soon('staff', 'grace'), 'private-staff-portal');
  await authorize(bridge, other, soon('staff', 'grace'), 'private-staff-portal');
  await authorize(bridge, prolonged, late('staff', 'grace'), 'private-player-ada');
  await authorize(bridge, other, late('player', 'grace'), 'private-player-grace');
  assert.equal((await other.end()).code, 4009);
  await lives(prolonged);
});

test('an earlier token does not shorten it', async () => {
  const [socket, clock] = [await anonymous(), await anonymous()];
  await authorize(bridge, socket, late('staff', 'grace'), 'private-staff-portal');
  await authorize(bridge, socket, soon('staff', 'grace'), 'private-player-ada');
  await authorize(bridge, clock, soon('staff', 'grace'), 'private-staff-portal');
  await clock.end();
  await lives(socket);
});

test('a connection cannot gather identities without end', async () => {
  const socket = await anonymous();
  for (let i = 0; i < 9; i++)
    await bridge.api('POST', '/pusher/auth', { token: late('player', `p${i}`), body: `socket_id=${socket.id}&channel_name=private-player-p${i}`, headers: form });
  assert.equal((await socket.end()).code, 4009);
});

test('what vouches for a connection gives it no rights: an authorization for somebody else\'s connection is worth nothing there', async () => {
  const socket = await anonymous();
  await bridge.api('POST', '/pusher/auth', { token: late('staff', 'grace'), body: `socket_id=${socket.id}&channel_name=private-staff-portal`, headers: form });
  socket.send({ event: 'pusher:subscribe', data: { channel: 'staff-portal' } });
  socket.send({ event: 'pusher:subscribe', data: { channel: 'private-staff-portal', auth: `${bridge.key}:${crypto.randomBytes(32).toString('hex')}` } });
  await until(() => socket.messages.filter((m) => m.event === 'pusher:subscription_error').length === 2, 'both to be refused');
});
