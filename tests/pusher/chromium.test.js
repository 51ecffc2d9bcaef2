// Unmodified pusher-js in real pages: states, every type of channel, client events, members, sign-in, loss and recovery.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import Pusher from 'pusher';
import { startBridge, top, until } from '../lib/index.js';

const library = fs.readFileSync(`${top}/tests/node_modules/pusher-js/dist/web/pusher-with-encryption.min.js`);
const args = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
];
let bridge;
let sdk;
let browser;
let site;

before(async () => {
  bridge = await startBridge(null, { app_id: '1', app_client_events: 'on', drain_time: '1s' }, { wait: false });
  sdk = new Pusher({
    appId: '1', key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false,
    encryptionMasterKeyBase64: crypto.randomBytes(32).toString('base64'),
  });
  site = await openSite();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args });
});
after(async () => {
  await browser?.close();
  site?.close();
  await bridge?.stop();
});

// Another origin than the bridge's, as an app's own pages are: the page, the library, and the app's authorization endpoints.
function openSite() {
  const answers = {
    '/': (form, user, answer) => answer('text/html', '<!doctype html><title>app</title><script src="/pusher.js"></script>'),
    '/pusher.js': (form, user, answer) => answer('text/javascript', library),
    '/auth': (form, user, answer) => answer('application/json', JSON.stringify(sdk.authorizeChannel(form.get('socket_id'), form.get('channel_name'),
      form.get('channel_name').startsWith('presence-') ? { user_id: user, user_info: { name: `${user}!` } } : undefined))),
    '/user-auth': (form, user, answer) => answer('application/json', JSON.stringify(sdk.authenticateUser(form.get('socket_id'), { id: user }))),
  };
  const server = http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://app');
    let body = '';
    for await (const piece of request) body += piece;
    const answer = (type, text) => response.setHeader('content-type', type).end(text);
    if (answers[pathname]) answers[pathname](new URLSearchParams(body), searchParams.get('user'), answer);
    else response.writeHead(404).end();
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

// A page of a user with a connected client, `pusher`, that notes all it hears in `heard` and its states in `states`.
async function page(user) {
  const it = await browser.newPage();
  await it.goto(`http://127.0.0.1:${site.address().port}/`);
  await it.evaluate(([key, port, name]) => {
    Object.assign(window, { states: [], heard: [] });
    window.pusher = new window.Pusher(key, {
      cluster: '', wsHost: '127.0.0.1', wsPort: port, forceTLS: false, enabledTransports: ['ws'], disableStats: true, unavailableTimeout: 1000,
      channelAuthorization: { endpoint: `/auth?user=${name}`, transport: 'ajax' },
      userAuthentication: { endpoint: `/user-auth?user=${name}`, transport: 'ajax' },
    });
    window.pusher.connection.bind('state_change', ({ current }) => window.states.push(current));
    window.listen = (channel) => window.pusher.subscribe(channel).bind_global((event, data) => {
      window.heard.push({ channel, event, data: data?.members ? { count: data.count, me: data.me?.id } : data });
    });
  }, [bridge.key, bridge.port, user]);
  await state(it, 'connected');
  return it;
}

const state = (it, wanted) => until(() => it.evaluate((name) => window.pusher.connection.state === name, wanted), `the page to be ${wanted}`);
const listen = (it, channel) => it.evaluate((name) => { window.listen(name); }, channel);

// Waits until the page has heard an event on a channel, and returns it.
function hears(it, channel, event) {
  return until(() => it.evaluate(([where, what]) => window.heard.find((one) => one.channel === where && one.event === what) ?? null, [channel, event]),
    `${event} on ${channel}`);
}

async function joins(it, channel) {
  await listen(it, channel);
  return (await hears(it, channel, 'pusher:subscription_succeeded')).data;
}

test('states from connecting to disconnected', async () => {
  const it = await page('ann');
  await it.evaluate(() => window.pusher.disconnect());
  assert.deepEqual(await it.evaluate(() => window.states), ['connected', 'disconnected']);
  await it.close();
});

test('every type of channel', async () => {
  const it = await page('ann');
  for (const name of ['public-1', 'cache-1', 'private-1', 'private-cache-1', 'private-encrypted-1', 'private-encrypted-cache-1', 'presence-1', 'presence-cache-1']) {
    await joins(it, name);
    if (name.includes('cache-')) await hears(it, name, 'pusher:cache_miss');
    await sdk.trigger(name, 'e', { on: name, text: '<b>€</b>' });
    assert.deepEqual((await hears(it, name, 'e')).data, { on: name, text: '<b>€</b>' });
  }
  await it.close();
});

test('a cache channel tells who comes later', async () => {
  await sdk.trigger('cache-later', 'e', { n: 1 });
  const it = await page('ann');
  await joins(it, 'cache-later');
  assert.deepEqual((await hears(it, 'cache-later', 'e')).data, { n: 1 });
  await it.close();
});

test('members and client events: to the others, with who sent them, not back', async () => {
  const [ann, ben] = [await page('ann'), await page('ben')];
  assert.deepEqual(await joins(ann, 'presence-p'), { count: 1, me: 'ann' });
  assert.deepEqual(await joins(ben, 'presence-p'), { count: 2, me: 'ben' });
  assert.deepEqual((await hears(ann, 'presence-p', 'pusher:member_added')).data, { id: 'ben', info: { name: 'ben!' } });
  for (const it of [ann, ben])
    await it.evaluate(() => window.pusher.channel('presence-p').bind('client-hi', (data, { user_id: from }) => { window.hi = { data, from }; }));
  await ben.evaluate(() => window.pusher.channel('presence-p').trigger('client-hi', { x: 1 }));
  assert.deepEqual(await until(() => ann.evaluate(() => window.hi), 'client-hi'), { data: { x: 1 }, from: 'ben' });
  await sdk.trigger('presence-p', 'last', {});
  await hears(ben, 'presence-p', 'last');
  assert.equal(await ben.evaluate(() => window.hi), undefined);
  await ben.close();
  assert.equal((await hears(ann, 'presence-p', 'pusher:member_removed')).data.id, 'ben');
  await ann.close();
});

test('sign-in, events to the user, the end of his connections', async () => {
  const it = await page('cleo');
  await it.evaluate(() => {
    window.pusher.signin();
    window.pusher.user.bind('hello', (data) => window.heard.push({ channel: 'user', event: 'hello', data }));
  });
  await until(() => it.evaluate(() => Boolean(window.pusher.user.serverToUserChannel?.subscribed)), "the user's channel");
  await sdk.sendToUser('cleo', 'hello', { n: 1 });
  assert.deepEqual((await hears(it, 'user', 'hello')).data, { n: 1 });
  await sdk.terminateUserConnections('cleo');
  await state(it, 'disconnected');
  await it.close();
});

test('a bridge that is killed: unavailable, then connected again, with every channel', async () => {
  const it = await page('ann');
  await joins(it, 'private-back');
  await bridge.kill('SIGKILL');
  await state(it, 'unavailable');
  await it.evaluate(() => { window.heard = []; });
  await bridge.restart(false);
  await state(it, 'connected');
  await hears(it, 'private-back', 'pusher:subscription_succeeded');
  await sdk.trigger('private-back', 'e', 1);
  assert.equal((await hears(it, 'private-back', 'e')).data, 1);
  await it.close();
});

test('a refused key says so and does not try again', async () => {
  const it = await browser.newPage();
  await it.goto(`http://127.0.0.1:${site.address().port}/`);
  await it.evaluate((port) => {
    window.pusher = new window.Pusher('nobody', { cluster: '', wsHost: '127.0.0.1', wsPort: port, forceTLS: false, enabledTransports: ['ws'], disableStats: true });
    window.pusher.connection.bind('error', (error) => { window.why = error.data ?? error.error?.data; });
  }, bridge.port);
  await state(it, 'disconnected');
  assert.equal((await it.evaluate(() => window.why)).code, 4001);
  await it.close();
});
