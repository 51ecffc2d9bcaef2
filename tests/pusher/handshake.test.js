// The first frames of a connection, and every way in which it is refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBridge } from '../lib/index.js';
import { connectRaw } from './raw.js';

let bridge;
before(async () => {
  bridge = await startBridge(null, { activity_timeout: '77s' }, {
    wait: false,
    sections: '\n[app small]\nid = 2\nkey = small\nsecret = secret-of-the-small-app\norigins = https://good.example\nmax_connections = 1\n',
  });
});
after(() => bridge?.stop());

async function refusedWith(options) {
  const raw = await connectRaw(bridge, { wait: false, ...options });
  const { data } = await raw.event('pusher:error');
  const { code, reason } = await raw.closed;
  assert.equal(code, data.code);
  assert.equal(reason, data.message);
  return code;
}

test('a connection is greeted with a socket id and the activity timeout', async () => {
  const raw = await connectRaw(bridge, { wait: false });
  const { raw: text, data } = await raw.event('pusher:connection_established');
  assert.equal(typeof JSON.parse(text).data, 'string');
  assert.match(data.socket_id, /^\d+\.\d+$/);
  assert.equal(data.activity_timeout, 77);
  await raw.close();
});

test('socket ids differ', async () => {
  const all = await Promise.all(Array.from({ length: 50 }, () => connectRaw(bridge)));
  assert.equal(new Set(all.map((raw) => raw.socketId)).size, 50);
  await Promise.all(all.map((raw) => raw.close()));
});

test('an unknown key is 4001', async () => assert.equal(await refusedWith({ key: 'nobody' }), 4001));
test('an unknown path is 4005', async () => assert.equal(await refusedWith({ path: '/nowhere' }), 4005));
test('a protocol that is no number is 4006', async () => assert.equal(await refusedWith({ query: '?protocol=x' }), 4006));
test('an unsupported protocol is 4007', async () => {
  assert.equal(await refusedWith({ query: '?protocol=4' }), 4007);
  assert.equal(await refusedWith({ query: '?protocol=8' }), 4007);
});

test('no protocol, and the older ones, are taken', async () => {
  for (const query of ['', '?protocol=5', '?protocol=6']) await (await connectRaw(bridge, { query })).close();
});

test('an origin that the app does not list is 4009', async () => {
  assert.equal(await refusedWith({ key: 'small', headers: { Origin: 'https://bad.example' } }), 4009);
  await (await connectRaw(bridge, { key: 'small', headers: { Origin: 'https://good.example' } })).close();
});

test('a full app is 4004, until somebody goes', async () => {
  const only = await connectRaw(bridge, { key: 'small' });
  assert.equal(await refusedWith({ key: 'small' }), 4004);
  await only.close();
  await (await connectRaw(bridge, { key: 'small' })).close();
});
