// What somebody who has proven nothing can make the bridge keep is bounded for each connection, and for all bodies together.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { after, test } from 'node:test';
import { connectSocket, startAll, until } from '../lib/index.js';

const SETTINGS = { max_bodies: '8MB', sign_in_wait: '1min', request_time: '1min' };
const QUIET = { env: { ASAN_OPTIONS: 'quarantine_size_mb=1' } }; // what is freed is free
const { bridge } = await startAll(SETTINGS, QUIET);
const LONG = 'x'.repeat(60000);
const resident = () => Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${bridge.pid}/status`, 'utf8'))[1]) * 1024;
const ofReason = (reason, field) => (m) => m.event === 'unichat:resync' && JSON.parse(m.data).reason === reason && JSON.parse(m.data).field === field;

test('a question with a field that is too long is answered, and the answer names the field', async () => {
  const socket = await connectSocket(bridge);
  const questions = [['epoch', { channel: 'player-ada', after: 0, epoch: 'x'.repeat(65) }], ['after', { channel: 'staff-portal', after: 'A'.repeat(4097) }],
    ['channel', { channel: `player-${'x'.repeat(400)}`, after: 0 }], ['after', { channel: `player-${'x'.repeat(200)}`, after: 0 }]];
  for (const [field, data] of questions) {
    socket.messages.length = 1;
    socket.send({ event: 'unichat:resume', data });
    await socket.received(ofReason('unknown', field), `the answer to a wrong ${field}`);
  }
  assert.equal(await bridge.metric('unichat_resumes'), 0);
  socket.close();
});

test('a name that is made from an id has a limit, too', async () => {
  const socket = await connectSocket(bridge);
  for (const channel of [`player-${'x'.repeat(506)}`, `private-player-${'x'.repeat(500)}`, `#server-to-user-${'x'.repeat(500)}`]) {
    socket.send({ event: 'pusher:subscribe', data: { channel } });
    const { data } = await socket.received((m) => m.event === 'pusher:subscription_error' && m.channel === channel, 'the refusal');
    assert.equal(data.type, 'LimitReached');
  }
  socket.close();
});

test('a connection has so many channels and no more', async () => {
  const socket = await connectSocket(bridge);
  for (let i = 0; i < 260; i++) socket.send({ event: 'pusher:subscribe', data: { channel: `c-${i}` } });
  await until(() => socket.messages.filter((m) => m.event === 'pusher:subscription_error').length === 10, 'ten of them to be refused');
  assert.equal(await bridge.metric('unichat_subscriptions'), 250);
  socket.close();
});

test('twenty WebSockets that ask for all there is cost less than 600 kB each', async (t) => {
  const before = resident();
  const sockets = [];
  for (let i = 0; i < 20; i++) {
    const socket = await connectSocket(bridge);
    for (let n = 0; n < 20; n++) socket.send({ event: 'unichat:resume', data: { channel: `player-${i}-${n}`, after: 0, epoch: LONG } });
    for (let n = 0; n < 40; n++) socket.send({ event: 'unichat:resume', data: { channel: `player-${'x'.repeat(100)}${i}-${n}`, after: 0, epoch: '1' } });
    for (let n = 0; n < 20; n++) socket.send({ event: 'pusher:subscribe', data: { channel: `player-${n}${LONG}` } });
    for (let n = 0; n < 110; n++) socket.send({ event: 'pusher:subscribe', data: { channel: `player-${n}${'x'.repeat(490)}` } });
    for (let n = 0; n < 260; n++) socket.send({ event: 'pusher:subscribe', data: { channel: `${n}-${i}-${'x'.repeat(180)}` } });
    socket.send({ event: 'pusher:ping', data: {} });
    await socket.received((m) => m.event === 'pusher:pong', 'everything to be read');
    socket.messages.length = 1;
    sockets.push(socket);
  }
  const each = (resident() - before) / sockets.length;
  assert.equal(await bridge.metric('unichat_subscriptions'), 5000);
  assert.equal(await bridge.metric('unichat_resumes'), 640);
  t.diagnostic(`${Math.round(each / 1024)} kB each`);
  assert.ok(each < 600 * 1024, `${Math.round(each / 1024)} kB each`);
  for (const socket of sockets) socket.close();
  await until(async () => await bridge.metric('unichat_connections') === 0, 'them to be gone');
});

test('bodies that are never finished take max_bodies and no more, and an honest one gets through', async () => {
  const length = 250 << 10;
  const head = `POST /session/demo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  const before = resident();
  const sockets = Array.from({ length: 200 }, () => {
    const socket = net.connect(bridge.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(head + ' '.repeat(length - 1));
    return socket;
  });
  after(() => sockets.forEach((socket) => socket.destroy()));
  await until(async () => await bridge.metric('unichat_limited_total', 'limit="bodies"') >= 160, 'most of them to be closed');
  assert.ok(await bridge.metric('unichat_body_bytes') <= 8e6 * 1.05);
  assert.ok(resident() - before < 40 << 20, `${(resident() - before) >> 20} MB`);
  const { status } = await bridge.api('POST', '/api/unified-chat/send',
    { token: bridge.token('player', 'ada'), body: { message: 'hello', padding: 'x'.repeat(200000) } });
  assert.equal(status, 201);
  for (const socket of sockets) socket.destroy();
  await until(async () => await bridge.metric('unichat_body_bytes') === 0, 'all of it to be free');
});
