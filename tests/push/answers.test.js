// What the bridge does with each kind of answer.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startCluster, until } from '../lib/index.js';
import { attemptsOf, keys, newPlayer, pushIn, pushOf, send, startScene } from './scene.js';

const cluster = await startCluster();
after(() => cluster.stop());

// A chat whose first attempts fail in the given ways; resolves when its push is in the state.
async function chatThat(scene, state, ...faults) {
  scene.onesignal.fail(...faults);
  const { request_id: id } = await send(cluster, newPlayer(), 'hello');
  return pushIn(cluster, id, state);
}

for (const [what, fault, status] of [
  ['503 with HTML', { status: 503, body: '<html>Service temporarily unavailable</html>' }, 503],
  ['500 without a body', { status: 500 }, 500],
  ['a connection that breaks off in the body', { reset: true }, null],
  ['200 with what is not JSON', { raw: '<html>captive portal</html>' }, 200],
]) {
  test(`${what}, then 200: sent once, both attempts with the same key`, async (t) => {
    const scene = await startScene(t, cluster);
    const row = await chatThat(scene, 'sent', fault);
    assert.deepEqual(keys(scene.onesignal.requests), [row.idempotency_key, row.idempotency_key]);
    assert.equal(scene.onesignal.accepted.size, 1);
    assert.equal(row.attempts, 2);
    assert.equal(row.failures, 1);
    const [first, second] = await attemptsOf(cluster, row.id);
    assert.deepEqual([first.outcome, first.http_status, second.outcome, second.http_status], ['retry', status, 'sent', 200]);
    assert.ok(first.error);
  });
}

test('a hang after accepting ends with the timeout and is asked again with the same key', async (t) => {
  const scene = await startScene(t, cluster, { push_timeout: '200ms' });
  const row = await chatThat(scene, 'sent', { hang: true });
  assert.deepEqual(keys(scene.onesignal.requests), [row.idempotency_key, row.idempotency_key]);
  assert.equal(scene.onesignal.accepted.size, 1);
  assert.equal(row.provider_id, scene.onesignal.accepted.get(row.idempotency_key).id);
});

test('429: Retry-After is kept to, by this push and by all others', async (t) => {
  const scene = await startScene(t, cluster);
  scene.onesignal.fail({ status: 429, body: { errors: ['API rate limit exceeded'] }, headers: { 'retry-after': '1' } });
  const first = await send(cluster, newPlayer(), 'one');
  await scene.onesignal.waitForRequests(1);
  await pushIn(cluster, first.request_id, 'pending');
  const second = await send(cluster, newPlayer(), 'two');
  await pushIn(cluster, first.request_id, 'sent');
  await pushIn(cluster, second.request_id, 'sent');
  const [throttled, ...later] = scene.onesignal.requests;
  for (const one of later) assert.ok(one.at - throttled.at >= 990, `came after ${one.at - throttled.at} ms`);
  assert.equal(later.length, 2);
});

for (const seconds of ['9223372036854775', '9223372036854775807']) {
  test(`503 and Retry-After ${seconds}: a pause without end is no pause, the push is given up`, async (t) => {
    const scene = await startScene(t, cluster);
    const row = await chatThat(scene, 'dead', { status: 503, headers: { 'retry-after': seconds } });
    assert.equal(row.attempts, 1);
  });
}

test('an empty id is final: nobody is subscribed', async (t) => {
  const scene = await startScene(t, cluster);
  const row = await chatThat(scene, 'no_recipients', { noRecipients: true });
  assert.match(row.last_error, /not subscribed/);
  assert.equal(row.attempts, 1);
  await chatThat(scene, 'sent');
  assert.equal(scene.onesignal.requests.length, 2);
});

test('an id beside errors of single devices is sent, and what was said is kept', async (t) => {
  const scene = await startScene(t, cluster);
  const row = await chatThat(scene, 'sent', { errors: { invalid_aliases: { external_id: ['staff:7', 'staff:7'] } } });
  assert.match(row.last_error, /invalid_aliases/);
  assert.ok(row.provider_id);
});

for (const status of [400, 404, 413, 422]) {
  test(`${status} fails at once and for good`, async (t) => {
    const scene = await startScene(t, cluster);
    const row = await chatThat(scene, 'failed', { status, body: { errors: ['Message Notifications must have English language content'] } });
    assert.match(row.last_error, /English/);
    assert.equal(row.http_status, status);
    assert.equal(row.attempts, 1);
  });
}

test('a push that never succeeds is dead after its attempts, and can be sent again by hand', async (t) => {
  const scene = await startScene(t, cluster, { push_max_failures: 3, push_breaker_failures: 100 });
  const row = await chatThat(scene, 'dead', { status: 503 }, { status: 503 }, { status: 503, body: 'x'.repeat(5000) });
  assert.equal(row.failures, 3);
  assert.ok(row.last_error.length <= 1000);
  const [{ id }] = await cluster.query('SELECT unichat_push_resend($1) AS id', [row.id]);
  const again = await pushIn(cluster, row.request_id, 'sent', 'resend');
  assert.equal(again.id, id);
  assert.notEqual(again.idempotency_key, row.idempotency_key);
  assert.equal(scene.onesignal.requests.at(-1).body.data.requestId, row.request_id);
});

test('a push older than push_max_age is dead', async (t) => {
  const scene = await startScene(t, cluster, { push_max_age: '1s', push_retry_base: '900ms', push_retry_max: '10s' });
  const row = await chatThat(scene, 'dead', ...Array(20).fill({ status: 503 }));
  assert.ok(row.failures < 5, `${row.failures} attempts`);
});

test('403 pauses all sending, longer each time; nothing is lost, and a new key ends the pause at once', async (t) => {
  const scene = await startScene(t, cluster, { push_refused_pause: '300ms', push_refused_max: '1h', onesignal_api_key: 'revoked' });
  const { onesignal, bridge } = scene;
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push((await send(cluster, newPlayer(), `chat ${i}`)).request_id);
  const pauses = () => [...bridge.log().matchAll(/push_paused reason=refused pause_ms=(\d+)/g)].map(([, ms]) => Number(ms));
  await until(() => pauses().length >= 3, 'three pauses');
  assert.deepEqual(pauses().slice(0, 3), [300, 600, 1200]);
  const silences = () => onesignal.requests.slice(1).map((one, i) => one.at - onesignal.requests[i].at).filter((ms) => ms > 250);
  await until(() => silences().length >= 2, 'two of them to pass');
  assert.ok(silences()[0] >= 270 && silences()[1] >= 540, `silences of ${silences()} ms`);
  assert.ok(onesignal.requests.length - silences().length <= ids.length, 'one probe at a time');
  assert.equal(await bridge.metric('unichat_push_provider_paused'), 1);
  for (const id of ids) {
    const row = await pushOf(cluster, id);
    assert.equal(row.failures, 0);
    assert.match(row.state, /pending|sending/);
  }

  bridge.configure({ onesignal_api_key: onesignal.key });
  await bridge.kill('SIGHUP');
  for (const id of ids) await pushIn(cluster, id, 'sent');
  assert.equal(onesignal.accepted.size, 3);
  await until(async () => await bridge.metric('unichat_push_provider_paused') === 0, 'the pause to be over');
});

test('a new key gives up the calls made with the old one', async (t) => {
  const { onesignal, bridge } = await startScene(t, cluster, { push_timeout: '60s', push_lease: '90s' });
  onesignal.fail({ hang: true });
  const { request_id: id } = await send(cluster, newPlayer(), 'hello');
  await onesignal.waitForRequests(1);
  onesignal.key = 'another';
  bridge.configure({ onesignal_api_key: 'another' });
  await bridge.kill('SIGHUP');
  const row = await pushIn(cluster, id, 'sent');
  assert.deepEqual(keys(onesignal.requests), [row.idempotency_key, row.idempotency_key]);
  assert.equal(onesignal.accepted.size, 1);
  assert.equal(row.failures, 0);
});

test('failures in a row open the breaker: then one probe at a time', async (t) => {
  const scene = await startScene(t, cluster, { push_breaker_failures: 4, push_breaker_pause: '400ms', push_concurrency: 1, push_max_failures: 50 });
  scene.onesignal.fail(...Array(6).fill({ status: 503 }));
  const ids = [];
  for (let i = 0; i < 8; i++) ids.push((await send(cluster, newPlayer(), `chat ${i}`)).request_id);
  for (const id of ids) await pushIn(cluster, id, 'sent');
  const times = scene.onesignal.requests.map((one) => one.at);
  const opened = scene.bridge.log().match(/push_paused reason=unreachable/g);
  assert.equal(opened.length, 3);
  assert.equal(times.length, 14);
  // The last two failures and the first success are probes, each alone after a pause.
  for (const probe of [4, 5, 6]) assert.ok(times[probe] - times[probe - 1] >= 380, `probe ${probe} after ${times[probe] - times[probe - 1]} ms`);
});

test('a chat that is taken while its push waits is not pushed', async (t) => {
  const scene = await startScene(t, cluster, { push_retry_base: '2s', push_retry_max: '2s' });
  const { onesignal } = scene;
  onesignal.fail({ status: 503 });
  const { request_id: id } = await send(cluster, newPlayer(), 'hello');
  await onesignal.waitForRequests(1);
  await pushIn(cluster, id, 'pending');
  await cluster.query("SELECT unichat_status($1, 'in_progress', 's1')", [id]);
  await pushIn(cluster, id, 'superseded');
  assert.equal(onesignal.requests.length, 1);
});
