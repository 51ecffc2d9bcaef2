// A client that is slower than what comes, but reads all the time, is not cut off for that.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import Pusher from 'pusher';
import { startBridge, until, within } from '../lib/index.js';

const events = 3000;
const bytes = 10000;
const sip = 1 << 20; // what it reads at a time, five times a second: 30 MB take it 6 s

let bridge;
let sdk;
before(async () => {
  bridge = await startBridge(null, { app_id: '1', max_queue: '64MB', max_queue_time: '2s' }, { wait: false });
  sdk = new Pusher({ appId: '1', key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false });
});
after(() => bridge?.stop());

// A connection that takes one sip at each tick and keeps the rest waiting.
function sipping(port) {
  const socket = net.connect(port, '127.0.0.1');
  const client = { socket, read: 0, closed: false, allowed: Infinity };
  socket.on('data', (chunk) => {
    client.read += chunk.length;
    client.allowed -= chunk.length;
    if (client.allowed <= 0) socket.pause();
  });
  socket.on('close', () => { client.closed = true; });
  socket.on('error', () => {});
  client.throttle = () => {
    client.allowed = 0;
    client.ticks = setInterval(() => { client.allowed = sip; socket.resume(); }, 200);
  };
  return client;
}

test('a steady reader gets everything, however long its queue is never empty', async () => {
  const slow = sipping(bridge.port);
  slow.socket.write(`GET /app/${bridge.key}?protocol=7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
  await within(new Promise((resolve) => { slow.socket.once('data', resolve); }), 'the handshake');
  const text = Buffer.from('{"event":"pusher:subscribe","data":{"channel":"flood"}}');
  slow.socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
  await until(async () => (await (await sdk.get({ path: '/channels/flood' })).json()).occupied, 'the subscription');
  slow.throttle();
  const started = Date.now();
  for (let sent = 0; sent < events; sent += 100)
    await Promise.all(Array.from({ length: 10 }, () => sdk.triggerBatch(
      Array.from({ length: 10 }, () => ({ channel: 'flood', name: 'e', data: 'x'.repeat(bytes) })))));
  await until(() => slow.closed || slow.read > events * bytes, 'everything to arrive', 60000);
  const took = Date.now() - started;
  clearInterval(slow.ticks);
  assert.equal(slow.closed, false, 'it was cut off');
  assert.doesNotMatch(bridge.log(), /event=slow_consumer/);
  assert.ok(took > 4000, `it was slower than max_queue_time: ${took} ms`);
  slow.socket.destroy();
});
