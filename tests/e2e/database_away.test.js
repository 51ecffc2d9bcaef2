// PostgreSQL is down: the API says so with 503 and Retry-After at once, WebSockets stay open, and all is well when it is back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectClient, isError, startAll, startBridge, until } from '../lib/index.js';

const { cluster, bridge } = await startAll();
const token = bridge.token('player', 'ada', 'Ada');
const staffToken = bridge.token('staff', 'grace');
const ada = await connectClient(bridge, { token, channels: ['private-player-ada'] });
after(() => ada.close());

before(async () => {
  cluster.psql("SELECT unichat_send('ada', 'before')");
  await cluster.down('fast');
  await until(async () => (await bridge.api('GET', '/readyz')).status === 503, '/readyz to be 503');
});

for (const [method, path, who, body] of [
  ['POST', '/api/unified-chat/send', token, { message: 'hello' }], ['GET', '/api/unified-chat/messages/ada', token],
  ['GET', '/api/unified-chat/requests', staffToken], ['POST', '/api/unified-chat/status/1', staffToken, { status: 'resolved' }],
  ['POST', '/api/unified-chat/read/ada', token, { seq: 1 }],
]) {
  test(`${method} ${path} answers 503 with Retry-After, at once`, async () => {
    const started = Date.now();
    const answer = await bridge.api(method, path, { token: who, body });
    isError(answer, 503, 'database_unavailable');
    assert.match(answer.headers.get('retry-after'), /^[1-9]\d*$/);
    assert.ok(Date.now() - started < 1000, `after ${Date.now() - started} ms`);
  });
}

test('what is wrong with the request itself is still said first', async () => {
  isError(await bridge.api('POST', '/api/unified-chat/send', { body: { message: 'x' } }), 401, 'unauthenticated');
});

test('the process is alive, and its clients are connected and may subscribe', async () => {
  assert.equal((await bridge.api('GET', '/healthz')).status, 200);
  assert.equal(ada.state, 'connected');
  const late = await connectClient(bridge, { token, channels: ['private-player-ada'] });
  late.close();
});

test('a bridge may start before its database', async () => {
  const early = await startBridge(cluster, {}, { wait: false });
  after(() => early.stop());
  assert.equal((await early.api('GET', '/readyz')).status, 503);
  await cluster.start();
  await until(async () => (await early.api('GET', '/readyz')).status === 200, 'the early bridge to be ready');
});

test('when it is back, everything goes on by itself', async () => {
  await until(async () => (await bridge.api('GET', '/readyz')).status === 200, '/readyz to be 200');
  const answer = await bridge.api('POST', '/api/unified-chat/send', { token, body: { message: 'after' } });
  assert.equal(answer.status, 201);
  await ada.waitFor((e) => e.data.message === 'after', 'the message');
  assert.deepEqual(ada.states.filter((s) => s !== 'connected'), ['connecting'].filter((s) => ada.states.includes(s)));
});
