// The provider switches an application off that sends too much: beyond the volume, one digest tells of all.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startBridge, startCluster, until } from '../lib/index.js';
import { newPlayer, pushIn, pushOf, send, startScene } from './scene.js';

const cluster = await startCluster();
after(() => cluster.stop());

async function resolveAll() {
  await cluster.query("SELECT unichat_status(id, 'resolved') FROM chat_requests WHERE status = 'waiting'");
}

test('three single pushes, then one digest for all others, then silence until the window moves on', async (t) => {
  await resolveAll();
  const { onesignal, bridge } = await startScene(t, cluster, { push_volume: 3, push_volume_window: '6s', onesignal_api_key: null });
  const ids = [];
  for (let i = 0; i < 7; i++) ids.push((await send(cluster, newPlayer(), `chat ${i}`, { urgency: i === 6 ? 'urgent' : 'normal' })).request_id);
  bridge.configure({ onesignal_api_key: onesignal.key });
  await bridge.kill('SIGHUP');
  await onesignal.waitForRequests(4);

  const [digest] = onesignal.requests.filter((one) => one.body.data.t === 'chats-waiting');
  const singles = onesignal.requests.filter((one) => one.body.data.t === 'new-chat-request').map((one) => one.body.data.requestId);
  assert.deepEqual(new Set(singles), new Set([ids[6], ids[0], ids[1]]), 'the most urgent, then the oldest');
  assert.equal(digest.body.headings.en, '7 chats waiting');
  assert.deepEqual(digest.body.data, { t: 'chats-waiting', urgency: 'normal', waiting: 7 });
  const told = await cluster.query("SELECT request_id FROM push_notifications WHERE told_by IS NOT NULL AND state = 'superseded'");
  assert.deepEqual(new Set(told.map((row) => row.request_id)), new Set([ids[2], ids[3], ids[4], ids[5]]));

  const late = await send(cluster, newPlayer(), 'one more');
  await until(async () => (await pushOf(cluster, late.request_id)).next_attempt_at > (await pushOf(cluster, late.request_id)).created_at,
    'the late one to be put off');
  assert.equal(onesignal.requests.length, 4);
  await onesignal.waitForRequests(5, 'a place in the window');
  const last = onesignal.requests[4];
  assert.ok(last.at - onesignal.requests[0].at >= 5900, 'before the window moved on');
});

test('two bridges keep one volume', async (t) => {
  await resolveAll();
  const { onesignal, settings } = await startScene(t, cluster, { push_volume: 5, push_volume_window: '15min' });
  const second = await startBridge(cluster, settings);
  t.after(() => second.stop());
  const ids = await Promise.all(Array.from({ length: 30 }, async () => (await send(cluster, newPlayer(), 'hello')).request_id));
  await onesignal.waitForRequests(6);
  await until(async () => (await Promise.all(ids.map((id) => pushOf(cluster, id)))).every((row) =>
    ['sent', 'superseded'].includes(row.state) || row.next_attempt_at > new Date()), 'every chat to be told of or put off');
  assert.equal(onesignal.requests.length, 6);
  assert.equal(onesignal.requests.filter((one) => one.body.data.t === 'chats-waiting').length, 1);
});

test('a retry takes no place of its own', async (t) => {
  await resolveAll();
  const { onesignal } = await startScene(t, cluster, { push_volume: 1, push_volume_window: '15min' });
  onesignal.fail({ status: 503 }, { status: 503 });
  const { request_id: id } = await send(cluster, newPlayer(), 'hello');
  const row = await pushIn(cluster, id, 'sent');
  assert.equal(row.attempts, 3);
});
