// Events from client to client.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBridge } from '../lib/index.js';
import { connectRaw } from './raw.js';

let bridge;
before(async () => {
  bridge = await startBridge(null, { app_client_events: 'on' }, {
    wait: false, sections: '\n[app off]\nid = 2\nkey = off\nsecret = secret-of-the-app-off\n',
  });
});
after(() => bridge?.stop());

async function refusal(raw, event, channel, data = {}) {
  raw.send(event, data, { channel });
  return (await raw.event('pusher:error')).data;
}

test('the others get it as it was written, the sender does not', async () => {
  const [a, b, c] = await Promise.all([connectRaw(bridge), connectRaw(bridge), connectRaw(bridge)]);
  for (const raw of [a, b, c]) await raw.subscribed('private-x');
  a.ws.send('{"event":"client-e","channel":"private-x","data":{"z":1, "a":1.10},"user_id":"forged"}');
  for (const raw of [b, c]) {
    const frame = await raw.event('client-e', 'private-x');
    assert.equal(frame.raw, '{"event":"client-e","channel":"private-x","data":{"z":1, "a":1.10}}');
  }
  a.send('client-s', 'a string', { channel: 'private-x' });
  assert.equal(JSON.parse((await b.event('client-s')).raw).data, 'a string');
  a.ws.send('{"event":"client-n","channel":"private-x"}');
  assert.ok(!('data' in JSON.parse((await b.event('client-n')).raw)));
  await a.settle();
  assert.equal(a.frames.filter((f) => f.event.startsWith('client-')).length, 0);
  await Promise.all([a.close(), b.close(), c.close()]);
});

test('on a presence channel it carries who the sender has proven to be', async () => {
  const [a, b] = await Promise.all([connectRaw(bridge), connectRaw(bridge)]);
  await a.subscribed('presence-x', '{"user_id":"alice"}');
  await b.subscribed('presence-x', '{"user_id":"bob"}');
  a.ws.send('{"event":"client-e","channel":"presence-x","data":{},"user_id":"bob"}');
  assert.equal((await b.event('client-e')).user_id, 'alice');
  await Promise.all([a.close(), b.close()]);
});

test('it is refused where it must be', async () => {
  const raw = await connectRaw(bridge);
  await raw.subscribed('x');
  await raw.subscribed('private-x');
  assert.match((await refusal(raw, 'client-e', 'x')).message, /only supported on private and presence channels/);
  assert.match((await refusal(raw, 'client-e', 'private-y')).message, /not subscribed/);
  assert.match((await refusal(raw, 'client-e', undefined)).message, /only supported/);
  assert.match((await refusal(raw, 'pusher:hello', 'private-x')).message, /Unsupported event/);
  assert.match((await refusal(raw, 'e', 'private-x')).message, /Unsupported event/);
  assert.match((await refusal(raw, `client-${'e'.repeat(200)}`, 'private-x')).message, /name is longer/);
  assert.match((await refusal(raw, 'client-e', 'private-x', 'x'.repeat(10240))).message, /data is larger/);
  await raw.close();
});

test('an app without client events says so', async () => {
  const raw = await connectRaw(bridge, { key: 'off' });
  assert.match((await refusal(raw, 'client-e', 'private-x')).message, /not enabled/);
  await raw.close();
});

test('the eleventh within a second is 4301, and the connection stays', async () => {
  const [a, b] = await Promise.all([connectRaw(bridge), connectRaw(bridge)]);
  await a.subscribed('private-fast');
  await b.subscribed('private-fast');
  for (let i = 0; i < 40; i += 1) a.send('client-e', { i }, { channel: 'private-fast' });
  const { data } = await a.event('pusher:error', 'private-fast');
  assert.equal(data.code, 4301);
  assert.match(data.message, /try again in \d+ ms$/);
  await a.settle();
  await b.settle();
  const got = b.frames.filter((f) => f.event === 'client-e').length;
  assert.ok(got >= 10 && got <= 20, `${got} have come`);
  await Promise.all([a.close(), b.close()]);
});
