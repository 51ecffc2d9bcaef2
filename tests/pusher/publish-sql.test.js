// The database as a Pusher server SDK: unichat_publish().
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBridge, startCluster } from '../lib/index.js';
import { connectRaw } from './raw.js';

let cluster;
let bridge;
before(async () => {
  cluster = await startCluster();
  bridge = await startBridge(cluster);
});
after(async () => {
  await bridge?.stop();
  await cluster?.stop();
});

const publish = (channel, event, data, socketId = null) => cluster.query('SELECT unichat_publish($1, $2, $3, $4)', [channel, event, JSON.stringify(data), socketId]);

test('an event reaches the channel, but not the connection that it names', async () => {
  const [a, b] = await Promise.all([connectRaw(bridge), connectRaw(bridge)]);
  for (const raw of [a, b]) await raw.subscribed('news');
  await publish('news', 'hello', { text: 'ä "quoted" 😀' }, a.socketId);
  const frame = await b.event('hello', 'news');
  assert.deepEqual(frame.data, { text: 'ä "quoted" 😀' });
  assert.equal(typeof JSON.parse(frame.raw).data, 'string');
  await publish('news', 'second', [1]);
  await a.event('second');
  assert.equal(a.frames.filter((f) => f.event === 'hello').length, 0);
  await Promise.all([a.close(), b.close()]);
});

test('only what is committed is sent, in order, and equal ones are all sent', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('tx');
  const session = await cluster.connect();
  await session.query("BEGIN; SELECT unichat_publish('tx', 'never', '0'); ROLLBACK");
  await session.query("BEGIN; SELECT unichat_publish('tx', 'e', to_jsonb(1)); SELECT unichat_publish('tx', 'e', to_jsonb(1)); SELECT unichat_publish('tx', 'last', '2'); COMMIT");
  await session.end();
  await raw.event('last');
  assert.deepEqual(raw.frames.filter((f) => f.channel === 'tx').map((f) => f.event), ['pusher_internal:subscription_succeeded', 'e', 'e', 'last']);
  await raw.close();
});

test('far over the limit of a notification, many at once', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('large');
  const texts = Array.from({ length: 8 }, (_, i) => `${i}${'ä😀x'.repeat(20000 + i)}`);
  await Promise.all(texts.map((text) => publish('large', 'e', { text })));
  const got = [];
  for (let i = 0; i < texts.length; i += 1) got.push((await raw.event('e', 'large')).data.text);
  assert.deepEqual(got.sort(), texts.sort());
  await raw.close();
});

test('a cache channel keeps it, a presence channel and a user get it', async () => {
  await publish('cache-sql', 'e', { kept: true });
  const raw = await connectRaw(bridge);
  await raw.subscribed('presence-sql', '{"user_id":"1"}');
  await publish('presence-sql', 'e', 1);
  await raw.event('e', 'presence-sql');
  await raw.subscribed('cache-sql');
  assert.deepEqual((await raw.event('e', 'cache-sql')).data, { kept: true });
  raw.signin({ id: '77' });
  await raw.event('pusher:signin_success');
  await raw.subscribed('#server-to-user-77');
  await publish('#server-to-user-77', 'you', {});
  await raw.event('you', '#server-to-user-77');
  await raw.close();
});

test('what is no publication is refused and harms nothing', async () => {
  for (const payload of ['', 'x', 'id 1 1', 'id 2 2 x', 'id 1 0 x', 'id 1 99999999 x', 'id 1 1 {', 'id 1 1 {"channel":"a b","event":"e","data":"1"}',
    'id 1 1 {"channel":"x","event":"pusher:error","data":"1"}', `${'i'.repeat(60)} 1 1 {}`]) {
    await cluster.query('SELECT unichat_notify($1, $2)', ['publish', payload]);
  }
  const raw = await connectRaw(bridge);
  await raw.subscribed('after');
  await publish('after', 'e', 1);
  await raw.event('e');
  await raw.close();
});
