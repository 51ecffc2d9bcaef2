// A page of another site cannot speak for whoever looks at it: not over a WebSocket, not over HTTP, and not from within a frame.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import WebSocket from 'ws';
import { connectSocket, isError, startAll, startBridge, within } from '../lib/index.js';

const { cluster, bridge } = await startAll({ allowed_origins: 'https://shop.example', sign_in_wait: '100ms' });
const token = bridge.token('player', 'ada');
const cookie = `unichat_token=${token}`;
const own = bridge.url;

async function mayListen(headers) {
  const socket = await connectSocket(bridge, { headers });
  socket.send({ event: 'pusher:subscribe', data: { channel: 'player-ada' } });
  const answer = await socket.received((m) => /subscription_(succeeded|error)/.test(m.event), 'an answer');
  socket.close();
  return /succeeded/.test(answer.event);
}

// The answer to bytes that are sent as they are.
const raw = (bytes) => within(new Promise((resolve, reject) => {
  let text = '';
  const socket = net.connect(bridge.port, '127.0.0.1', () => socket.write(bytes));
  socket.on('data', (data) => { text += data; });
  socket.on('close', () => resolve(text));
  socket.on('error', reject);
}), 'an answer');

const FOREIGN = ['https://evil.example', 'null', 'https://shop.example.evil.example', 'https://evil.example/https://shop.example', 'http://shop.example',
  'https://shop.example:444', `${own}.evil.example`, `${own}:1`, 'https://', own.replace('http://', 'ftp://'), own.replace('http://', ''), 'file://', '*'];

test('a WebSocket that a foreign page has opened is nobody, whatever cookie the browser adds', async () => {
  for (const origin of FOREIGN) assert.equal(await mayListen({ cookie, origin }), false, origin);
  for (const origin of [own, 'https://shop.example', 'HTTPS://Shop.Example']) assert.equal(await mayListen({ cookie, origin }), true, origin);
  assert.equal(await mayListen({ cookie }), true, 'no browser');
});

test('a token that the page itself holds counts from anywhere: no browser adds it', async () => {
  assert.equal(await mayListen({ authorization: `Bearer ${token}`, origin: 'https://evil.example' }), true);
  assert.equal(await mayListen({ authorization: 'Bearer x', cookie, origin: own }), false, 'a bad one is not made good by the cookie');
});

test('an app that every origin may connect to gives no cookie away', async () => {
  const section = (name, more = '') => `\n[app ${name}]\nid = ${name}\nkey = ${name}\nsecret = the secret of the app ${name}\n${more}`;
  const several = await startBridge(cluster, { max_identity_sockets: 2 }, { sections: section('open') + section('evil', 'origins = https://evil.example\n') });
  after(() => several.stop());
  let players = 0;
  // Whether the sockets of a page count as its visitor's, who may have two.
  const areHers = async (key, origin) => {
    const headers = { origin, cookie: `unichat_token=${several.token('player', `p${++players}`)}` };
    const answers = [];
    for (let i = 0; i < 3; i++) {
      const socket = new WebSocket(`ws://127.0.0.1:${several.port}/app/${key}`, { headers });
      answers.push(JSON.parse(await within(once(socket, 'message').then(([data]) => String(data)), 'the first message')).event);
    }
    assert.deepEqual(answers.slice(0, 2), Array(2).fill('pusher:connection_established'));
    return answers[2] === 'pusher:error';
  };
  for (const key of [several.key, 'open', 'evil']) assert.equal(await areHers(key, 'https://evil.example'), false, key);
  for (const key of [several.key, 'open']) assert.equal(await areHers(key, several.url), true, key);
});

test('every origin cannot be allowed', async () => {
  const all = await startBridge(cluster, { allowed_origins: '*' }, { wait: false }).then((it) => it.stop(), (error) => error);
  assert.match(String(all?.message), /allowed_origins: "\*" is no origin/);
});

test('what changes something is refused to a foreign page', async () => {
  const calls = [['POST', '/api/unified-chat/send', { message: 'x' }], ['POST', '/api/unified-chat/read/ada', { seq: 1 }], ['DELETE', '/session'],
    ['POST', '/pusher/auth', 'socket_id=1.2&channel_name=private-player-ada', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['POST', '/pusher/user-auth', 'socket_id=1.2', { 'content-type': 'application/x-www-form-urlencoded' }]];
  for (const [method, path, body, headers] of calls)
    for (const origin of FOREIGN) isError(await bridge.api(method, path, { body, headers: { ...headers, cookie, origin } }), 403, 'origin_not_allowed');
  const planted = await bridge.api('POST', '/session', { token, headers: { origin: 'https://evil.example' } });
  isError(planted, 403, 'origin_not_allowed');
});

test('a form of another site, which needs no preflight, is no request of the API', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
    for (const headers of [{ origin: own }, {}]) {
      const answer = await bridge.api('POST', '/api/unified-chat/send', { body: '{"message":"x"}', headers: { cookie, 'content-type': type, ...headers } });
      assert.equal(answer.status, 415, type);
    }
});

test('a preflight is answered for allowed origins alone, and never with *', async () => {
  const ask = (origin) => bridge.api('OPTIONS', '/api/unified-chat/send', { headers: { origin, 'access-control-request-method': 'POST' } });
  const good = await ask('https://shop.example');
  assert.equal(good.headers.get('access-control-allow-origin'), 'https://shop.example');
  assert.equal(good.headers.get('vary'), 'Origin');
  for (const origin of FOREIGN) {
    const answer = await ask(origin);
    assert.equal(answer.status, 403, origin);
    assert.equal(answer.headers.get('access-control-allow-origin'), null, origin);
  }
});

test('the portals: no script but our own, no frame around them, nothing told to other sites', async () => {
  for (const path of ['/player/', '/staff/']) {
    const { headers } = await bridge.api('GET', path);
    const csp = Object.fromEntries(headers.get('content-security-policy').split(';').map((one) => one.trim()).map((one) => [one.split(' ')[0], one.split(' ').slice(1).join(' ')]));
    assert.equal(csp['default-src'], "'none'");
    assert.equal(csp['script-src'], "'self'");
    assert.equal(csp['frame-ancestors'], "'none'");
    assert.equal(csp['base-uri'], "'none'");
    assert.match(csp['form-action'], /^'(none|self)'$/);
    assert.equal(csp['connect-src'], `'self' ws://127.0.0.1:${bridge.port} wss://127.0.0.1:${bridge.port}`);
    assert.doesNotMatch(headers.get('content-security-policy'), /unsafe|\*|blob:/);
    assert.match(await raw(`GET ${path} HTTP/1.1\r\nHost: x; script-src *\r\nConnection: close\r\n\r\n`), /connect-src 'self';/, 'a Host that is none');
    for (const [name, value] of [['x-frame-options', 'DENY'], ['x-content-type-options', 'nosniff'], ['referrer-policy', 'no-referrer'],
      ['cross-origin-opener-policy', 'same-origin'], ['cross-origin-resource-policy', 'same-origin']]) assert.equal(headers.get(name), value, name);
  }
});
