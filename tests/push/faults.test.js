// Nothing is sent twice and nothing is forgotten, whoever dies.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startBridge, startCluster, until } from '../lib/index.js';
import { attemptsOf, keys, newPlayer, pushIn, pushOf, send, startScene } from './scene.js';

const cluster = await startCluster();
after(() => cluster.stop());

test('a bridge killed between claim and result: after the lease the same key, one notification', async (t) => {
  const { onesignal, bridge } = await startScene(t, cluster, { push_timeout: '1s', push_lease: '1500ms' });
  onesignal.fail({ hang: true });
  const { request_id: id } = await send(cluster, newPlayer(), 'hello');
  await onesignal.waitForRequests(1);
  await bridge.kill('SIGKILL');
  const claimed = await pushOf(cluster, id);
  assert.equal(claimed.state, 'sending');
  await bridge.restart();
  const row = await pushIn(cluster, id, 'sent');
  assert.deepEqual(keys(onesignal.requests), [row.idempotency_key, row.idempotency_key]);
  assert.ok(onesignal.requests[1].at >= claimed.lease_until.getTime(), 'taken before the lease ran out');
  assert.equal(onesignal.accepted.size, 1);
  assert.deepEqual((await attemptsOf(cluster, row.id)).map((one) => one.outcome), ['lost', 'sent']);
});

test('two bridges, 50 chats at once, 50 POSTs', async (t) => {
  const { onesignal, settings } = await startScene(t, cluster);
  const second = await startBridge(cluster, settings);
  t.after(() => second.stop());
  onesignal.fail(...Array(50).fill({ slow: 50 }));
  const ids = await Promise.all(Array.from({ length: 50 }, async () => (await send(cluster, newPlayer(), 'hello')).request_id));
  for (const id of ids) await pushIn(cluster, id, 'sent');
  assert.equal(onesignal.requests.length, 50);
  assert.equal(new Set(keys(onesignal.requests)).size, 50);
  assert.deepEqual(new Set(onesignal.requests.map((one) => one.body.data.requestId)), new Set(ids));
  assert.ok(onesignal.mostOpen > 1, 'they were sent one after the other');
});

test('SIGTERM waits for the answer that is under way and reports it', async (t) => {
  const { onesignal, bridge } = await startScene(t, cluster);
  onesignal.fail({ slow: 300 });
  const { request_id: id } = await send(cluster, newPlayer(), 'hello');
  await onesignal.waitForRequests(1);
  assert.deepEqual(await bridge.kill('SIGTERM'), { code: 0, signal: null });
  assert.equal((await pushOf(cluster, id)).state, 'sent');
  assert.equal(onesignal.requests.length, 1);
});

test('SIGTERM does not wait for ever: the row is given back and sent by the next bridge with the same key', async (t) => {
  const { onesignal, bridge } = await startScene(t, cluster, { push_timeout: '60s', push_lease: '90s', drain_time: '300ms' });
  onesignal.fail({ hang: true });
  const { request_id: id } = await send(cluster, newPlayer(), 'hello');
  await onesignal.waitForRequests(1);
  assert.deepEqual(await bridge.kill('SIGTERM'), { code: 0, signal: null });
  const given = await pushOf(cluster, id);
  assert.equal(given.state, 'pending');
  assert.equal(given.failures, 0);
  await bridge.restart();
  const row = await pushIn(cluster, id, 'sent');
  assert.deepEqual(keys(onesignal.requests), [row.idempotency_key, row.idempotency_key]);
  assert.equal(onesignal.accepted.size, 1);
});

test('PostgreSQL restarted while the provider answers: the answer is kept and reported', async (t) => {
  const { onesignal } = await startScene(t, cluster, { push_timeout: '20s', push_lease: '30s' });
  onesignal.fail({ slow: 500 });
  const { request_id: id } = await send(cluster, newPlayer(), 'hello');
  await onesignal.waitForRequests(1);
  await cluster.down('immediate');
  await until(() => onesignal.open === 0, 'the provider to have answered');
  await cluster.start();
  const row = await pushIn(cluster, id, 'sent');
  assert.equal(row.attempts, 1);
  assert.equal(onesignal.requests.length, 1);
  await send(cluster, newPlayer(), 'and on it goes');
  await onesignal.waitForRequests(2);
});

test('a provider that is down for a while loses no push', async (t) => {
  const { onesignal, cluster: db } = await startScene(t, cluster, { push_max_failures: 100, push_breaker_pause: '100ms' });
  await onesignal.stop();
  const { request_id: id } = await send(db, newPlayer(), 'hello');
  await until(async () => (await pushOf(db, id)).failures >= 3, 'three failures');
  assert.match((await pushOf(db, id)).last_error, /connect/i);
  await new Promise((resolve) => { onesignal.server.listen(onesignal.port, '127.0.0.1', resolve); });
  await pushIn(db, id, 'sent');
  assert.equal(onesignal.accepted.size, 1);
});
