// Requests that come before the answer to the one before them, in one packet and in several, against the sanitized bridge: each
// that is answered was done and each that was done is answered, in order; what is not answered was not done. The connection of a
// client that has sent ahead ends with the answer, and no other.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import { scratchFolder, startAll, until, within } from '../lib/index.js';

const BIG = 12 << 20; // bytes: more than the sockets' buffers take
const folder = scratchFolder('portal');
after(() => fs.rmSync(folder, { recursive: true }));
fs.mkdirSync(path.join(folder, 'player'));
fs.writeFileSync(path.join(folder, 'player', 'big.txt'), 'x'.repeat(BIG));

const { cluster, bridge } = await startAll({ web_root: folder });
const token = bridge.token('player', 'ada');
const lines = (...list) => `${list.join('\r\n')}\r\n\r\n`;
const get = (what) => lines(`GET ${what} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${token}`);
const READ = get('/api/unified-chat/messages/ada'); // waits for the database
const HEALTH = get('/healthz');
const UPGRADE = lines(`GET /app/${bridge.key}?protocol=7 HTTP/1.1`, 'Host: x', 'Upgrade: websocket', 'Connection: Upgrade',
  'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', `Authorization: Bearer ${token}`);

function post(message) {
  const body = JSON.stringify({ message });
  return `${lines('POST /api/unified-chat/send HTTP/1.1', 'Host: x', 'Content-Type: application/json', `Authorization: Bearer ${token}`,
    `Content-Length: ${body.length}`)}${body}`;
}

function frame(message) {
  const text = Buffer.from(JSON.stringify(message));
  assert.ok(text.length < 126);
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
}

// A connection: what has come on it, and whether the bridge has ended it.
class Raw {
  constructor() {
    this.text = '';
    this.ended = false;
    this.socket = net.connect(bridge.port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (data) => { this.text += data.toString('latin1'); });
    this.socket.on('error', () => {});
    this.socket.on('close', () => { this.ended = true; });
  }

  say(...bytes) { this.socket.write(Buffer.concat(bytes.map((one) => Buffer.from(one)))); return this; } // in one packet
  statuses() { return [...this.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => Number(m[1])); }
  answers(n) { return until(() => this.statuses().length >= n && this, `answer ${n}`); }
  end() { return within(until(() => this.ended, 'the bridge to end the connection'), 'the end'); }
  close() { this.socket.destroy(); }
}

const stored = (text) => Number(cluster.psql(`SELECT count(*) FROM chat_messages WHERE message_text = '${text}'`));

afterEach(async () => {
  assert.equal((await bridge.api('GET', '/readyz')).status, 200);
  assert.doesNotMatch(bridge.log(), /ERROR: AddressSanitizer|runtime error/);
});

test('one packet: the first is done and answered, whatever it waits for; what is behind it is not done', async () => {
  for (const [first, status] of [[READ, 200], [HEALTH, 200], [get('/nothing'), 404], [post('first'), 201]]) {
    for (const behind of [post('behind'), `${post('behind')}${post('behind')}`, HEALTH, UPGRADE, post('behind').slice(0, 30), post('behind').slice(0, -3), 'garbage']) {
      const raw = new Raw().say(first, behind);
      await raw.end();
      assert.deepEqual(raw.statuses(), [status], `${first.slice(0, 40)} … ${behind.slice(0, 40)}`);
    }
  }
  assert.equal(stored('behind'), 0);
});

test('packets of their own behind one that waits: each that is answered was done, and no other', async () => {
  let done = 0;
  for (let round = 0; round < 20; round++) {
    const raw = new Raw().say(READ);
    setImmediate(() => raw.say(post('second')));
    await until(() => raw.ended || raw.statuses().length === 2, 'the answers');
    assert.deepEqual(raw.statuses(), [200, 201].slice(0, raw.statuses().length));
    done += raw.statuses().includes(201) ? 1 : 0;
    raw.close();
  }
  await until(() => stored('second') === done, 'as many stored as answered');
});

test('one by one, every kind on one connection, and a WebSocket at its end', async () => {
  const raw = new Raw();
  const list = [[READ, 200], [post('third'), 201], [HEALTH, 200], [post('third'), 201], [post('third'), 201], [get('/nothing'), 404], [UPGRADE, 101]];
  for (const [i, [bytes]] of list.entries()) await raw.say(bytes).answers(i + 1);
  assert.deepEqual(raw.statuses(), list.map(([, status]) => status));
  raw.say(frame({ event: 'pusher:ping', data: {} }));
  await until(() => raw.text.includes('pusher:pong'), 'the pong');
  assert.equal(stored('third'), 3);
  raw.close();
});

test('an upgrade to what is not spoken here ends the connection, also one that has been used', async () => {
  const fresh = new Raw().say(UPGRADE.replace('websocket', 'carrier-pigeon'));
  const used = await new Raw().say(HEALTH).answers(1);
  used.say(UPGRADE.replace('websocket', 'carrier-pigeon'));
  for (const raw of [fresh, used]) await raw.end();
});

// RFC 6455 has a client wait for the answer to its handshake; libwebsockets (4.1) may write that answer over what came behind it.
test('frames that come before the answer to the handshake hurt nobody; behind it they are frames, wherever they are cut', async () => {
  const ping = frame({ event: 'pusher:ping', data: {} });
  const frames = Buffer.concat([frame({ event: 'pusher:subscribe', data: { channel: 'public' } }), ping, ping]);
  for (let pad = 0; pad < 600; pad += 40) {
    const raw = new Raw().say(UPGRADE.replace('\r\n\r\n', `\r\nAccept: ${'x'.repeat(pad)}\r\n\r\n`), frames);
    await raw.answers(1);
    assert.deepEqual(raw.statuses(), [101]);
    raw.close();
  }
  for (let cut = 0; cut < frames.length; cut += 7) {
    const raw = await new Raw().say(UPGRADE).answers(1);
    raw.say(frames.subarray(0, cut));
    setImmediate(() => raw.say(frames.subarray(cut)));
    await until(() => raw.text.split('pusher:pong').length === 3, `both pongs, cut at ${cut}`);
    assert.match(raw.text, /subscription_succeeded/);
    raw.close();
  }
});

test('a large answer arrives whole before the connection ends, and the next request after one that had none behind it', async () => {
  const size = (raw) => raw.text.length - raw.text.indexOf('\r\n\r\n') - 4;
  const ahead = new Raw().say(get('/player/big.txt'), HEALTH);
  await ahead.end();
  assert.equal(size(ahead), BIG);
  const patient = new Raw().say(get('/player/big.txt'));
  await until(() => size(patient) === BIG, 'the large answer');
  await patient.say(HEALTH).answers(2);
  patient.close();
});

test('who has sent ahead and does not read ends no connection but his own', async () => {
  const hostile = new Raw();
  hostile.socket.pause();
  hostile.say(get('/player/big.txt'), HEALTH);
  await until(() => hostile.socket.bytesWritten > 0 && !hostile.ended, 'it to be under way');
  const honest = new Raw();
  for (let n = 1; n <= 10; n++) await honest.say(HEALTH).answers(n);
  assert.equal(honest.ended, false);
  for (const raw of [hostile, honest]) raw.close();
});
