// Frames as no library would send them, and the signs of life of both sides.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBridge, until } from '../lib/index.js';
import { connectRaw } from './raw.js';

let bridge;
before(async () => {
  bridge = await startBridge(null, { activity_timeout: '1s', pong_timeout: '1s', max_frame: '64kB' }, { wait: false });
});
after(() => bridge?.stop());

test('pusher:ping is answered', async () => {
  const raw = await connectRaw(bridge);
  raw.send('pusher:ping', {});
  assert.deepEqual((await raw.event('pusher:pong')).data, {});
  await raw.close();
});

test('a WebSocket ping is answered with its payload', async () => {
  const raw = await connectRaw(bridge);
  const pong = new Promise((resolve) => { raw.ws.on('pong', (data) => resolve(data.toString())); });
  raw.ws.ping('abc');
  assert.equal(await pong, 'abc');
  await raw.close();
});

test('a message in fragments is one message, with control frames between them', async () => {
  const raw = await connectRaw(bridge);
  const text = JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'x' } });
  raw.ws.send(text.slice(0, 5), { fin: false });
  raw.ws.ping();
  for (const c of text.slice(5, -1)) raw.ws.send(c, { fin: false });
  raw.ws.send(text.slice(-1), { fin: true });
  await raw.event('pusher_internal:subscription_succeeded', 'x');
  await raw.close();
});

test('a message longer than the receive buffer is whole', async () => {
  const raw = await connectRaw(bridge);
  raw.ws.send(JSON.stringify({ event: 'pusher:subscribe', filler: 'ä'.repeat(20000), data: { channel: 'long' } }));
  await raw.event('pusher_internal:subscription_succeeded', 'long');
  await raw.close();
});

test('a binary frame is 1003', async () => {
  const raw = await connectRaw(bridge);
  raw.ws.send(Buffer.from('{"event":"pusher:ping"}'));
  assert.equal((await raw.closed).code, 1003);
});

test('a message over the limit is 1009', async () => {
  const raw = await connectRaw(bridge);
  raw.ws.send('x'.repeat(65537));
  assert.equal((await raw.closed).code, 1009);
});

test('what is no message is told, and the connection goes on', async () => {
  const raw = await connectRaw(bridge);
  for (const text of ['', 'x', '[]', '{"event":1}', '{"data":{}}', '{"event":"pusher:nothing"}', '{"event":"pusher:subscribe"}',
    `${'['.repeat(5000)}`, '{"event":"a","event":"b"}']) {
    raw.ws.send(text);
    const { data } = await raw.event('pusher:error');
    assert.equal(data.code, null);
    assert.ok(data.message);
  }
  raw.ws.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false });
  await raw.event('pusher:error');
  await raw.settle();
  await raw.close();
});

test('a silent client is pinged; one that answers stays', async () => {
  const raw = await connectRaw(bridge);
  let pings = 0;
  raw.ws.on('ping', () => { pings += 1; });
  await until(() => pings >= 3, 'three pings');
  await raw.settle();
  await raw.close();
});

test('a client that answers nothing is closed with 4201', async () => {
  const raw = await connectRaw(bridge);
  raw.ws._autoPong = false;
  assert.equal((await raw.closed).code, 4201);
  assert.equal((await raw.event('pusher:error')).data.code, 4201);
});

test('a client that only knows pusher:pong stays', async () => {
  const raw = await connectRaw(bridge);
  raw.ws._autoPong = false;
  for (let i = 0; i < 3; i += 1) {
    await raw.event('pusher:ping');
    raw.send('pusher:pong', {});
  }
  await raw.settle();
  await raw.close();
});
