// Members are users: with several connections each, and told of exactly when the first comes and the last goes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Pusher from 'pusher';
import { startBridge, until } from '../lib/index.js';
import { connectRaw } from './raw.js';

let bridge;
let sdk;
before(async () => {
  bridge = await startBridge(null, { app_id: '1' }, { wait: false });
  sdk = new Pusher({ appId: '1', key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false });
});
after(() => bridge?.stop());

const user = (id, info) => JSON.stringify({ user_id: id, user_info: info });

test('the joiner gets everybody, himself too; the others get the joiner', async () => {
  const a = await connectRaw(bridge);
  const b = await connectRaw(bridge);
  assert.deepEqual(await a.subscribed('presence-r', user('1', { name: 'A' })),
    { presence: { ids: ['1'], hash: { 1: { name: 'A' } }, count: 1 } });
  assert.deepEqual(await b.subscribed('presence-r', user('2')),
    { presence: { ids: ['1', '2'], hash: { 1: { name: 'A' }, 2: null }, count: 2 } });
  assert.deepEqual((await a.event('pusher_internal:member_added', 'presence-r')).data, { user_id: '2' });
  b.send('pusher:unsubscribe', { channel: 'presence-r' });
  assert.deepEqual((await a.event('pusher_internal:member_removed', 'presence-r')).data, { user_id: '2' });
  await b.settle();
  assert.equal(b.frames.filter((f) => f.event === 'pusher_internal:member_removed').length, 0);
  await Promise.all([a.close(), b.close()]);
});

test('several connections of a user are one member, whose first info stays', async () => {
  const watcher = await connectRaw(bridge);
  await watcher.subscribed('presence-m', user('w'));
  const many = [];
  for (let i = 0; i < 3; i += 1) {
    const raw = await connectRaw(bridge);
    const { presence } = await raw.subscribed('presence-m', user('u', { n: i }));
    assert.equal(presence.count, 2);
    assert.deepEqual(presence.hash.u, { n: 0 });
    many.push(raw);
  }
  await many[0].close();
  many[1].ws.terminate();
  const info = async () => (await (await sdk.get({ path: '/channels/presence-m', params: { info: 'user_count,subscription_count' } })).json());
  await until(async () => (await info()).subscription_count === 2, 'two connections to be left');
  assert.equal((await info()).user_count, 2);
  assert.equal(watcher.frames.filter((f) => f.event === 'pusher_internal:member_removed').length, 0);
  await many[2].close();
  await watcher.event('pusher_internal:member_removed', 'presence-m');
  await watcher.settle();
  assert.equal(watcher.frames.filter((f) => f.event === 'pusher_internal:member_added').length, 1);
  assert.equal(watcher.frames.filter((f) => f.event === 'pusher_internal:member_removed').length, 1);
  await watcher.close();
});

test('a number as id keeps its type, and is the same user as its text', async () => {
  const a = await connectRaw(bridge);
  const b = await connectRaw(bridge);
  await a.subscribed('presence-n', user('x'));
  await b.subscribed('presence-n', '{"user_id":10,"user_info":{"v":1.10}}');
  const added = await a.event('pusher_internal:member_added', 'presence-n');
  assert.equal(JSON.parse(added.raw).data, '{"user_id":10,"user_info":{"v":1.10}}');
  const c = await connectRaw(bridge);
  assert.equal((await c.subscribed('presence-n', user('10'))).presence.count, 2);
  await Promise.all([a.close(), b.close(), c.close()]);
});

test('members without a proper id, with too much info, or too many are refused', async () => {
  const raw = await connectRaw(bridge);
  for (const bad of ['{}', '[]', 'x', '{"user_id":""}', '{"user_id":null}', '{"user_id":{}}', user('x'.repeat(129))]) {
    raw.subscribe('presence-bad', bad);
    assert.equal((await raw.refused('presence-bad')).status, 401);
  }
  raw.send('pusher:subscribe', { channel: 'presence-bad', auth: raw.auth('presence-bad') });
  assert.equal((await raw.refused('presence-bad')).status, 401);
  raw.subscribe('presence-bad', user('1', { x: 'y'.repeat(1024) }));
  assert.equal((await raw.refused('presence-bad')).status, 4301);
  await raw.close();
});

test('the hundred and first member is refused, another connection of a member is not', async () => {
  const all = await Promise.all(Array.from({ length: 100 }, async (_, i) => {
    const raw = await connectRaw(bridge);
    await raw.subscribed('presence-full', user(`u${i}`));
    return raw;
  }));
  const late = await connectRaw(bridge);
  late.subscribe('presence-full', user('late'));
  assert.equal((await late.refused('presence-full')).status, 4100);
  assert.equal((await late.subscribed('presence-full', user('u7'))).presence.count, 100);
  const { users } = await (await sdk.get({ path: '/channels/presence-full/users' })).json();
  assert.equal(users.length, 100);
  await Promise.all([...all, late].map((raw) => raw.close()));
});
