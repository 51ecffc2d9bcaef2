// Sockets: how long a client may take to say what it wants, how many there may be of one address, of one identity and of
// all, and that those who only hold sockets open keep nobody out.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';
import WebSocket from 'ws';
import { connectClient, connectSocket, freePort, run, scratchFolder, sleep, startAll, startBridge, until, within } from '../lib/index.js';

const { cluster, bridge } = await startAll({ request_time: '1s', keepalive_time: '1s', max_queue_time: '1s' });

async function another(settings, options) {
  const one = await startBridge(cluster, settings, options);
  after(() => one.stop());
  return one;
}

// A socket that has sent these bytes. `ended` is how it ends: 'closed' or an error's code; `text` what came.
function open(port, bytes = '', { from } = {}) {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: from });
  socket.text = '';
  if (bytes) socket.write(bytes);
  socket.on('data', (data) => { socket.text += data; });
  socket.ended = new Promise((resolve) => {
    socket.on('error', (error) => resolve(error.code));
    socket.on('close', () => resolve('closed'));
  });
  return socket;
}

// One byte at a time until the socket is closed.
async function trickle(socket, byte) {
  while (!socket.destroyed && socket.writable) {
    socket.write(byte, () => {});
    await sleep(50);
  }
}

const isClosed = (socket, what) => within(socket.ended, `${what} to be closed`);
const handshake = (one, { from, headers = {}, token } = {}) => within(new Promise((resolve, reject) => {
  const ws = new WebSocket(`ws://127.0.0.1:${one.port}/app/${one.key}?protocol=7`, {
    localAddress: from, headers: { ...headers, ...(token ? { authorization: `Bearer ${token}` } : {}) },
  });
  after(() => ws.terminate());
  ws.on('error', reject);
  ws.on('message', (data) => resolve({ ws, first: JSON.parse(String(data)) }));
}), 'the first message of a WebSocket');

async function isRefused(promise, code) {
  const { ws, first } = await promise;
  assert.equal(first.event, 'pusher:error', JSON.stringify(first));
  assert.equal(first.data.code, code);
  assert.match(first.data.message, /come back in a second or more/);
  assert.equal(await within(new Promise((resolve) => { ws.on('close', resolve); }), 'the close'), code);
}

async function isWelcome(promise) {
  const { ws, first } = await promise;
  assert.equal(first.event, 'pusher:connection_established', JSON.stringify(first));
  return ws;
}

// Each of these sockets is closed, and because its time was over.
async function runOutOfTime(one, sockets) {
  const before = await one.metric('unichat_limited_total', 'limit="request_time"');
  for (const socket of sockets) await isClosed(socket, 'a slow client');
  assert.equal(await one.metric('unichat_limited_total', 'limit="request_time"') - before, sockets.length);
}

test('a client that does not get to the end of its headers is closed, however steadily it sends', async () => {
  const sockets = ['', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ', `GET /app/${bridge.key} HTTP/1.1\r\nUpgrade: websocket\r\nX-Slow: `]
    .map((bytes) => open(bridge.port, bytes));
  for (const socket of sockets.slice(1)) trickle(socket, 'x');
  await runOutOfTime(bridge, sockets);
});

test('so is one whose body does not come', async () => {
  const socket = open(bridge.port, 'POST /session/demo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{');
  trickle(socket, ' ');
  await runOutOfTime(bridge, [socket]);
});

// A bridge that speaks TLS on `port` besides.
async function withTls(settings) {
  const folder = scratchFolder('tls');
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => path.join(folder, name));
  run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert]);
  const port = await freePort();
  return { port, one: await another({ ...settings, tls_cert: cert, tls_key: key, tls_port: port }) };
}

test('so is one that does not finish the TLS handshake', async () => {
  const { port, one } = await withTls({ request_time: '1s' });
  const sockets = ['', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'].map((bytes) => open(port, bytes));
  await runOutOfTime(one, sockets);
});

test('between two requests there is keepalive_time', async () => {
  const socket = open(bridge.port, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => socket.text.startsWith('HTTP/1.1 200'), 'the answer');
  await isClosed(socket, 'an idle connection');
});

test('a client that does not take its answer is closed; one that takes it slowly gets it whole', async () => {
  cluster.psql(`SELECT unichat_send('long', repeat('ä', 4000)) FROM generate_series(1, 200)`);
  const request = `GET /api/unified-chat/messages/long?limit=200 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bridge.token('player', 'long')}\r\n\r\n`;
  const small = request.replace('limit=200', 'limit=2');
  const deaf = [request.repeat(8), small.repeat(2000)].map((bytes) => open(bridge.port, bytes)); // more than all buffers of the kernel
  for (const socket of deaf) socket.pause();
  const slow = await new Promise((resolve) => {
    http.get(`${bridge.url}/api/unified-chat/messages/long?limit=200`, { headers: { authorization: `Bearer ${bridge.token('player', 'long')}` } }, resolve);
  });
  let bytes = 0;
  for await (const chunk of slow) {
    bytes += chunk.length;
    if (bytes < 400000) await sleep(20);
  }
  assert.equal(bytes, Number(slow.headers['content-length']));
  for (const socket of deaf) await until(() => !heldBy(bridge, socket), 'the deaf client to be closed');
  for (const socket of deaf) socket.destroy();
});

// Whether the bridge still has the other end of this socket.
function heldBy(one, socket) {
  return run('ss', ['-Htnp', `sport = :${one.port} and dport = :${socket.localPort}`]).includes(`pid=${one.pid}`);
}

test('a WebSocket that does not answer the Close frame is closed', async () => {
  const socket = open(bridge.port, 'GET /app/no-such-key HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    + 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n');
  await until(() => socket.text.includes('4001'), 'the refusal');
  await within(socket.ended, 'it to be closed', 9000);
});

// Answers fill the kernel's buffer so far that the bridge is not told that there is room, and not so far that it holds bytes back.
test('nor does one stay that says goodbye and takes no more', async () => {
  const socket = open(bridge.port, upgrade(bridge));
  await until(() => socket.text.includes('connection_established'), 'the greeting');
  socket.pause();
  const room = Number(fs.readFileSync('/proc/sys/net/ipv4/tcp_wmem', 'ascii').split(/\s+/)[2]);
  const questions = Math.round(room * 0.83 / LONG_QUESTION.length);
  const before = await bridge.metric('unichat_messages_in_total');
  socket.write(Buffer.concat(Array(questions).fill(masked(1, LONG_QUESTION))));
  await until(async () => await bridge.metric('unichat_messages_in_total') - before === questions, 'all questions to be read', 30000);
  socket.write(masked(8, '\x03\xe8'));
  await until(() => !heldBy(bridge, socket), 'it to be closed', 9000);
  socket.destroy();
});

// Libwebsockets' own timers are late when nothing else happens.
test('who reads nothing is closed when his time is over, also by a bridge that has nothing else to do', async () => {
  const folder = scratchFolder('large');
  fs.mkdirSync(path.join(folder, 'player'));
  fs.writeFileSync(path.join(folder, 'player', 'large.txt'), Buffer.alloc(15 << 20, 'x')); // more than the kernel takes
  fs.chmodSync(folder, 0o755);
  const one = await another({ max_queue_time: '1s', web_root: folder });
  const get = open(one.port, 'GET /player/large.txt HTTP/1.1\r\nHost: x\r\n\r\n');
  get.pause();
  await until(() => heldBy(one, get), 'the HTTP client to be accepted');
  await until(() => !heldBy(one, get), 'the HTTP client to be closed', 9000);
  const ws = open(one.port, upgrade(one));
  await until(() => ws.text.includes('connection_established'), 'the greeting');
  ws.pause();
  ws.write(Buffer.concat(Array(150).fill(masked(1, LONG_QUESTION))));
  await until(() => /event=slow_consumer/.test(one.log()), 'it to be found slow');
  await until(() => !heldBy(one, ws), 'the WebSocket to be closed', 9000);
  for (const socket of [get, ws]) socket.destroy();
});

const LONG_QUESTION = JSON.stringify({ event: 'pusher:subscribe', data: { channel: `private-${'x'.repeat(60000)}` } }); // the answer repeats the name
const upgrade = (one) => `GET /app/${one.key} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
  + 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n';

// A client's frame: with a mask, of zeros.
function masked(opcode, text) {
  const payload = Buffer.from(text, 'latin1'), length = payload.length;
  const head = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...head, 0, 0, 0, 0]), payload]);
}

test('headers that are too large: 431, and far too large ones cost nobody anything', async () => {
  const get = (bytes) => open(bridge.port, `GET /healthz HTTP/1.1\r\nHost: x\r\nCookie: a=${'b'.repeat(bytes)}\r\n\r\n`);
  const [fine, large, absurd] = [get(4000), get(9000), get(1000000)];
  await until(() => fine.text.startsWith('HTTP/1.1 200'), 'the small ones to be fine');
  await isClosed(large, 'the connection with large ones');
  assert.match(large.text, /^HTTP\/1\.1 431 [^]*"headers_too_large"/);
  await isClosed(absurd, 'the connection with absurd ones');
  assert.equal((await bridge.api('GET', '/healthz')).status, 200);
});

test('one address has so many sockets and no more; another address has its own', async () => {
  const one = await another({ max_address_sockets: 5 });
  const held = Array.from({ length: 5 }, () => open(one.port, '', { from: '127.0.0.2' }));
  await until(async () => await one.metric('unichat_sockets') >= 6, 'them to be accepted');
  await isClosed(open(one.port, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', { from: '127.0.0.2' }), 'the sixth');
  assert.equal(await one.metric('unichat_limited_total', 'limit="address_sockets"'), 1);
  await isWelcome(handshake(one, { from: '127.0.0.3' }));
  held[0].destroy();
  await until(async () => (await isWelcome(handshake(one, { from: '127.0.0.2' }))), 'a place to be free');
});

test('behind a proxy it is the address that the proxy names', async () => {
  const one = await another({ max_address_sockets: 2, trust_forwarded: 'on' });
  const from = (address) => handshake(one, { headers: { 'x-forwarded-for': `6.6.6.6, ${address}` } });
  const first = await isWelcome(from('2001:db8::1'));
  await isWelcome(from('2001:db8::2'));
  await isRefused(from('2001:db8::3'), 4100);
  await isWelcome(from('2001:db8:1::1'));
  first.terminate();
  await until(async () => await isWelcome(from('2001:db8::3')), 'a place to be free');
});

test('one identity has so many WebSockets and no more, wherever they come from', async () => {
  const one = await another({ max_identity_sockets: 2 });
  const ada = () => handshake(one, { token: one.token('player', 'ada', 'Ada', { jti: String(Math.random()) }) });
  const first = await isWelcome(ada());
  await isWelcome(ada());
  await isRefused(ada(), 4100);
  await isWelcome(handshake(one, { token: one.token('player', 'bob') }));
  await isWelcome(handshake(one, { token: one.token('staff', 'ada') }));
  first.terminate();
  await until(async () => await isWelcome(ada()), 'a place to be free');
  assert.ok(await one.metric('unichat_limited_total', 'limit="identity_sockets"') >= 1);
});

test('so has a user who signs in', async () => {
  const one = await another({ max_identity_sockets: 2 });
  const token = one.token('player', 'ada');
  const clients = [await connectClient(one, { token, signin: true }), await connectClient(one, { token, signin: true })];
  const third = await connectClient(one, { token });
  const errors = [];
  third.pusher.connection.bind('error', (error) => errors.push(error.data?.code));
  third.pusher.signin();
  await until(() => errors.includes(4100), 'the third to be refused');
  clients[0].close();
  await until(() => third.pusher.user.user_data, 'the third to get in when it comes back');
});

test('what the settings make the bridge open itself is kept from clients', async () => {
  const most = async (settings) => {
    const one = await another({ database: 'host=127.0.0.1 port=1', ...settings }, { wait: false });
    return one.metric('unichat_sockets_max');
  };
  const few = await most({ pool_size: 1, push_concurrency: 1 });
  assert.equal(few - await most({ pool_size: 64, push_concurrency: 1 }), 2 * 63, 'two descriptors of each connection to the database');
  assert.ok(few - await most({ pool_size: 1, push_concurrency: 64 }) >= 63, 'one of each push');
});

test('a full house: who waits longest makes room, and so silent sockets keep nobody out', async () => {
  const one = await another({ max_sockets: 40, request_time: '10min' });
  const silent = Array.from({ length: 200 }, () => open(one.port, 'GET / HTTP/1.1\r\nHost: '));
  for (const socket of silent) trickle(socket, 'x');
  for (let i = 0; i < 20; i++) await isWelcome(handshake(one));
  assert.equal((await one.api('GET', '/healthz')).status, 200);
  assert.ok(await one.metric('unichat_sockets') <= 40 + 64);
  for (const socket of silent) socket.destroy();
});

test('a house full of those who are at home: 4100 and 503, until somebody goes', async () => {
  const one = await another({ max_sockets: 10 });
  const guests = [];
  for (let i = 0; i < 20; i++) {
    const { ws, first } = await handshake(one);
    if (first.event === 'pusher:error') break;
    guests.push(ws);
  }
  assert.ok(guests.length >= 8 && guests.length <= 10, `${guests.length} got in`);
  await isRefused(handshake(one), 4100);
  const answer = await one.api('GET', '/api/unified-chat/requests', { headers: { connection: 'close' } });
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get('retry-after'), '1');
  for (const ws of guests.slice(0, 3)) ws.terminate();
  await until(async () => (await handshake(one)).first.event === 'pusher:connection_established', 'a place to be free');
});

test('without file descriptors it neither dies nor spins, and goes on when there are some', async () => {
  const one = await another({});
  const client = await connectClient(one, { token: one.token('player', 'ada'), channels: ['private-player-ada'] });
  run('prlimit', [`--nofile=${Number(run('sh', ['-c', `ls /proc/${one.pid}/fd | wc -l`])) + 10}`, '--pid', String(one.pid)]);
  const held = Array.from({ length: 50 }, () => open(one.port));
  await until(() => one.log().includes('event=limited limit=open_files'), 'the descriptors to be used up');
  cluster.psql("SELECT unichat_send('ada', 'meanwhile', 'player')");
  await client.waitFor((event) => event.data.message === 'meanwhile', 'those who are there to be served');
  for (const socket of held) socket.destroy();
  await until(async () => (await one.api('GET', '/healthz')).status === 200, 'it to accept again');
  const pauses = await one.metric('unichat_limited_total', 'limit="open_files"');
  assert.ok(pauses >= 1 && pauses < 1000, `accepting failed ${pauses} times`);
});

test('a WebSocket that floods is read from slowly; nothing of it is lost, and nobody else waits', async () => {
  const one = await another({ identity_messages: 10 });
  const [flood, other] = [await connectSocket(one), await connectSocket(one)];
  for (let i = 0; i < 2000; i++) flood.send({ event: 'pusher:ping', data: {} });
  for (let i = 0; i < 50; i++) {
    other.send({ event: 'pusher:ping', data: {} });
    await until(() => other.messages.length > i + 1, 'a pong for the other');
  }
  assert.ok(flood.messages.length < 1000, `${flood.messages.length} answers so far: it was not slowed down`);
  const answered = flood.messages.length;
  await until(() => flood.messages.length > answered, 'the flood to go on');
  assert.ok(await one.metric('unichat_limited_total', 'limit="identity_messages"') >= 1);
});

test('pongs with something in them that nothing was asked for are messages, too', async () => {
  const one = await another({ identity_messages: 1 });
  const flood = await connectSocket(one);
  for (let i = 0; i < 15; i++) flood.ws.pong('x');
  flood.send({ event: 'pusher:ping', data: {} });
  await until(async () => await one.metric('unichat_limited_total', 'limit="identity_messages"') >= 1, 'the limit to be reached');
  await flood.received((m) => m.event === 'pusher:pong', 'nothing to be lost');
});

test('so is one whose flood is in one record of TLS: the bridge goes on meanwhile', async () => {
  const { port, one } = await withTls({ identity_messages: 20 });
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (data) => { text += data; });
  socket.write(upgrade(one));
  await until(() => text.includes('connection_established'), 'the greeting');
  const pongs = () => text.split('pusher:pong').length - 1;
  for (const count of [300, 350]) {
    socket.write(Buffer.concat(Array(count - pongs()).fill(masked(1, '{"event":"pusher:ping"}'))));
    assert.equal((await within(one.api('GET', '/healthz'), 'an answer to somebody else')).status, 200);
    await until(() => pongs() === count, 'every message to be answered', 30000);
  }
  assert.ok(await one.metric('unichat_limited_total', 'limit="identity_messages"') > 0);
  socket.destroy();
});

test('all WebSockets of one identity share that limit; another identity has its own', async () => {
  const one = await another({ identity_messages: 1 });
  const as = (id) => connectSocket(one, { headers: { authorization: `Bearer ${one.token('player', id)}` } });
  const [first, second, other] = [await as('ada'), await as('ada'), await as('bob')];
  const pings = (socket, n) => { for (let i = 0; i < n; i++) socket.send({ event: 'pusher:ping', data: {} }); };
  pings(first, 10);
  await until(() => first.messages.length === 11, 'all that may come at once');
  pings(second, 10);
  pings(other, 10);
  await until(() => other.messages.length === 11, 'the other identity to be served');
  assert.ok(second.messages.length < 11, 'the second socket had a limit of its own');
  await until(() => second.messages.length === 11, 'nothing to be lost');
});
