// Joining and leaving channels, and each refusal with its reason.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Pusher from 'pusher';
import { startBridge, until } from '../lib/index.js';
import { connectRaw, hmac } from './raw.js';

let bridge;
let sdk;
before(async () => {
  bridge = await startBridge(null, { app_id: '1', app_subscription_count: 'on' }, { wait: false });
  sdk = new Pusher({ appId: '1', key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false });
});
after(() => bridge?.stop());

test('a public channel is joined, an event comes as it was sent, and leaving ends it', async () => {
  const raw = await connectRaw(bridge);
  assert.deepEqual(await raw.subscribed('x'), {});
  const data = '{"n": 1.10, "z":1,  "a":"ä\\u0000😀"}';
  await sdk.trigger('x', 'e', data);
  const frame = await raw.event('e', 'x');
  assert.equal(JSON.parse(frame.raw).data, data);
  raw.send('pusher:unsubscribe', { channel: 'x' });
  await raw.settle();
  await sdk.trigger('x', 'e2', {});
  await raw.settle();
  assert.equal(raw.frames.filter((f) => f.event === 'e2').length, 0);
  await raw.close();
});

test('names have rules', async () => {
  const raw = await connectRaw(bridge);
  for (const name of ['', 'a b', 'ä', 'a/b', '#x', 'x'.repeat(400)]) {
    raw.subscribe(name);
    const why = await raw.refused(name);
    assert.equal(why.status, 4009);
    assert.ok(why.error);
  }
  await raw.subscribed('Az09_-=@,.;');
  await raw.close();
});

test('twice is told, once is enough to leave', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('x');
  raw.subscribe('x');
  assert.equal((await raw.event('pusher:error', 'x')).data.message, 'Existing subscription to channel x');
  raw.send('pusher:unsubscribe', { channel: 'x' });
  raw.send('pusher:unsubscribe', { channel: 'x' });
  assert.match((await raw.event('pusher:error', 'x')).data.message, /No current subscription to channel x/);
  await raw.close();
});

test('a private channel needs the signature of this socket, channel, data, key and secret', async () => {
  const raw = await connectRaw(bridge);
  const channel = 'private-x';
  const secret = bridge.secret('app_secret');
  const wrong = [
    undefined, '', 'nonsense', `${bridge.key}:`, `${bridge.key}:${'0'.repeat(64)}`, raw.auth('private-y'), raw.auth(channel, '{}'),
    raw.auth(channel, undefined, 'another secret'), raw.auth(channel, undefined, secret, 'another-key'),
    `${bridge.key}:${hmac(secret, `1.1:${channel}`)}`, raw.auth(channel).toUpperCase(),
  ];
  for (const auth of wrong) {
    raw.send('pusher:subscribe', { channel, auth });
    const why = await raw.refused(channel);
    assert.deepEqual([why.type, why.status], ['AuthError', 401]);
    assert.ok(!why.error.includes(raw.auth(channel).split(':')[1]), 'the right signature is never told');
  }
  await raw.subscribed(channel);
  await raw.subscribed('private-with-data', '{"a":1}');
  await raw.close();
});

test('encrypted channels are private and their data is opaque', async () => {
  const raw = await connectRaw(bridge);
  raw.send('pusher:subscribe', { channel: 'private-encrypted-x' });
  await raw.refused('private-encrypted-x');
  await raw.subscribed('private-encrypted-x');
  await raw.close();
});

test('subscribers are told how many they are', async () => {
  const a = await connectRaw(bridge);
  const b = await connectRaw(bridge);
  await a.subscribed('counted');
  assert.equal((await a.event('pusher_internal:subscription_count', 'counted')).data.subscription_count, 1);
  await b.subscribed('counted');
  assert.equal((await a.event('pusher_internal:subscription_count', 'counted')).data.subscription_count, 2);
  await b.close();
  assert.equal((await a.event('pusher_internal:subscription_count', 'counted')).data.subscription_count, 1);
  await a.close();
});

test('a membership ends with the Close frame', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('closing');
  await raw.close();
  const { channels } = await (await sdk.get({ path: '/channels' })).json();
  assert.ok(!('closing' in channels));
});

test('a membership ends when TCP is cut', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('cut');
  raw.ws.terminate();
  await until(async () => !('cut' in (await (await sdk.get({ path: '/channels' })).json()).channels), 'the channel to be empty');
});

test('cache channels keep the last event for those who come later', async () => {
  const a = await connectRaw(bridge);
  for (const name of ['cache-x', 'private-cache-x', 'private-encrypted-cache-x', 'presence-cache-x']) {
    const data = name.startsWith('presence') ? '{"user_id":"1"}' : undefined;
    await a.subscribed(name, data);
    const miss = await a.event('pusher:cache_miss', name);
    assert.ok(!('data' in JSON.parse(miss.raw)));
    if (name.startsWith('private-encrypted')) continue; // the SDK encrypts these itself
    await sdk.trigger(name, 'e', `first on ${name}`);
    await sdk.trigger(name, 'e', `last on ${name}`);
    const b = await connectRaw(bridge);
    await b.subscribed(name, data);
    assert.equal((await b.event('e', name)).data, `last on ${name}`);
    assert.equal(b.frames.filter((f) => f.event === 'pusher:cache_miss').length, 0);
    await b.close();
  }
  await a.close();
  const c = await connectRaw(bridge);
  await c.subscribed('cache-x');
  assert.equal((await c.event('e', 'cache-x')).data, 'last on cache-x', 'it outlives the last subscriber');
  const info = await (await sdk.get({ path: '/channels/cache-x', params: { info: 'cache' } })).json();
  assert.equal(info.cache.data, 'last on cache-x');
  assert.ok(info.cache.ttl > 1700 && info.cache.ttl <= 1800);
  await c.close();
});
