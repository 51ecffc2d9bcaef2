// Hostile clients with raw sockets, against the sanitized bridge. An honest chat goes on meanwhile; after each attack it
// must be complete and in order, the bridge must live, and nothing may be left: no connection, no descriptor.
// HOSTILE_SEED repeats a run of the mutations.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { after, afterEach, test } from 'node:test';
import { follow, startAll, startBridge, until, within } from '../lib/index.js';

const { cluster, bridge } = await startAll({
  max_body: '64kB', max_frame: '16kB', app_client_events: 'on', player_messages: 0, caller_requests: 0, failed_tokens: 0,
  identity_messages: 0, player_new_requests: 0,
});
// As a bridge is without any word on its limits; the harness turns off those of a person's pace.
const shipped = Object.fromEntries(['player_messages', 'player_new_requests', 'caller_requests', 'failed_tokens', 'max_identity_sockets', 'max_address_sockets',
  'identity_messages'].map((name) => [name, null]));
const token = bridge.token('player', 'ada', 'Ada');
const staff = bridge.token('staff', 'grace', 'Grace');
const honest = await follow(bridge, { token, channel: 'private-player-ada', playerId: 'ada' });
const descriptors = () => fs.readdirSync(`/proc/${bridge.pid}/fd`).length;
const atRest = { descriptors: descriptors(), connections: await bridge.metric('unichat_connections') };
let sent = 0;

async function honestMessage() {
  sent += 1;
  const { status } = await bridge.api('POST', '/api/unified-chat/send', { token, body: { message: `honest ${sent}` } });
  assert.equal(status, 201);
}

afterEach(async () => {
  await honestMessage();
  await until(() => honest.messages.length === sent, 'every honest message');
  assert.deepEqual(honest.messages.map((m) => m.message), Array.from({ length: sent }, (_, i) => `honest ${i + 1}`));
  assert.equal(bridge.process.exitCode, null, 'the bridge lives');
  await until(async () => (await bridge.metric('unichat_connections')) === atRest.connections, 'the connections to be gone');
  await until(() => descriptors() <= atRest.descriptors + 2, 'the descriptors to be given back'); // fetch keeps some alive
  assert.doesNotMatch(bridge.log(), /ERROR: AddressSanitizer|runtime error/);
});

const PATIENCE = 15000;

// Says the bytes, takes what comes until the other side closes, `enough` is seen or it has been silent; hangs up. patience: how
// long it may be silent before its first word, where it has to say one.
function say(bytes, { enough, silence = 300, patience = silence, port = bridge.port, reset = false } = {}) {
  return within(new Promise((resolve) => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => { socket.write(bytes); if (reset) socket.resetAndDestroy(); });
    socket.setTimeout(patience, () => socket.destroy());
    socket.on('data', (data) => { socket.setTimeout(silence); text += data.toString('latin1'); if (enough?.test(text)) socket.destroy(); });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  }), 'the end of a hostile connection');
}

// Says the bytes and waits until the other side has hung up by itself; returns what it said.
function hungUp(bytes, port = bridge.port) {
  return within(new Promise((resolve) => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (data) => { text += data.toString('latin1'); });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  }), 'the other side to hang up', 10000);
}

const crlf = (...lines) => `${lines.join('\r\n')}\r\n\r\n`;
const upgrade = crlf(`GET /app/${bridge.key}?protocol=7 HTTP/1.1`, 'Host: x', 'Upgrade: websocket', 'Connection: Upgrade',
  'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', `Authorization: Bearer ${token}`);

// A frame as the header byte and the length say, whatever the payload is.
function frame(first, payload = '', { masked = true, length = null } = {}) {
  const body = Buffer.from(payload);
  const n = length ?? body.length;
  const bit = masked ? 0x80 : 0;
  const head = [first];
  if (length !== null || n > 65535) {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(BigInt(n));
    head.push(bit | 127, ...wide);
  } else if (n > 125) {
    head.push(bit | 126, n >> 8, n & 255);
  } else {
    head.push(bit | n);
  }
  return Buffer.concat([Buffer.from(head), masked ? Buffer.alloc(4) : Buffer.alloc(0), body]);
}

const frames = (...list) => say(Buffer.concat([Buffer.from(upgrade), ...list]), { silence: 200, patience: PATIENCE });
const message = (event, data) => frame(0x81, JSON.stringify({ event, data }));

test('what is pipelined behind a body stops nobody, answered at once or after the database', async () => {
  const body = '{"message":"pipelined"}';
  for (const path of ['/nothing', '/api/unified-chat/send']) {
    const post = `${crlf(`POST ${path} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', `Content-Length: ${body.length}`,
      `Authorization: Bearer ${bridge.token('player', 'pipeline')}`)}${body}`;
    const answers = await say(`${post}${post}${crlf('GET /healthz HTTP/1.1', 'Host: x')}tail`, { patience: PATIENCE });
    assert.match(answers, /^HTTP\/1\.1 (404|201)/, path);
  }
});

// What the server has said behind its 101: the code of its Close frame, the events before it, and whether it has hung up.
function whatCame(bytes) {
  let at = bytes.indexOf('\r\n\r\n') + 4;
  const came = { code: null, events: [] };
  while (at + 2 <= bytes.length) {
    const opcode = bytes[at] & 15, short = bytes[at + 1] & 127;
    const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
    const length = wide === 0 ? short : wide === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    const payload = bytes.subarray(at + 2 + wide, at + 2 + wide + length);
    at += 2 + wide + length;
    if (opcode === 1) came.events.push(JSON.parse(payload.toString()).event);
    if (opcode === 10) came.events.push('pong');
    if (opcode === 8) came.code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
  }
  return came;
}

// Shakes hands, says the frames and then a good one; and what has come when that is answered or the server has hung up.
async function answerTo(at, list) {
  const socket = net.connect(at.port, '127.0.0.1');
  let bytes = Buffer.alloc(0), hungUp = false;
  socket.on('data', (data) => { bytes = Buffer.concat([bytes, data]); });
  socket.on('error', () => {});
  for (const event of ['end', 'close']) socket.on(event, () => { hungUp = true; });
  socket.write(crlf(...upgrade.trimEnd().split('\r\n').slice(0, -1), `Authorization: Bearer ${at.token('player', 'broken')}`));
  await until(() => bytes.includes('connection_established'), 'the handshake');
  assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 101/);
  socket.write(Buffer.concat([...list, message('pusher:subscribe', { channel: 'the-end' })]));
  await until(() => hungUp || whatCame(bytes).code !== null || whatCame(bytes).events.at(-1) === 'pusher_internal:subscription_succeeded', 'an answer');
  socket.destroy();
  const { code, events } = whatCame(bytes);
  return code !== null ? `closed with ${code}` : hungUp ? 'hung up' : `goes on: ${events.slice(1, -1).join(', ')}`;
}

const broken = {
  'opcode 3': [frame(0x83)], 'opcode 15': [frame(0x8f)], 'RSV bits': [frame(0xf1, '{}')],
  'a fragmented ping': [frame(0x09, 'x')], 'a ping of 200 bytes': [frame(0x89, 'x'.repeat(200))],
  'a continuation of nothing': [frame(0x80, 'x')], 'a text within a text': [frame(0x01, 'a'), frame(0x81, 'b')],
  'a length of 2^63': [frame(0x81, 'x', { length: 2n ** 63n })],
  'unmasked': [frame(0x81, '{"event":"pusher:ping"}', { masked: false })], 'a close of one byte': [frame(0x88, 'x')],
  'an invalid close code': [frame(0x88, Buffer.from([0, 1]))], 'a close': [frame(0x88, Buffer.from([3, 232]))],
  'binary': [frame(0x82, '{}')], 'not UTF-8': [frame(0x81, Buffer.from([0xff, 0xc0, 0x80]))],
  'endless continuation': Array.from({ length: 200 }, (_, i) => frame(i ? 0x00 : 0x01, 'y'.repeat(200))),
  'oversized': [frame(0x81, 'x'.repeat(70000))],
};

// libwebsockets hangs up on what it cannot read past.
const refusals = {
  'opcode 3': 'closed with 1002',
  'opcode 15': 'closed with 1002',
  'RSV bits': 'closed with 1002',
  'a fragmented ping': 'closed with 1002',
  'a continuation of nothing': 'closed with 1002',
  'a text within a text': 'closed with 1002',
  'an invalid close code': 'closed with 1002',
  'a close': 'closed with 1000',
  'a close of one byte': 'closed with 1005',
  'binary': 'closed with 1003',
  'endless continuation': 'closed with 1002',
  'oversized': 'closed with 1009',
  'a ping of 200 bytes': 'hung up',
  'a length of 2^63': 'hung up',
  'unmasked': 'goes on: pusher:pong',
  'not UTF-8': 'goes on: pusher:error',
};

for (const limits of ['off', 'on']) {
  test(`broken frames, limits ${limits}: each is refused with its code, or hung up on`, async () => {
    const at = limits === 'off' ? bridge : await startBridge(cluster, shipped);
    if (at !== bridge) after(() => at.stop());
    for (const [name, list] of Object.entries(broken)) {
      assert.equal(await answerTo(at, list), refusals[name], name);
      await honestMessage();
    }
    assert.match(await say(Buffer.concat([Buffer.from(upgrade), frame(0x81, 'x', { length: 100000 })]), { patience: PATIENCE }), /^HTTP\/1\.1 101/, 'a length that lies');
    assert.match(await say(Buffer.concat([Buffer.from(upgrade), Buffer.from([0x81])]), { patience: PATIENCE }), /^HTTP\/1\.1 101/, 'a header cut off');
    assert.equal((await at.api('GET', '/healthz')).status, 200);
    assert.doesNotMatch(at.log(), /ERROR: AddressSanitizer|runtime error/);
  });
}

test('wrong types for every field of every message', async () => {
  const values = [null, true, -1, 1e308, 9007199254740993n, '', '\0', 'x'.repeat(5000), [], [[]], {}, { channel: {} }, '\ud800'];
  const json = (value) => (typeof value === 'bigint' ? String(value) : JSON.stringify(value));
  const fields = {
    'pusher:subscribe': ['channel', 'auth', 'channel_data'], 'pusher:unsubscribe': ['channel'],
    'pusher:signin': ['auth', 'user_data'], 'pusher:ping': ['x'], 'pusher:pong': ['x'],
    'unichat:resume': ['channel', 'after', 'epoch'], 'client-x': ['x'],
  };
  for (const [event, names] of Object.entries(fields)) {
    const list = [];
    for (const value of values) {
      list.push(frame(0x81, `{"event":"${event}","data":${json(value)}}`), frame(0x81, `{"event":${json(value)},"data":{}}`),
        frame(0x81, `{"event":"${event}","channel":${json(value)},"data":{}}`));
      for (const name of names) {
        list.push(frame(0x81, `{"event":"${event}","data":{"channel":"private-player-ada","${name}":${json(value)}}}`));
        list.push(frame(0x81, `{"event":"${event}","data":{"channel":"player-ada","${name}":${json(value)}}}`));
      }
    }
    assert.match(await frames(...list), /^HTTP\/1\.1 101/, event);
  }
  await frames(frame(0x81, '['.repeat(8000)), frame(0x81, '{"a":'.repeat(2000)), frame(0x81, `{"event":${'9'.repeat(5000)}}`),
    frame(0x81, '{"event":"a","event":"b"}'), message('pusher:subscribe', { channel: '#server-to-user-' }));
});

test('wrong types for every field of every endpoint: a 4xx that is JSON, and nothing is stored', async () => {
  const before = cluster.psql('SELECT count(*) FROM chat_messages');
  const values = [true, -1, 1.5, 1e308, [], {}, 'x'.repeat(60000), '\0', [['a']], ''];
  const endpoints = {
    '/api/unified-chat/send': ['message', 'playerId', 'sender', 'clientMessageId', 'playerName', 'urgency', 'requestId'],
    '/api/unified-chat/status/1': ['status', 'expected'], '/api/unified-chat/read/ada': ['seq'],
    '/api/unified-chat/status/99999999999999999999': ['status'], '/session/demo': ['role', 'name', 'password'],
  };
  for (const [path, names] of Object.entries(endpoints))
    for (const name of names)
      for (const value of values) {
        if (value === '' && ['playerName', 'clientMessageId'].includes(name)) continue; // an empty one may be stored or not
        const valid = path.endsWith('/send') ? { playerId: 'typed', urgency: 'bad' } : {};
        const { status, body } = await bridge.api('POST', path, { token: staff, body: { ...valid, [name]: value } });
        assert.ok(status >= 400 && status < 500, `${path} ${name} ${JSON.stringify(value).slice(0, 20)}: ${status}`);
        assert.ok(body.error.code, path);
      }
  const raw = (body) => bridge.api('POST', '/api/unified-chat/send', { token, body, headers: { 'content-type': 'application/json' } });
  for (const body of ['', '[]', '{', `${'['.repeat(30000)}`, '{"message":"a","message":"b"}', '{"message":1e999}', '{"message":"\\ud800"}',
    Buffer.from('{"message":"\xff"}', 'latin1'), '{"message":"a\\u0000"}', `{"requestId":${'9'.repeat(400)},"message":"x"}`])
    assert.equal((await raw(body)).status, 400, String(body).slice(0, 40));
  assert.equal(cluster.psql('SELECT count(*) FROM chat_messages'), before);
});

test('requests that two servers would read differently are refused, and nothing hides behind them', async () => {
  const send = (...headers) => say(`${crlf('POST /api/unified-chat/send HTTP/1.1', 'Host: x', ...headers)}0\r\n\r\nGET /staff/hidden HTTP/1.1\r\nHost: x\r\n\r\n`);
  for (const headers of [['Content-Length: 5', 'Transfer-Encoding: chunked'], ['Transfer-Encoding: chunked'],
    ['Content-Length: 5', 'Content-Length: 6'], ['Content-Length: +5'], ['Content-Length: 0x5'], ['Content-Length: 5, 5'],
    ['Content-Length: -1'], ['Content-Length: 99999999999999999999'], ['Transfer-Encoding : chunked'], ['X: a\r\n folded: b']])
    assert.doesNotMatch(await send(...headers), /^HTTP\/1\.1 2/, headers.join());
  for (const bytes of ['\0\0\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'GET / HTTP/1.1\nHost: x\n\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    crlf(`GET / HTTP/1.1`, `X: ${'y'.repeat(100000)}`), crlf('GET / HTTP/1.1', ...Array.from({ length: 3000 }, (_, i) => `X-${i}: y`)),
    `GET /${'a'.repeat(50000)} HTTP/1.1\r\n\r\n`, crlf('GET /%00%ff%zz% HTTP/1.1', 'Host: x')]) await say(bytes);
});

test('HTTP as few speak it is answered or refused, at once, and the connection ends where the next request could be misread', async () => {
  const get = (...headers) => crlf('GET /healthz HTTP/1.1', ...headers);
  const post = (...headers) => crlf('POST /api/unified-chat/send HTTP/1.1', 'Host: x', `Authorization: Bearer ${bridge.token('player', 'odd')}`, 'Content-Type: application/json', ...headers);
  const body = '{"message":"odd"}';
  const ends = [ // what is said, and the answer before the end
    ['HTTP/1.0', crlf('GET /healthz HTTP/1.0'), /^HTTP\/1\.1 200/],
    ['HTTP/1.0 with a body', `${post(`Content-Length: ${body.length}`).replace('HTTP/1.1', 'HTTP/1.0')}${body}`, /^HTTP\/1\.1 201/],
    ['no Host', get(), /^HTTP\/1\.1 400[^]*"invalid_host"/],
    ['two Hosts', get('Host: x', 'Host: y'), /^HTTP\/1\.1 400[^]*"invalid_host"/],
    ['the same Host twice', get('Host: x', 'Accept: a', 'Host: x'), /^HTTP\/1\.1 400[^]*"invalid_host"/],
    ['two lengths', `${post('Content-Length: 17', 'Content-Length: 18')}${body}`, /^HTTP\/1\.1 400[^]*"invalid_length"/],
    ['the same length twice', `${post('Content-Length: 17', 'Content-Length: 17')}${body}`, /^HTTP\/1\.1 400[^]*"invalid_length"/],
    ['chunked', `${post('Transfer-Encoding: chunked')}11\r\n${body}\r\n0\r\n\r\n`, /^HTTP\/1\.1 411[^]*"length_required"/],
    ['chunked and a length', `${post('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`, /^HTTP\/1\.1 411/],
    ['no length', `${post()}${body}`, /^HTTP\/1\.1 4/],
    ['a length behind a space', `${post('Content-Length : 17')}${body}`, /^HTTP\/1\.1 4/],
    ['a body too large to be thrown away', post('Content-Length: 99999999', 'Expect: 100-continue'), /^HTTP\/1\.1 413/],
    ['an absolute URI', crlf('GET http://x/healthz HTTP/1.1', 'Host: x'), /^HTTP\/1\.\d 403/],
    ['of the whole server', crlf('OPTIONS * HTTP/1.1', 'Host: x'), /^HTTP\/1\.\d 403/],
    ['headers of 10 KiB', get('Host: x', `Cookie: ${'y'.repeat(10 << 10)}`), /^HTTP\/1\.1 431[^]*"headers_too_large"/],
    ['a header of 64 KiB', get('Host: x', `Cookie: ${'y'.repeat(64 << 10)}`), /^$/],
    ['64 KiB of headers', get('Host: x', ...Array.from({ length: 4096 }, (_, i) => `X-${i}: yyyyyyyy`)), /^$/],
  ];
  for (const [what, bytes, answer] of ends) assert.match(await hungUp(bytes), answer, what);
  const goesOn = [
    ['a body that waits to be asked for', [post(`Content-Length: ${body.length}`, 'Expect: 100-continue'), /^HTTP\/1\.1 100 Continue\r\n\r\n$/], [body, /HTTP\/1\.1 201/]],
    ['a GET with a body', [`${get('Host: x', 'Content-Length: 5')}GET /`, /^HTTP\/1\.1 200/], [get('Host: x'), /"ok"[^]*HTTP\/1\.1 200/]],
    ['a folded header', [get('Host: x', 'Accept: a', ' Content-Length: 5'), /^HTTP\/1\.1 (200|400)/]],
  ];
  for (const [what, ...steps] of goesOn) {
    let text = '';
    const socket = net.connect(bridge.port, '127.0.0.1');
    socket.on('data', (data) => { text += data.toString('latin1'); });
    for (const [bytes, answer] of steps) {
      socket.write(bytes);
      await until(() => answer.test(text), `${what}: ${answer}`);
    }
    socket.destroy();
  }
});

test('who offers HTTP/2 is served HTTP/1.1; other protocols and tunnels are refused', async () => {
  const h2c = crlf('GET /healthz HTTP/1.1', 'Host: x', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__');
  const http2 = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from('000000040000000000', 'hex'), Buffer.from('000003010500000003828486', 'hex')]);
  assert.match(await say(h2c, { enough: /"ok"/, patience: PATIENCE }), /^HTTP\/1\.1 200/);
  for (const offered of ['h2c', 'H2C']) assert.match(await say(Buffer.concat([Buffer.from(h2c.replace('h2c', offered)), http2]), { patience: PATIENCE }), /^HTTP\/1\.1 200/);
  assert.doesNotMatch(await say(http2), /^HTTP\/1\.1 (101|2)/);
  assert.match(await say(crlf('GET /healthz HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: carrier-pigeon'), { patience: PATIENCE }), /^HTTP\/1\.\d 403/);
  for (const target of ['a.example:443', '/', '127.0.0.1:5432']) assert.equal(await hungUp(crlf(`CONNECT ${target} HTTP/1.1`, 'Host: x')), '', target);
});

test('TLS to the plain port', async () => {
  await within(new Promise((resolve) => {
    const socket = tls.connect({ port: bridge.port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', resolve);
    socket.on('secureConnect', () => resolve(assert.fail('TLS on a plain port')));
    setTimeout(() => socket.destroy(new Error('nothing')), 2000).unref();
  }), 'the end of the handshake');
});

test('2,000 handshakes that are never finished, and a message among them', async () => {
  const half = [];
  for (let i = 0; i < 2000; i++) {
    const socket = net.connect(bridge.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(upgrade.slice(0, 10 + (i % 150)));
    half.push(socket);
    if (i % 500 === 499) await honestMessage();
  }
  for (const socket of half) socket.destroy();
});

test('RST in the middle of everything', async () => {
  const body = '{"message":"gone"}';
  const post = `${crlf('POST /api/unified-chat/send HTTP/1.1', 'Host: x', 'Content-Type: application/json', `Content-Length: ${body.length}`,
    `Authorization: Bearer ${bridge.token('player', 'reset')}`)}${body}`;
  const all = [post, upgrade + message('pusher:subscribe', { channel: 'player-ada' }).toString('latin1')];
  for (const bytes of all) for (let cut = 1; cut < bytes.length; cut += 23) await say(Buffer.from(bytes.slice(0, cut), 'latin1'), { reset: true });
});

test('mutations of what is valid, at random', async (t) => {
  const seed = process.env.HOSTILE_SEED || crypto.randomBytes(4).toString('hex');
  t.diagnostic(`HOSTILE_SEED=${seed}`);
  let state = crypto.createHash('sha256').update(seed).digest();
  const random = (n) => { state = crypto.createHash('sha256').update(state).digest(); return state.readUInt32LE() % n; };
  const valid = [Buffer.from(crlf('GET /api/unified-chat/messages/ada?after=1&limit=5 HTTP/1.1', 'Host: x', `Authorization: Bearer ${token}`)),
    Buffer.concat([Buffer.from(upgrade), message('pusher:subscribe', { channel: 'private-player-ada', auth: 'a:b' }), message('pusher:ping', {}),
      frame(0x01, '{"event":'), frame(0x89, 'p'), frame(0x80, '"pusher:ping"}'), frame(0x88, Buffer.from([3, 232]))]),
    Buffer.from(`${crlf('POST /pusher/auth HTTP/1.1', 'Host: x', `Authorization: Bearer ${token}`, 'Content-Type: application/x-www-form-urlencoded',
      'Content-Length: 46')}socket_id=1.2&channel_name=private-player%2Dada${crlf('GET /healthz HTTP/1.1', 'Host: x')}`)];
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(valid[random(valid.length)]);
    for (let i = random(6); i >= 0; i--) bytes[random(bytes.length)] = random(256);
    const from = random(4) ? 0 : random(bytes.length);
    await say(Buffer.concat([bytes.subarray(from), bytes.subarray(0, random(bytes.length))]), { silence: 25, reset: random(4) === 0 });
  }
});
