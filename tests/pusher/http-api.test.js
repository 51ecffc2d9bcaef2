// Pusher's server API, by the stock library and by hand.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, test } from 'node:test';
import Pusher from 'pusher';
import { startBridge } from '../lib/index.js';
import { connectRaw, hmac } from './raw.js';

let bridge;
let sdk;
before(async () => {
  bridge = await startBridge(null, { app_id: '1', path_prefix: '/chat' }, {
    wait: false, sections: '\n[app other]\nid = 2\nkey = other\nsecret = secret-of-the-other-app\n',
  });
  sdk = new Pusher({ appId: '1', key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false });
});
after(() => bridge?.stop());

// A call signed by hand; `change` may spoil it. signedPath: what is signed, where it differs from what is sent.
async function call(method, path, { body, query = {}, change = {}, signedPath = path, secret = bridge.secret('app_secret') } = {}) {
  const params = { ...query, auth_key: bridge.key, auth_timestamp: String(Math.floor(Date.now() / 1000)), auth_version: '1.0' };
  if (body !== undefined) params.body_md5 = crypto.createHash('md5').update(body).digest('hex');
  Object.assign(params, change);
  for (const name of Object.keys(params)) if (params[name] === null) delete params[name];
  const text = Object.keys(params).sort().map((name) => `${name.toLowerCase()}=${params[name]}`).join('&');
  const url = new URLSearchParams({ ...params, auth_signature: change.auth_signature ?? hmac(secret, `${method}\n${signedPath}\n${text}`) });
  return bridge.api(method, `${path}?${url}`, { body, headers: { 'content-type': 'application/json' } });
}

const event = (more) => JSON.stringify({ name: 'e', data: 'd', channel: 'x', ...more });

test('an event reaches all its channels, but not the connection that it names', async () => {
  const [a, b] = await Promise.all([connectRaw(bridge), connectRaw(bridge)]);
  for (const raw of [a, b]) for (const name of ['one', 'two']) await raw.subscribed(name);
  await sdk.trigger(['one', 'two'], 'e', { n: 1 }, { socket_id: a.socketId });
  await b.event('e', 'one');
  await b.event('e', 'two');
  await a.settle();
  assert.equal(a.frames.filter((f) => f.event === 'e').length, 0);
  await Promise.all([a.close(), b.close()]);
});

test('events with info, batches with info, and the answers without', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('presence-i', '{"user_id":"1"}');
  await raw.subscribed('i');
  const one = await (await sdk.trigger(['presence-i', 'i', 'empty'], 'e', {}, { info: 'user_count,subscription_count' })).json();
  assert.deepEqual(one, { channels: {
    'presence-i': { user_count: 1, subscription_count: 1 }, i: { subscription_count: 1 }, empty: { subscription_count: 0 } } });
  const batch = await (await sdk.triggerBatch([{ channel: 'presence-i', name: 'e', data: {}, info: 'user_count' }, { channel: 'i', name: 'e', data: {} }])).json();
  assert.deepEqual(batch, { batch: [{ user_count: 1 }, {}] });
  assert.deepEqual(await (await sdk.trigger('i', 'e', {})).json(), {});
  assert.deepEqual(await (await sdk.triggerBatch([{ channel: 'i', name: 'e', data: {} }])).json(), {});
  await raw.close();
});

test('channels are listed, filtered, and looked at', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('presence-l', '{"user_id":"1"}');
  await raw.subscribed('l;1');
  const get = async (path, params) => (await sdk.get({ path, params })).json();
  assert.deepEqual((await get('/channels')).channels, { 'presence-l': {}, 'l;1': {} });
  assert.deepEqual((await get('/channels', { filter_by_prefix: 'presence-', info: 'user_count' })).channels, { 'presence-l': { user_count: 1 } });
  assert.deepEqual((await get('/channels', { filter_by_prefix: 'l;' })).channels, { 'l;1': {} });
  assert.deepEqual(await get('/channels/presence-l', { info: 'user_count,subscription_count' }), { occupied: true, user_count: 1, subscription_count: 1 });
  assert.deepEqual(await get('/channels/l;1'), { occupied: true });
  assert.deepEqual(await get('/channels/nobody'), { occupied: false });
  assert.deepEqual(await get('/channels/presence-l/users'), { users: [{ id: '1' }] });
  assert.deepEqual(await get('/channels/presence-none/users'), { users: [] });
  assert.deepEqual(await get('/channels/cache-none', { info: 'cache' }), { occupied: false, cache: null });
  await raw.close();
});

test('what is asked wrongly is 400, with a reason', async () => {
  for (const [path, query] of [
    ['/channels', { info: 'user_count' }], ['/channels', { info: 'nonsense' }], ['/channels/x', { info: 'user_count' }],
    ['/channels/x', { info: 'cache' }], ['/channels/x/users', {}], ['/channels/a b', {}],
  ]) {
    const answer = await call('GET', `/apps/1${path}`, { query });
    assert.equal(answer.status, 400, path);
    assert.ok(answer.body.length > 10);
  }
});

test('what is published wrongly is 400 or 413', async () => {
  for (const body of ['{', '[]', event({ data: {} }), event({ name: '' }), event({ name: 'pusher:x' }), event({ name: 'pusher_internal:x' }),
    event({ channel: 'a b' }), event({ channel: undefined }), event({ channels: [] }), event({ socket_id: 'x' }),
    event({ channel: undefined, channels: Array.from({ length: 101 }, (_, i) => `c${i}`) }), event({ name: 'e'.repeat(201) }), event({ info: 'x' })]) {
    assert.equal((await call('POST', '/apps/1/events', { body })).status, 400, body.slice(0, 80));
  }
  const large = await call('POST', '/apps/1/events', { body: event({ data: 'x'.repeat(10241) }) });
  assert.equal(large.status, 413);
  assert.match(large.body, /exceeds the allowed maximum \(10240 bytes\)/);
  assert.equal((await call('POST', '/apps/1/events', { body: event({ data: 'x'.repeat(10240) }) })).status, 200);
  const eleven = JSON.stringify({ batch: Array.from({ length: 11 }, () => ({ name: 'e', data: '', channel: 'x' })) });
  assert.equal((await call('POST', '/apps/1/batch_events', { body: eleven })).status, 400);
});

test('a batch with a wrong event publishes nothing of it', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('x');
  const body = JSON.stringify({ batch: [{ name: 'e', data: '', channel: 'x' }, { name: '', data: '', channel: 'x' }] });
  assert.equal((await call('POST', '/apps/1/batch_events', { body })).status, 400);
  await raw.settle();
  assert.equal(raw.frames.filter((f) => f.event === 'e').length, 0);
  await raw.close();
});

test('only the holder of the secret is heard, now and with this body', async () => {
  const body = event();
  const now = Math.floor(Date.now() / 1000);
  for (const change of [
    { auth_signature: '0'.repeat(64) }, { auth_key: 'other' }, { auth_key: null }, { auth_version: '2.0' }, { auth_version: null },
    { auth_timestamp: String(now - 700) }, { auth_timestamp: String(now + 700) }, { auth_timestamp: 'x' }, { auth_timestamp: null },
    { body_md5: '0'.repeat(32) }, { body_md5: null },
  ]) {
    const answer = await call('POST', '/apps/1/events', { body, change });
    assert.equal(answer.status, 401, JSON.stringify(change));
    assert.ok(answer.body.length > 10);
  }
  assert.equal((await call('POST', '/apps/1/events', { body, secret: 'wrong' })).status, 401);
  assert.equal((await call('POST', '/apps/2/events', { body })).status, 401, "another app's");
  assert.equal((await call('POST', '/apps/3/events', { body })).status, 404);
  assert.equal((await call('POST', '/apps/1/events', { body })).status, 200);
});

test('behind a path prefix, whichever path was signed', async () => {
  const body = event();
  assert.equal((await call('POST', '/chat/apps/1/events', { body })).status, 200);
  assert.equal((await call('POST', '/chat/apps/1/events', { body, signedPath: '/apps/1/events' })).status, 200);
  await (await connectRaw(bridge, { path: `/chat/app/${bridge.key}` })).close();
});

test('apps do not hear each other', async () => {
  const [a, b] = await Promise.all([connectRaw(bridge), connectRaw(bridge, { key: 'other' })]);
  await a.subscribed('same');
  await b.subscribed('same');
  await sdk.trigger('same', 'e', {});
  await a.event('e');
  await b.settle();
  assert.equal(b.frames.filter((f) => f.event === 'e').length, 0);
  await Promise.all([a.close(), b.close()]);
});

test('HTTP itself: methods, lengths, limits, one connection for many calls', async () => {
  assert.equal((await bridge.api('PUT', '/apps/1/events')).status, 405);
  assert.equal((await bridge.api('GET', '/apps/1/nothing')).status, 404);
  assert.equal((await bridge.api('POST', '/apps/1/events', { body: 'x'.repeat(300 * 1024) })).status, 413);
  for (let i = 0; i < 20; i += 1) assert.equal((await call('GET', '/apps/1/channels')).status, 200);
});
