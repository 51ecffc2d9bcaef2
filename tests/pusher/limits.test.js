// The limits of an app are settings: what is at the limit passes, what is over it is refused, and says which limit it was.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Pusher from 'pusher';
import { startBridge, until, within } from '../lib/index.js';
import { connectRaw } from './raw.js';

let bridge;
let sdk;
before(async () => {
  bridge = await startBridge(null, {
    app_id: '1', app_client_events: 'on', app_watchlist: 'on', app_require_authorization: 'on', app_authorization_time: '1s',
    app_max_channels: '2', app_max_channel_name: '50', app_max_event_name: '20', app_max_event: '1kB', app_max_members: '2',
    app_max_member_info: '100B', app_max_watchlist: '2', app_max_publish_channels: '2', app_max_batch: '2', app_cache_time: '0s',
  }, { wait: false });
  sdk = new Pusher({ appId: '1', key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false });
});
after(() => bridge?.stop());

const status = async (call) => (await call.catch((error) => error)).status;
const member = (id, name = 'n') => JSON.stringify({ user_id: id, user_info: { name } });

test('channels of a connection, and the length of their names', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('private-' + 'x'.repeat(42));
  raw.subscribe('private-' + 'x'.repeat(43));
  assert.match((await raw.refused('private-' + 'x'.repeat(43))).error, /longer than this app allows/);
  await raw.subscribed('two');
  raw.subscribe('three');
  assert.match((await raw.refused('three')).error, /as many channels as this app allows/);
  await raw.close();
});

test('members of a presence channel, and what is said of them', async () => {
  const all = await Promise.all([1, 2, 3, 4].map(() => connectRaw(bridge)));
  await all[0].subscribed('presence-p', member('a'));
  all[1].subscribe('presence-p', member('b', 'x'.repeat(100)));
  await all[1].refused('presence-p');
  await all[1].subscribed('presence-p', member('b', 'x'.repeat(80)));
  all[2].subscribe('presence-p', member('c'));
  await all[2].refused('presence-p');
  assert.equal((await all[3].subscribed('presence-p', member('a'))).presence.count, 2, 'a user who is there already may join again');
  await all[2].subscribed('private-authorized');
  await Promise.all(all.map((raw) => raw.close()));
});

test('the name and the data of an event, from a client and from a server', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('private-e');
  raw.send(`client-${'x'.repeat(14)}`, {}, { channel: 'private-e' });
  assert.match((await raw.event('pusher:error')).data.message, /event name is longer than this app allows/);
  raw.send('client-x', 'x'.repeat(1100), { channel: 'private-e' });
  assert.match((await raw.event('pusher:error')).data.message, /data is larger than this app allows/);
  assert.equal(await status(sdk.trigger('private-e', 'x'.repeat(20), 'x'.repeat(1000))), 200);
  assert.equal(await status(sdk.trigger('private-e', 'x'.repeat(21), 'd')), 400);
  assert.equal(await status(sdk.trigger('private-e', 'x', 'x'.repeat(1100))), 413);
  await raw.close();
});

test('channels of one event, and events of one batch', async () => {
  assert.equal(await status(sdk.trigger(['a', 'b'], 'e', 'd')), 200);
  assert.equal(await status(sdk.trigger(['a', 'b', 'c'], 'e', 'd')), 400);
  const batch = (n) => Array.from({ length: n }, () => ({ channel: 'a', name: 'e', data: 'd' }));
  assert.equal(await status(sdk.triggerBatch(batch(2))), 200);
  assert.equal(await status(sdk.triggerBatch(batch(3))), 400);
});

test('users of a watchlist', async () => {
  const raw = await connectRaw(bridge);
  raw.signin({ id: 'w', watchlist: ['a', 'b', 'c'] });
  await raw.event('pusher:signin_success');
  assert.equal((await raw.event('pusher:error')).data.code, 4302);
  await raw.close();
});

test('a cache channel whose time is 0 keeps nothing', async () => {
  await sdk.trigger('cache-x', 'e', 'd');
  const raw = await connectRaw(bridge);
  await raw.subscribed('cache-x');
  await raw.event('pusher:cache_miss');
  await raw.close();
});

test('a time of less than a second is not none', async () => {
  const brief = await startBridge(null, { app_id: '1', app_cache_time: '999ms' }, { wait: false });
  after(() => brief.stop());
  const api = new Pusher({ appId: '1', key: brief.key, secret: brief.secret('app_secret'), host: '127.0.0.1', port: String(brief.port), useTLS: false });
  const raw = await connectRaw(brief);
  let n = 0;
  await until(async () => { // again on a machine that is too busy for this within the time
    const channel = `cache-${n += 1}`;
    await api.trigger(channel, 'e', 'd');
    await raw.subscribed(channel);
    await raw.settle();
    return raw.frames.some((frame) => frame.channel === channel && frame.event === 'e');
  }, 'what was kept');
  await raw.close();
});

test('who has proven nothing in time is closed', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('public');
  assert.equal((await within(raw.closed, 'the connection to be closed')).code, 4009);
});
