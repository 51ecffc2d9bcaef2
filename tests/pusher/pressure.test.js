// A client that does not read, many events in one turn, and many connections at once.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import Pusher from 'pusher';
import { startBridge, until, within } from '../lib/index.js';
import { connectRaw } from './raw.js';

let bridge;
let sdk;
before(async () => {
  bridge = await startBridge(null, { app_id: '1', max_queue: '64kB', max_queue_time: '30s', drain_time: '2s' }, { wait: false });
  sdk = new Pusher({ appId: '1', key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false });
});
after(() => bridge?.stop());

test('events of one turn come whole and in order, whatever their number', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('many');
  const batch = (from) => Array.from({ length: 10 }, (_, i) => ({ channel: 'many', name: 'e', data: { n: from + i, pad: 'x'.repeat((from * 37) % 3000) } }));
  for (let from = 0; from < 500; from += 50) await Promise.all([0, 10, 20, 30, 40].map((more) => sdk.triggerBatch(batch(from + more))));
  await until(() => raw.frames.filter((f) => f.event === 'e').length === 500, 'all 500');
  const numbers = raw.frames.filter((f) => f.event === 'e').map((f) => f.data.n);
  assert.equal(new Set(numbers).size, 500);
  for (let i = 0; i < 500; i += 10) {
    const start = numbers.indexOf(i);
    assert.deepEqual(numbers.slice(start, start + 10), Array.from({ length: 10 }, (_, k) => i + k), 'a batch stays together');
  }
  await raw.close();
});

test('a client that does not read is closed, and nobody else waits for it', async () => {
  const good = await connectRaw(bridge);
  await good.subscribed('flood');
  const slow = net.connect(bridge.port, '127.0.0.1');
  slow.write(`GET /app/${bridge.key}?protocol=7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
  await within(new Promise((resolve) => { slow.once('data', resolve); }), 'the handshake');
  const text = Buffer.from('{"event":"pusher:subscribe","data":{"channel":"flood"}}');
  slow.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
  await until(async () => (await (await sdk.get({ path: '/channels/flood', params: { info: 'subscription_count' } })).json()).subscription_count === 2, 'both to be there');
  slow.pause();
  let sent = 0;
  const gone = new Promise((resolve) => { slow.on('close', resolve); slow.on('error', () => {}); });
  await until(async () => {
    await Promise.all(Array.from({ length: 20 }, () => sdk.trigger('flood', 'e', 'x'.repeat(10000))));
    sent += 20;
    return (await (await sdk.get({ path: '/channels/flood', params: { info: 'subscription_count' } })).json()).subscription_count === 1;
  }, 'the slow client to be no longer a member', 60000);
  await until(() => good.frames.filter((f) => f.event === 'e').length === sent, 'everything at the good one');
  assert.equal(bridge.log().match(/event=slow_consumer/g).length, 1);
  slow.resume();
  await within(gone, 'the slow connection to end');
  await good.close();
});

test('a thousand connections come at once, and one event reaches them all', async () => {
  const all = await Promise.all(Array.from({ length: 1000 }, () => connectRaw(bridge)));
  await Promise.all(all.map((raw) => raw.subscribed('crowd')));
  await sdk.trigger('crowd', 'e', 1);
  await Promise.all(all.map((raw) => raw.event('e')));
  const { code } = await Promise.all([bridge.kill('SIGTERM'), ...all.map(async (raw) => assert.equal((await raw.closed).code, 4200))]).then(([how]) => how);
  assert.equal(code, 0);
});
