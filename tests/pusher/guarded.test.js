// staff-portal and player-… need a proven identity, and nobody but the database speaks on them: on every path.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import Pusher from 'pusher';
import { startBridge, until } from '../lib/index.js';
import { connectRaw } from './raw.js';

let bridge;
let sdk;
let server;
const told = [];

before(async () => {
  server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', () => { told.push(...JSON.parse(body).events); response.end(); });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  bridge = await startBridge(null, {
    app_id: '1', app_client_events: 'on', sign_in_wait: '1s', app_webhook_url: `http://127.0.0.1:${server.address().port}/`,
  }, { wait: false });
  sdk = new Pusher({ appId: '1', key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false });
});
after(async () => {
  await bridge?.stop();
  server?.closeAllConnections();
  server?.close();
});

const withToken = (token, more = {}) => connectRaw(bridge, { headers: token ? { Authorization: `Bearer ${token}`, ...more } : more });
const staff = () => bridge.token('staff', 'ann', 'Ann');
const player = (id) => bridge.token('player', id);

async function may(raw, channel) {
  raw.subscribe(channel);
  const answer = await until(() => raw.frames.find((f) => f.channel === channel && !f.seen), `an answer for ${channel}`);
  answer.seen = true;
  if (answer.event === 'pusher:subscription_error') assert.equal(answer.data.status, 401);
  return answer.event === 'pusher_internal:subscription_succeeded';
}

test('by the token of the handshake', async () => {
  const s = await withToken(staff());
  assert.ok(await may(s, 'staff-portal'));
  assert.ok(await may(s, 'player-42'));
  const p = await withToken(player('42'));
  assert.ok(await may(p, 'player-42'));
  assert.ok(!(await may(p, 'player-43')));
  assert.ok(!(await may(p, 'staff-portal')));
  await Promise.all([s.close(), p.close()]);
});

test('nobody in particular waits for a sign-in, and is then refused', async () => {
  const raw = await withToken(null);
  const started = Date.now();
  assert.ok(!(await may(raw, 'staff-portal')));
  assert.ok(Date.now() - started >= 900);
  await raw.close();
});

test('a bad, expired or foreign token is nobody', async () => {
  const past = Math.floor(Date.now() / 1000) - 600;
  for (const token of ['x', bridge.token('staff', 'ann', null, { exp: past }), bridge.token('staff', 'ann', null, {}, 'another secret of 32 bytes or more')]) {
    const raw = await withToken(token);
    assert.ok(!(await may(raw, 'staff-portal')));
    await raw.close();
  }
});

test('a cookie counts from our own pages, and not from a strange one', async () => {
  const cookie = { Cookie: `other=1; unichat_token=${staff()}` };
  const own = await withToken(null, { ...cookie, Origin: `http://127.0.0.1:${bridge.port}` });
  assert.ok(await may(own, 'staff-portal'));
  const strange = await withToken(null, { ...cookie, Origin: 'https://evil.example' });
  assert.ok(!(await may(strange, 'staff-portal')));
  await Promise.all([own.close(), strange.close()]);
});

async function signInData(raw, token) {
  const body = new URLSearchParams({ socket_id: raw.socketId }).toString();
  const answer = await bridge.api('POST', '/pusher/user-auth', { token, body, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
  assert.equal(answer.status, 200);
  return answer.body;
}

test('a subscription waits while its sign-in is on the way', async () => {
  const raw = await withToken(null);
  raw.subscribe('player-7');
  raw.subscribe('player-8');
  raw.send('pusher:signin', await signInData(raw, player('7')));
  await raw.event('pusher:signin_success');
  await raw.event('pusher_internal:subscription_succeeded', 'player-7');
  await raw.refused('player-8');
  await raw.close();
});

test('leaving before the sign-in leaves', async () => {
  const raw = await withToken(null);
  raw.subscribe('player-7');
  raw.send('pusher:unsubscribe', { channel: 'player-7' });
  raw.send('pusher:signin', await signInData(raw, player('7')));
  await raw.event('pusher:signin_success');
  await raw.settle();
  assert.equal(raw.frames.filter((f) => f.event === 'pusher_internal:subscription_succeeded').length, 0);
  await raw.close();
});

test('a connection ends when its token does', async () => {
  const raw = await withToken(bridge.token('player', '9', null, { exp: Math.floor(Date.now() / 1000) + 2 }));
  assert.ok(await may(raw, 'player-9'));
  assert.equal((await raw.closed).code, 4009);
});

test('the server API neither speaks nor looks there', async () => {
  const raw = await withToken(staff());
  for (const name of ['staff-portal', 'player-42']) assert.ok(await may(raw, name));
  await raw.subscribed('private-player-42');
  for (const channel of ['staff-portal', 'player-42', 'private-staff-portal', 'private-player-42']) {
    await assert.rejects(sdk.trigger(channel, 'staff-message-received', {}), { status: 403 });
    await assert.rejects(sdk.triggerBatch([{ channel, name: 'e', data: {} }]), { status: 403 });
    await assert.rejects(sdk.get({ path: `/channels/${channel}` }), { status: 403 });
  }
  await assert.rejects(sdk.trigger(['free', 'player-42'], 'e', {}), { status: 403 });
  assert.deepEqual((await (await sdk.get({ path: '/channels' })).json()).channels, {});
  await raw.settle();
  assert.equal(raw.frames.filter((f) => f.event === 'staff-message-received').length, 0);
  await raw.close();
});

test('clients do not speak there', async () => {
  const raw = await withToken(staff());
  assert.ok(await may(raw, 'staff-portal'));
  raw.send('client-staff-message-received', {}, { channel: 'staff-portal' });
  assert.match((await raw.event('pusher:error')).data.message, /only supported on private/);
  raw.send('staff-message-received', {}, { channel: 'staff-portal' });
  await raw.event('pusher:error');
  await raw.close();
});

test('webhooks do not tell of them', async () => {
  const raw = await withToken(staff());
  assert.ok(await may(raw, 'player-1'));
  await raw.subscribed('private-player-1');
  await raw.subscribed('marker');
  await until(() => told.find((e) => e.channel === 'marker'), 'the webhook of another channel');
  await raw.close();
  await until(() => told.find((e) => e.name === 'channel_vacated' && e.channel === 'marker'), 'its end');
  assert.deepEqual(told.filter((e) => /player|staff/.test(e.channel)), []);
});
