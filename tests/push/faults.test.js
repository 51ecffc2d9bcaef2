// Nothing is sent twice and nothing is forgotten, whoever dies.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { execFileSync } from 'node:child_process';
import https from 'node:https';
import fs from 'node:fs';
import path from 'node:path';
import { freePort, scratchFolder, sleep, startBridge, startCluster, until } from '../lib/index.js';
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

// The whole promise at once: whatever dies and whatever the provider does, each chat is one notification.
test('60 chats, two bridges killed at random, a provider that fails at random: 60 notifications', async (t) => {
  const seed = Number(process.env.UNICHAT_SEED ?? Date.now() % 100000);
  t.diagnostic(`seed ${seed}`);
  const random = randomFrom(seed);
  const faults = [{ status: 503 }, { status: 500, body: '<html>' }, { hang: true }, { reset: true }, { raw: 'no JSON' }, { slow: 150 },
    { status: 429, headers: { 'retry-after': '0' } }];
  const { onesignal, bridge, settings } = await startScene(t, cluster,
    { push_timeout: '300ms', push_lease: '800ms', push_max_failures: 100, push_breaker_failures: 20 });
  const bridges = [bridge, await startBridge(cluster, settings)];
  t.after(() => bridges[1].stop());
  onesignal.fail(...Array.from({ length: 60 }, () => (random() < 0.5 ? faults[Math.floor(random() * faults.length)] : {})));

  let done = false;
  const killing = (async () => {
    while (!done) {
      await sleep(100 + random() * 400); // the faults come at random moments; nothing is awaited with this
      await bridges[random() < 0.5 ? 0 : 1].restart(false);
    }
  })();
  const ids = [];
  for (let i = 0; i < 60; i++) ids.push((await send(cluster, newPlayer(), `chat ${i}`)).request_id);
  for (const id of ids) await pushIn(cluster, id, 'sent');
  done = true;
  await killing;

  const shown = [...onesignal.accepted.values()].map((one) => one.body.data.requestId);
  assert.deepEqual(shown.sort(), ids.sort());
  const [{ lost }] = await cluster.query("SELECT count(*)::int AS lost FROM push_attempts WHERE outcome = 'lost'");
  t.diagnostic(`${onesignal.requests.length} requests, ${lost} attempts lost with their bridge`);
});

test('an impostor, with a certificate of its own making, is sent nothing', async (t) => {
  const { server, posts } = await startImpostor(t);
  await startScene(t, cluster, { onesignal_base_url: `https://127.0.0.1:${server.address().port}` });
  const { request_id: id } = await send(cluster, newPlayer(), 'hello');
  await until(async () => /certificate/i.test((await pushOf(cluster, id)).last_error ?? ''), 'the certificate to be refused');
  assert.equal(posts.length, 0);
});

async function startImpostor(t) {
  const folder = scratchFolder('impostor');
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
    '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const posts = [];
  const server = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (request, response) => {
    posts.push(request.url);
    response.end('{"id":"stolen"}');
  });
  const port = await freePort();
  await new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve); });
  t.after(() => server.close());
  return { server, posts };
}

// Marsaglia's xorshift: the same seed gives the same run of faults.
function randomFrom(seed) {
  let x = (seed * 2654435761 + 1) >>> 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}
