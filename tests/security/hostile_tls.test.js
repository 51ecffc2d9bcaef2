// Hostile clients of the TLS port, against the sanitized bridge: what is no TLS, handshakes that are never finished, cut off or
// garbled, connections torn in the middle. An honest client talks meanwhile; afterwards nothing is left.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { after, afterEach, test } from 'node:test';
import { freePort, run, scratchFolder, startBridge, until, within } from '../lib/index.js';

const folder = scratchFolder('tls');
after(() => fs.rmSync(folder, { recursive: true }));
const [tls_cert, tls_key] = ['chain.pem', 'key.pem'].map((name) => path.join(folder, name));
run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=chat.example',
  '-keyout', tls_key, '-out', tls_cert], { stdio: 'pipe' });
fs.chmodSync(tls_key, 0o600);

const tls_port = await freePort();
const bridge = await startBridge(null, { database: 'host=/nonexistent', tls_cert, tls_key, tls_port }, { wait: false });
after(() => bridge.stop());
const to = { host: '127.0.0.1', port: tls_port, rejectUnauthorized: false };
const descriptors = () => fs.readdirSync(`/proc/${bridge.pid}/fd`).length;
const atRest = descriptors();
const request = (target) => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;
const upgrade = `GET /app/${bridge.key}?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n`
  + 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

function honest() {
  return within(new Promise((resolve, reject) => {
    https.get({ ...to, path: '/healthz', agent: false }, (answer) => { answer.resume(); answer.on('end', () => resolve(answer.statusCode)); }).on('error', reject);
  }), 'an honest answer');
}

// A connection without TLS that says the bytes; resolves with what came when the bridge has hung up.
function hungUp(bytes, { end = false } = {}) {
  return within(new Promise((resolve) => {
    let answer = Buffer.alloc(0);
    const socket = net.connect({ port: tls_port, host: '127.0.0.1', allowHalfOpen: true }, () => { if (end) socket.end(bytes); else socket.write(bytes); });
    socket.on('data', (data) => { answer = Buffer.concat([answer, data]); });
    socket.on('end', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  }), 'the bridge to hang up', 10000);
}

// The first bytes of a stock client.
function clientHello() {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (data) => { socket.destroy(); server.close(); resolve(data); });
    });
    server.listen(0, '127.0.0.1', () => tls.connect({ port: server.address().port, host: '127.0.0.1' }).on('error', () => {}));
  });
}

// A handshake by a relay: `wire` is its connection to the bridge, which can be torn, or spoken on, behind the client's back.
const wires = [];
const relay = net.createServer((client) => {
  const wire = net.connect(tls_port, '127.0.0.1');
  client.on('error', () => wire.destroy()).on('close', () => wire.destroy()).pipe(wire);
  wire.on('error', () => {}).on('close', () => client.destroy()).pipe(client);
  wires.push(wire);
});
await new Promise((resolve) => { relay.listen(0, '127.0.0.1', resolve); });
after(() => relay.close());

function shakeHands() {
  return within(new Promise((resolve, reject) => {
    const socket = tls.connect({ ...to, port: relay.address().port }, () => resolve({ wire: wires.pop(), socket }));
    socket.on('error', reject);
  }), 'a handshake');
}

afterEach(async () => {
  assert.equal(await honest(), 200);
  assert.equal(bridge.process.exitCode, null, 'the bridge lives');
  await until(() => descriptors() <= atRest, 'the descriptors to be given back');
  assert.doesNotMatch(bridge.log(), /ERROR: AddressSanitizer|runtime error/);
});

test('what is no TLS is refused at once, and not answered', async () => {
  for (const bytes of [request('/healthz'), upgrade, 'POST /api/unified-chat/send HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'SSH-2.0-OpenSSH_9.2\r\n', '\0'.repeat(300), crypto.randomBytes(4096)]) {
    const answer = await hungUp(bytes);
    assert.doesNotMatch(answer.toString('latin1'), /HTTP\/1\.1 (101|2)|"ok"/);
    assert.equal(await honest(), 200);
  }
});

test('a handshake that is cut off anywhere, by an end or a reset, or that says something else', async () => {
  const hello = await clientHello();
  for (let cut = 1; cut < hello.length; cut += 19) {
    await hungUp(hello.subarray(0, cut), { end: true });
    await new Promise((resolve) => {
      const socket = net.connect(tls_port, '127.0.0.1', () => socket.write(hello.subarray(0, cut), () => socket.resetAndDestroy()));
      socket.on('error', () => {});
      socket.on('close', resolve);
    });
    const garbled = Buffer.from(hello);
    garbled[cut] ^= 0xff;
    await hungUp(Buffer.concat([garbled, crypto.randomBytes(200)]), { end: true });
  }
  await hungUp(Buffer.concat([hello, Buffer.from(request('/healthz'))]), { end: true }); // in the clear behind it
});

test('500 handshakes that are never finished hold nobody up', async () => {
  const hello = await clientHello();
  const half = [];
  for (let i = 0; i < 500; i++) {
    const socket = net.connect(tls_port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(hello.subarray(0, i % 2 ? hello.length : 1 + (i % hello.length)));
    half.push(socket);
    if (i % 100 === 99) assert.equal(await honest(), 200);
  }
  for (const socket of half) socket.destroy();
});

test('torn after the handshake: within a request, an upgrade, a frame, a record', async () => {
  for (const bytes of [request('/healthz'), upgrade, `${upgrade}\x81\x85`])
    for (let cut = 1; cut <= bytes.length; cut += 29) {
      const { wire, socket } = await shakeHands();
      socket.write(Buffer.from(bytes.slice(0, cut), 'latin1'));
      await until(() => socket.writableLength === 0 || socket.destroyed, 'it to be said');
      wire.resetAndDestroy();
      await until(() => socket.closed, 'the end');
    }
  const { wire, socket } = await shakeHands();
  wire.write(Buffer.concat([Buffer.from([0x17, 3, 3, 0x40, 0]), crypto.randomBytes(50)])); // a record of 16 KiB, begun
  wire.destroySoon();
  await until(() => socket.closed, 'the end');
});

test('what is no record ends the connection, and is not answered', async () => {
  const { wire, socket } = await shakeHands();
  let text = '';
  socket.on('data', (data) => { text += data; });
  socket.write(request('/healthz'));
  await until(() => /"ok"/.test(text), 'an answer');
  wire.write(request('/healthz')); // in the clear, between two records
  await until(() => socket.closed, 'the end');
  assert.equal(text.split('"ok"').length, 2);
});
