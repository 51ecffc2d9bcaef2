// A client that does the wrong thing as fast as it can fills nobody's disk: of one kind of line there are so many a second, then a number.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import WebSocket from 'ws';
import { connectSocket, startAll, until } from '../lib/index.js';

const BURST = 200, A_SECOND = 10, MANY = 1500;
const { bridge } = await startAll();
const lines = (event) => bridge.log().split('\n').filter((line) => line.includes(`event=${event} `));

// What floods, and what makes one more line of it.
async function flood(event, one) {
  const started = Date.now();
  for (let i = 0; i < MANY; i += 50) await Promise.all(Array.from({ length: 50 }, one));
  const most = BURST + 1 + A_SECOND * ((Date.now() - started) / 1000);
  const { length } = lines(event);
  assert.ok(length >= BURST && length <= most, `${length} lines of ${event}, ${most} at most`);
  const suppressed = () => lines(event).reduce((sum, line) => sum + Number(line.match(/ suppressed=(\d+)$/)?.[1] ?? 0), 0);
  await until(async () => { await one(); return suppressed() > 0 && lines(event).length + suppressed() >= MANY; }, 'every one to be written or counted');
}

async function overSocket(event, message, isAnswer) {
  const socket = await connectSocket(bridge);
  let sent = 0;
  await flood(event, async () => {
    const n = ++sent;
    socket.send(message);
    if (n % 50 === 0) await until(() => socket.messages.filter(isAnswer).length >= n, 'the answers');
  });
  socket.close();
}

test('subscriptions that are refused', () => overSocket('subscribe_refused', { event: 'pusher:subscribe', data: { channel: 'private-x', auth: 'x:y' } }, (m) => m.event === 'pusher:subscription_error'));
test('positions that are none', () => overSocket('resync', { event: 'unichat:resume', data: { channel: 'player-x', after: 'x' } }, (m) => m.event === 'unichat:resync'));
test('calls of the server API that are not signed', () => flood('api_refused', () => bridge.api('POST', `/apps/${bridge.appId}/events`, { body: {} })));
test('handshakes that are refused', () => flood('ws_refused', () => new Promise((resolve, reject) => {
  const socket = new WebSocket(`ws://127.0.0.1:${bridge.port}/app/wrong`);
  socket.on('close', resolve);
  socket.on('error', reject);
})));
