// Unmodified libraries: pusher-js, laravel-echo, the server library; encrypted channels, states, loss and recovery.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import crypto from 'node:crypto';
import { after, before, test } from 'node:test';
import Pusher from 'pusher';
import PusherJs from 'pusher-js';
import { startBridge, until, within } from '../lib/index.js';

const require = createRequire(import.meta.url);
let bridge;
let sdk;
const clients = [];

before(async () => {
  bridge = await startBridge(null, { app_id: '1', app_client_events: 'on', drain_time: '1s' }, { wait: false });
  sdk = new Pusher({
    appId: '1', key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false,
    encryptionMasterKeyBase64: crypto.randomBytes(32).toString('base64'),
  });
});
after(async () => {
  for (const client of clients) client.disconnect();
  await bridge?.stop();
});

function client(more = {}) {
  const it = new PusherJs(bridge.key, {
    cluster: '', wsHost: '127.0.0.1', wsPort: bridge.port, forceTLS: false, enabledTransports: ['ws'], disableStats: true,
    channelAuthorization: { customHandler: ({ socketId, channelName }, done) => done(null, sdk.authorizeChannel(socketId, channelName,
      channelName.startsWith('presence-') ? { user_id: socketId, user_info: { name: 'N' } } : undefined)) },
    userAuthentication: { customHandler: ({ socketId }, done) => done(null, sdk.authenticateUser(socketId, { id: 'user-1' })) },
    ...more,
  });
  clients.push(it);
  return it;
}

const heard = (channel, event, what) => within(new Promise((resolve) => { channel.bind(event, resolve); }), what ?? event);
const joined = (channel) => heard(channel, 'pusher:subscription_succeeded', `to join ${channel.name}`);

test('states from connecting to disconnected', async () => {
  const it = client();
  const states = [];
  it.connection.bind('state_change', ({ current }) => states.push(current));
  await until(() => it.connection.state === 'connected', 'the connection');
  it.disconnect();
  assert.deepEqual(states, ['connected', 'disconnected']);
});

test('every type of channel', async () => {
  const it = client();
  for (const name of ['public-1', 'cache-1', 'private-1', 'private-cache-1', 'presence-1', 'presence-cache-1']) {
    const channel = it.subscribe(name);
    await joined(channel);
    const got = heard(channel, 'e');
    await sdk.trigger(name, 'e', { on: name });
    assert.deepEqual(await got, { on: name });
  }
  it.disconnect();
});

test('an encrypted channel is readable at both ends only', async () => {
  const it = client();
  const channel = it.subscribe('private-encrypted-1');
  await joined(channel);
  const got = heard(channel, 'secret');
  await sdk.trigger('private-encrypted-1', 'secret', { word: 'xyzzy' });
  assert.deepEqual(await got, { word: 'xyzzy' });
  assert.ok(!bridge.log().includes('xyzzy'));
  it.disconnect();
});

test('client events, members, and who sent them', async () => {
  const [a, b] = [client(), client()];
  const here = a.subscribe('presence-p');
  await joined(here);
  const added = heard(here, 'pusher:member_added');
  const there = b.subscribe('presence-p');
  const members = await joined(there);
  assert.equal(members.count, 2);
  assert.equal(members.me.id, b.connection.socket_id);
  assert.equal((await added).id, b.connection.socket_id);
  const got = within(new Promise((resolve) => { here.bind('client-hi', (data, { user_id: id }) => resolve({ data, id })); }), 'client-hi');
  there.trigger('client-hi', { x: 1 });
  assert.deepEqual(await got, { data: { x: 1 }, id: b.connection.socket_id });
  const removed = heard(here, 'pusher:member_removed');
  b.disconnect();
  await removed;
  a.disconnect();
});

test('sign-in, events to the user, and the end of his connections', async () => {
  const it = client();
  it.signin();
  await until(() => it.user.user_data, 'the sign-in');
  await until(() => it.user.serverToUserChannel?.subscribed, "the user's channel");
  const got = within(new Promise((resolve) => { it.user.bind('hello', resolve); }), 'hello');
  await sdk.sendToUser('user-1', 'hello', { n: 1 });
  assert.deepEqual(await got, { n: 1 });
  await sdk.terminateUserConnections('user-1');
  await until(() => it.connection.state === 'disconnected', 'the connection to be ended');
});

test('laravel-echo joins, listens, whispers', async () => {
  const { default: Echo } = await import('laravel-echo').catch(() => ({ default: require('laravel-echo') }));
  const make = () => new Echo({ broadcaster: 'pusher', key: bridge.key, client: client(), cluster: '' });
  const [a, b] = [make(), make()];
  let here;
  const whispered = within(new Promise((resolve, reject) => {
    a.join('room').here((members) => { here = members; }).listenForWhisper('typing', resolve).error(reject);
  }), 'the whisper');
  const listened = within(new Promise((resolve) => { a.private('orders').listen('.shipped', resolve); }), 'the event');
  await until(() => here, 'to be here');
  let bHere;
  const room = b.join('room').here((members) => { bHere = members; });
  await until(() => bHere?.length === 2, 'two to be here');
  room.whisper('typing', { name: 'B' });
  assert.deepEqual(await whispered, { name: 'B' });
  await until(async () => (await (await sdk.get({ path: '/channels/private-orders' })).json()).occupied, 'private-orders');
  await sdk.trigger('private-orders', 'shipped', { id: 5 });
  assert.deepEqual(await listened, { id: 5 });
});

test('a bridge that is killed is missed and found again, with every channel', async () => {
  const it = client({ unavailableTimeout: 1000 });
  const channel = it.subscribe('private-back');
  await joined(channel);
  const old = it.connection.socket_id;
  await bridge.kill('SIGKILL');
  await until(() => ['unavailable', 'connecting'].includes(it.connection.state), 'the loss to be noticed');
  await bridge.restart(false);
  await until(() => it.connection.state === 'connected' && it.connection.socket_id !== old, 'the connection to be back');
  await until(async () => (await (await sdk.get({ path: '/channels/private-back' })).json()).occupied, 'the channel to be back');
  const got = heard(channel, 'e');
  await sdk.trigger('private-back', 'e', 1);
  assert.equal(await got, 1);
  it.disconnect();
});

test('a bridge that is stopped asks its clients to come back', async () => {
  const it = client();
  await until(() => it.connection.state === 'connected', 'the connection');
  const asked = within(new Promise((resolve) => { it.connection.bind('error', resolve); }), 'the 4200', 5000).catch(() => null);
  const { code } = await bridge.kill('SIGTERM');
  assert.equal(code, 0);
  await asked;
  await bridge.restart(false);
  await until(() => it.connection.state === 'connected', 'the connection to be back');
  it.disconnect();
});
