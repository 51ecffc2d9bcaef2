// Sign-in, a user's own channel, watchlists, and ending a user's connections.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Pusher from 'pusher';
import { startBridge } from '../lib/index.js';
import { connectRaw } from './raw.js';

let bridge;
let sdk;
before(async () => {
  bridge = await startBridge(null, { app_id: '1', app_watchlist: 'on' }, {
    wait: false, sections: '\n[app strict]\nid = 2\nkey = strict\nsecret = secret-of-the-strict-app\nrequire_authorization = on\n',
  });
  sdk = new Pusher({ appId: '1', key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false });
});
after(() => bridge?.stop());

async function signedIn(user) {
  const raw = await connectRaw(bridge);
  raw.signin(user);
  const { data } = await raw.event('pusher:signin_success');
  assert.deepEqual(JSON.parse(data.user_data), user);
  return raw;
}

test('a user gets what is sent to him, on every connection', async () => {
  const [a, b, other] = await Promise.all([signedIn({ id: '42' }), signedIn({ id: '42' }), signedIn({ id: '43' })]);
  await a.subscribed('#server-to-user-42');
  await b.subscribed('#server-to-user-42');
  other.subscribe('#server-to-user-42');
  assert.equal((await other.refused('#server-to-user-42')).status, 401);
  await sdk.sendToUser('42', 'hello', { to: 'you' });
  for (const raw of [a, b]) assert.deepEqual((await raw.event('hello', '#server-to-user-42')).data, { to: 'you' });
  const { channels } = await (await sdk.get({ path: '/channels' })).json();
  assert.deepEqual(Object.keys(channels).filter((name) => name.startsWith('#')), []);
  await Promise.all([a.close(), b.close(), other.close()]);
});

test('a bad sign-in is closed with 4009', async () => {
  for (const act of [
    (raw) => raw.signin({ id: '1' }, 'another secret'),
    (raw) => raw.signin({}),
    (raw) => raw.signin({ id: '' }),
    (raw) => raw.signin({ id: 'a b' }),
    (raw) => raw.send('pusher:signin', {}),
  ]) {
    const raw = await connectRaw(bridge);
    act(raw);
    assert.equal((await raw.closed).code, 4009);
  }
});

test('signing in again as another is 4009, as the same is fine', async () => {
  const raw = await signedIn({ id: 'me' });
  raw.signin({ id: 'me' });
  await raw.event('pusher:signin_success');
  raw.signin({ id: 'you' });
  assert.equal((await raw.closed).code, 4009);
});

test('a signed-in user joins presence channels without channel_data', async () => {
  const raw = await signedIn({ id: '7', user_info: { name: 'Seven' } });
  raw.send('pusher:subscribe', { channel: 'presence-s', auth: raw.auth('presence-s') });
  const { data } = await raw.event('pusher_internal:subscription_succeeded', 'presence-s');
  assert.deepEqual(data.presence, { ids: ['7'], hash: { 7: { name: 'Seven' } }, count: 1 });
  await raw.close();
});

test('a watchlist tells who is online, who comes and who goes', async () => {
  const first = await signedIn({ id: 'w1' });
  const watcher = await signedIn({ id: 'watcher', watchlist: ['w1', 'w2'] });
  const now = (await watcher.event('pusher_internal:watchlist_events')).data.events;
  assert.deepEqual(now, [{ name: 'online', user_ids: ['w1'] }, { name: 'offline', user_ids: ['w2'] }]);
  const second = await signedIn({ id: 'w2' });
  assert.deepEqual((await watcher.event('pusher_internal:watchlist_events')).data.events, [{ name: 'online', user_ids: ['w2'] }]);
  const again = await signedIn({ id: 'w1' });
  await first.close();
  await watcher.settle();
  assert.equal(watcher.frames.filter((f) => f.event.endsWith('watchlist_events')).length, 2, 'w1 is still online');
  await again.close();
  assert.deepEqual((await watcher.event('pusher_internal:watchlist_events')).data.events, [{ name: 'offline', user_ids: ['w1'] }]);
  await Promise.all([second.close(), watcher.close()]);
});

test('a watchlist over the limit is cut, and told so', async () => {
  const raw = await signedIn({ id: 'many', watchlist: Array.from({ length: 101 }, (_, i) => `x${i}`) });
  assert.equal((await raw.event('pusher:error')).data.code, 4302);
  const { events } = (await raw.event('pusher_internal:watchlist_events')).data;
  assert.equal(events[0].user_ids.length, 100);
  await raw.close();
});

test('all connections of a user are ended, nobody else', async () => {
  const [a, b, other] = await Promise.all([signedIn({ id: 'gone@x' }), signedIn({ id: 'gone@x' }), signedIn({ id: 'stays' })]);
  await sdk.terminateUserConnections('gone@x');
  assert.equal((await a.closed).code, 4009);
  assert.equal((await b.closed).code, 4009);
  await other.settle();
  await other.close();
});
