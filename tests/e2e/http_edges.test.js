// The HTTP side itself: unknown paths and methods, sizes, broken requests, health, metrics, static files.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, test } from 'node:test';
import { connectClient, isError, startAll, startBridge, until, within } from '../lib/index.js';

const { cluster, bridge } = await startAll({ max_body: '64kB' });
const token = bridge.token('player', 'ada', 'Ada');
const send = (body, headers = { 'content-type': 'application/json' }) => bridge.api('POST', '/api/unified-chat/send', { token, body, headers });

// Sends bytes as they are; returns everything that comes until the server closes or `enough` is seen.
function raw(bytes, enough = /\r\n\r\n/) {
  return within(new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(bridge.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (data) => { text += data; if (enough.test(text)) socket.end(); });
    socket.on('close', () => resolve(text));
    socket.on('error', (error) => (text ? resolve(text) : reject(error)));
  }), 'an answer', 10000);
}

test('an unknown path: 404; a known one by another method: 405 that says which', async () => {
  for (const path of ['/nothing', '/api', '/api/unified-chat', '/api/unified-chat/send/more', '/apps', '/player/nothing.html'])
    assert.equal((await bridge.api('GET', path)).status, 404, path);
  isError(await bridge.api('GET', '/api/unified-chat/nothing'), 404, 'not_found');
  const answer = await bridge.api('DELETE', '/api/unified-chat/send', { token });
  isError(answer, 405, 'method_not_allowed');
  assert.match(answer.headers.get('allow'), /POST/);
});

test('max_body counts at every size that it may have, also above what is read of a body that is too large', async () => {
  const roomy = await startBridge(cluster, { max_body: '20MB' });
  after(() => roomy.stop());
  const post = (bytes) => roomy.api('POST', '/api/unified-chat/send', {
    token: roomy.token('player', 'ada'), headers: { 'content-type': 'application/json' }, body: '{"message":"padded"}'.padEnd(bytes),
  });
  assert.equal((await post(20 << 20)).status, 201);
  const large = await post((20 << 20) + 1);
  isError(large, 413, 'too_large');
});

test('a body over max_body: 413 that names the limit, also when it comes in pieces without a length', async () => {
  const large = await send(JSON.stringify({ message: 'x'.repeat(70000) }));
  isError(large, 413, 'too_large');
  assert.match(large.body.error.message, /65,?536|64 ?kB/);
  const pieces = `POST /api/unified-chat/send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
    + `4000\r\n${'x'.repeat(0x4000)}\r\n`.repeat(8);
  const answer = await raw(pieces).catch((error) => error.message);
  assert.match(answer, /^HTTP\/1\.1 (413|411|400|501)/);
});

test('a body that arrives byte by byte is a body', async () => {
  const body = JSON.stringify({ message: 'slowly', clientMessageId: 'bytes' });
  const head = `POST /api/unified-chat/send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const socket = net.connect(bridge.port, '127.0.0.1');
  let text = '';
  socket.on('data', (data) => { text += data; });
  for (const byte of head + body) await new Promise((resolve) => { socket.write(byte, () => setImmediate(resolve)); });
  await until(() => /^HTTP\/1\.1 201/.test(text), 'the answer');
  socket.destroy();
});

const ONE = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
const answers = (text) => (text.match(/HTTP\/1\.1 200/g) || []).length;

test('many requests on one connection', async () => {
  const socket = net.connect(bridge.port, '127.0.0.1');
  let text = '';
  socket.on('data', (data) => { text += data; });
  for (let n = 1; n <= 3; n++) {
    socket.write(ONE);
    await until(() => answers(text) === n, `answer ${n}`);
  }
  socket.destroy();
});

// What libwebsockets holds of a client is not safe to read a body from: the connection ends with the answer.
test('who sends ahead of the answers gets the first, and asks anew for the others', async () => {
  for (let left = 3; left > 0;) {
    const text = await raw(ONE.repeat(left), /HTTP\/1\.1 200[^]*/);
    assert.ok(answers(text) >= 1, text);
    left -= answers(text);
  }
});

test('what is no HTTP hurts nobody', async () => {
  for (const bytes of ['\0\0\0\0\r\n\r\n', 'GET\r\n\r\n', 'BREW /coffee HTTP/1.1\r\n\r\n', `GET /${'x'.repeat(20000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(100000)}\r\n\r\n`, 'POST /api/unified-chat/send HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'POST /api/unified-chat/send HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']) {
    const socket = net.connect(bridge.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('error', () => {});
    await bridge.api('GET', '/healthz');
    socket.destroy();
  }
  assert.equal((await bridge.api('GET', '/healthz')).status, 200);
});

test('a client that goes away before its answer hurts nobody', async () => {
  const body = '{"message":"gone"}';
  for (let i = 0; i < 20; i++) {
    const socket = net.connect(bridge.port, '127.0.0.1');
    socket.on('error', () => {});
    await new Promise((resolve) => {
      socket.write(`POST /api/unified-chat/send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bridge.token('player', `gone-${i}`)}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`, resolve);
    });
    socket.destroy();
  }
  assert.equal((await bridge.api('GET', '/healthz')).status, 200);
});

test('health and readiness', async () => {
  assert.equal((await bridge.api('GET', '/healthz')).status, 200);
  assert.equal((await bridge.api('GET', '/readyz')).status, 200);
  assert.equal((await bridge.api('HEAD', '/healthz')).body, '');
});

test('metrics: Prometheus text, each with HELP and TYPE, that follow what happens', async () => {
  const client = await connectClient(bridge, { token, channels: ['private-player-ada'] });
  cluster.psql("SELECT unichat_send('ada', 'counted')");
  await client.waitFor((e) => e.data.message === 'counted', 'the message');
  const { headers, body } = await bridge.api('GET', '/metrics');
  assert.match(headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  const names = new Set([...body.matchAll(/^([a-z_:]+)[ {]/gm)].map((m) => m[1].replace(/_(bucket|sum|count)$/, '')));
  assert.ok(names.size >= 10, [...names].join(' '));
  for (const name of names) {
    assert.match(name, /^(unichat|process)_/, name);
    assert.match(body, new RegExp(`^# HELP ${name}(_total)? .+$`, 'm'), `HELP of ${name}`);
    assert.match(body, new RegExp(`^# TYPE ${name}(_total)? (counter|gauge|histogram)$`, 'm'), `TYPE of ${name}`);
  }
  for (const line of body.trim().split('\n')) assert.match(line, /^(#|[a-z_:]+(\{[^}]*\})? -?[0-9.e+-]+(Inf|NaN)?$)/);
  client.close();
});

test('the portals are served with safe headers, and nothing outside their folder', async () => {
  for (const path of ['/player/', '/staff/']) {
    const page = await bridge.api('GET', path);
    assert.equal(page.status, 200, path);
    assert.match(page.headers.get('content-type'), /^text\/html/);
    assert.match(page.headers.get('content-security-policy'), /script-src 'self'/);
    assert.doesNotMatch(page.headers.get('content-security-policy'), /unsafe/);
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  }
  for (const path of ['/player/../../../etc/passwd', '/player/%2e%2e/%2e%2e/%2e%2e/etc/passwd', '/player/..%2f..%2f..%2fetc/passwd', '/vendor/../../Makefile', '//etc/passwd']) {
    const text = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    assert.doesNotMatch(text, /root:|^all:/m, path);
    assert.doesNotMatch(text, /^HTTP\/1\.1 200/, path);
  }
});

test('a page that has not changed is not sent again', async () => {
  const first = await bridge.api('GET', '/player/');
  const etag = first.headers.get('etag');
  assert.ok(etag);
  assert.equal((await bridge.api('GET', '/player/', { headers: { 'if-none-match': etag } })).status, 304);
});
