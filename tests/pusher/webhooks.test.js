// Webhooks, received by a real HTTP server and checked by the stock library.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import Pusher from 'pusher';
import { startBridge, until } from '../lib/index.js';
import { connectRaw } from './raw.js';

let bridge;
let sdk;
let server;
let posts = []; // {headers, body, at}
let answers = []; // statuses to give, then 200

before(async () => {
  server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const status = answers.shift() ?? 200;
      posts.push({ headers: request.headers, body: Buffer.concat(parts).toString(), status, at: Date.now() });
      response.writeHead(status).end();
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  bridge = await startBridge(null, {
    app_id: '1', app_client_events: 'on', app_subscription_count: 'on', app_webhook_url: `http://127.0.0.1:${server.address().port}/hook`,
  }, { wait: false });
  sdk = new Pusher({ appId: '1', key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false });
});
after(async () => {
  await bridge?.stop();
  server?.closeAllConnections();
  server?.close();
});
beforeEach(() => { posts = []; answers = []; });

const accepted = () => posts.filter((post) => post.status === 200).flatMap((post) => JSON.parse(post.body).events);
const told = (name, channel) => until(() => accepted().find((e) => e.name === name && e.channel === channel), `webhook ${name} ${channel}`);

test('the library takes them for valid', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('valid');
  await told('channel_occupied', 'valid');
  const { headers, body } = posts[0];
  assert.equal(headers['content-type'], 'application/json');
  const webhook = sdk.webhook({ headers, rawBody: body });
  assert.ok(webhook.isValid());
  assert.ok(Math.abs(webhook.getTime() - Date.now()) < 60000);
  assert.ok(webhook.getEvents().some((e) => e.name === 'channel_occupied' && e.channel === 'valid'));
  await raw.close();
});

test('each kind, with its fields, in order', async () => {
  const [a, b] = await Promise.all([connectRaw(bridge), connectRaw(bridge)]);
  await a.subscribed('presence-cache-w', '{"user_id":"ann"}');
  await b.subscribed('presence-cache-w', '{"user_id":"bob"}');
  a.ws.send('{"event":"client-hi","channel":"presence-cache-w","data":{"a":1.10}}');
  await b.event('client-hi');
  assert.deepEqual(await told('cache_miss', 'presence-cache-w'), { name: 'cache_miss', channel: 'presence-cache-w' });
  assert.deepEqual(await told('client_event', 'presence-cache-w'), {
    name: 'client_event', channel: 'presence-cache-w', event: 'client-hi', data: '{"a":1.10}', socket_id: a.socketId, user_id: 'ann' });
  await b.subscribed('counted');
  assert.equal((await told('subscription_count', 'counted')).subscription_count, 1);
  await Promise.all([a.close(), b.close()]);
  await told('channel_vacated', 'presence-cache-w');
  const of = accepted().filter((e) => e.channel === 'presence-cache-w').map((e) => [e.name, e.user_id].filter(Boolean).join(' '));
  assert.deepEqual(of.slice(0, 3), ['channel_occupied', 'member_added ann', 'cache_miss']);
  assert.deepEqual(of.slice(3, 5), ['member_added bob', 'client_event ann']);
  assert.deepEqual(of.slice(5).sort(), ['channel_vacated', 'member_removed ann', 'member_removed bob']);
});

test('a page that is loaded again is not told of', async () => {
  const a = await connectRaw(bridge);
  await a.subscribed('presence-again', '{"user_id":"ann"}');
  await told('member_added', 'presence-again');
  await a.close();
  const b = await connectRaw(bridge);
  await b.subscribed('presence-again', '{"user_id":"ann"}');
  await b.subscribed('marker');
  await told('channel_occupied', 'marker');
  await b.close();
  await told('channel_vacated', 'presence-again');
  const names = accepted().filter((e) => e.channel === 'presence-again').map((e) => e.name).sort();
  assert.deepEqual(names, ['channel_occupied', 'channel_vacated', 'member_added', 'member_removed']);
});

test('what was not accepted is sent again, the same bytes, and nothing overtakes it', async () => {
  answers = [503, 500];
  const raw = await connectRaw(bridge);
  await raw.subscribed('retried');
  await until(() => posts.length >= 1, 'the first POST');
  await raw.subscribed('later');
  await told('channel_occupied', 'later');
  const tries = posts.filter((post) => post.body.includes('"retried"'));
  assert.ok(tries.length >= 3);
  assert.equal(tries[0].body, tries[1].body);
  assert.equal(tries[0].headers['x-pusher-signature'], tries[2].headers['x-pusher-signature']);
  const order = accepted().filter((e) => e.name === 'channel_occupied').map((e) => e.channel);
  assert.deepEqual(order.filter((c) => c === 'retried' || c === 'later'), ['retried', 'later']);
  await raw.close();
});

test('a receiver that never answers holds up nobody', async () => {
  const url = bridge.settings.app_webhook_url;
  const hanging = http.createServer(() => {});
  await new Promise((resolve) => { hanging.listen(0, '127.0.0.1', resolve); });
  bridge.configure({ app_webhook_url: `http://127.0.0.1:${hanging.address().port}/` });
  await bridge.restart(false);
  const [a, b] = await Promise.all([connectRaw(bridge), connectRaw(bridge)]);
  await a.subscribed('private-h');
  await b.subscribed('private-h');
  for (let i = 0; i < 5; i += 1) {
    a.send('client-e', i, { channel: 'private-h' });
    await b.event('client-e');
  }
  await Promise.all([a.close(), b.close()]);
  hanging.closeAllConnections();
  hanging.close();
  bridge.configure({ app_webhook_url: url });
});

test('what waits for a receiver that takes nothing is bounded in bytes: what is more is counted', async () => {
  const hanging = http.createServer(() => {});
  await new Promise((resolve) => { hanging.listen(0, '127.0.0.1', resolve); });
  const full = await startBridge(null, {
    app_client_events: 'on', app_max_client_events: 10000, app_webhook_url: `http://127.0.0.1:${hanging.address().port}/`,
  }, { wait: false });
  after(() => { hanging.closeAllConnections(); hanging.close(); return full.stop(); });
  const raw = await connectRaw(full);
  await raw.subscribed('private-full');
  for (let i = 0; i < 2500; i += 1) raw.send('client-e', 'x'.repeat(9000), { channel: 'private-full' });
  await raw.settle();
  const dropped = await full.metric('unichat_webhook_events_total', 'outcome="dropped"');
  assert.ok(dropped > 500 && dropped < 1000, `${dropped} dropped of 22 MB`);
  await raw.close();
});
