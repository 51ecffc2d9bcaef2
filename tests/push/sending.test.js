// One new chat is one push, with every field as OneSignal wants it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, test } from 'node:test';
import { startBridge, startCluster, until } from '../lib/index.js';
import { keys, newPlayer, pushIn, pushOf, send, startScene } from './scene.js';

const cluster = await startCluster({ schema: 'chat' });
after(() => cluster.stop());

test('a new chat is one POST with all fields; further messages and a reply are none', async (t) => {
  const { onesignal, bridge } = await startScene(t, cluster, { portal_url: 'https://portal.example/staff/', push_ttl: '10min' });
  const player = newPlayer();
  const first = await send(cluster, player, 'I cannot withdraw my winnings', { name: 'Ann', urgency: 'high' });
  const row = await pushIn(cluster, first.request_id, 'sent');
  const [post] = onesignal.requests;

  assert.deepEqual(post.body, {
    app_id: onesignal.appId,
    target_channel: 'push',
    included_segments: ['Total Subscriptions'],
    headings: { en: '[HIGH] New chat - Ann' },
    contents: { en: 'I cannot withdraw my winnings' },
    data: { t: 'new-chat-request', requestId: first.request_id, playerId: player, urgency: 'high' },
    web_url: `https://portal.example/staff/#/request/${first.request_id}`,
    priority: 10,
    ttl: 600,
    collapse_id: `req-${first.request_id}`,
    web_push_topic: `req-${first.request_id}`,
    ios_interruption_level: 'time_sensitive',
    name: `unichat req ${first.request_id}`,
    idempotency_key: row.idempotency_key,
  });
  assert.equal(post.headers.authorization, `Key ${onesignal.key}`);
  assert.match(post.headers['content-type'], /^application\/json/);
  assert.equal(post.headers.accept, 'application/json');
  assert.match(post.headers['user-agent'], /^unichat-bridge\//);
  assert.equal(row.provider, 'onesignal');
  assert.equal(row.provider_id, onesignal.accepted.get(row.idempotency_key).id);
  assert.equal(row.http_status, 200);
  assert.ok(row.sent_at);

  await send(cluster, player, 'hello?');
  await cluster.query("SELECT unichat_send($1, 'I look into it', 'staff', 's1')", [player]);
  await send(cluster, player, 'thanks');
  const next = await send(cluster, newPlayer(), 'another chat');
  await pushIn(cluster, next.request_id, 'sent');
  assert.deepEqual(onesignal.requests.map((one) => one.body.data.requestId), [first.request_id, next.request_id]);
  assert.equal(await bridge.metric('unichat_push_sent_total', 'outcome="sent"'), 2);
  await until(async () => await bridge.metric('unichat_push_queue_depth') === 0, 'the queue depth to be 0');
});

test('a transaction that rolls back pushes nothing, a plain INSERT does, a new chat after resolve again', async (t) => {
  const { onesignal } = await startScene(t, cluster);
  const player = newPlayer();
  cluster.psql(`BEGIN; SELECT unichat_send('${newPlayer()}', 'never'); ROLLBACK;`);
  cluster.psql(`INSERT INTO chat_messages (player_id, message_text) VALUES ('${player}', 'by INSERT')`);
  const [{ id }] = await cluster.query('SELECT id FROM chat_requests WHERE player_id = $1', [player]);
  await pushIn(cluster, id, 'sent');
  await cluster.query("SELECT unichat_status($1, 'resolved')", [id]);
  const again = await send(cluster, player, 'it is back');
  await pushIn(cluster, again.request_id, 'sent');
  assert.deepEqual(onesignal.requests.map((one) => one.body.contents.en), ['by INSERT', 'it is back']);
  assert.equal(new Set(keys(onesignal.requests)).size, 2);
});

test('a push leaves within a moment of the commit, not with the poll', async (t) => {
  const { onesignal } = await startScene(t, cluster, { push_poll_interval: '1h' });
  await until(async () => (await cluster.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%unichat_push_queue%'")).length,
    'the queue to be looked at');
  const started = Date.now();
  await send(cluster, newPlayer(), 'now');
  const [post] = await onesignal.waitForRequests(1);
  assert.ok(post.at - started < 5000, `it took ${post.at - started} ms`);
});

test('user text is one inert line of bounded length', async (t) => {
  const { onesignal } = await startScene(t, cluster, { push_preview_length: 40 });
  const { request_id: id } = await send(cluster, newPlayer(), `{{ evil }} {% raw %}\n"q" \\ ${'ü'.repeat(100)}`,
    { name: `Zoë\u202e ${'x'.repeat(60)}` });
  await pushIn(cluster, id, 'sent');
  const { headings, contents } = onesignal.requests[0].body;
  assert.equal(contents.en, `{ { evil }} { % raw %} "q" \\ ${'ü'.repeat(10)}…`);
  assert.equal(headings.en, `New chat - Zoë ${'x'.repeat(35)}…`);
});

for (const [preview, name, hides] of [['name', 'New chat - Ann', false], ['none', 'New chat', true]]) {
  test(`push_preview = ${preview} keeps the message${hides ? ', the name and the id' : ''} here`, async (t) => {
    const { onesignal } = await startScene(t, cluster, { push_preview: preview });
    const player = newPlayer();
    const { request_id: id } = await send(cluster, player, 'my secret', { name: 'Ann' });
    await pushIn(cluster, id, 'sent');
    const { text, body } = onesignal.requests[0];
    assert.equal(body.headings.en, name);
    assert.equal(body.contents.en, 'A player waits for an answer.');
    assert.ok(!text.includes('secret'));
    assert.equal(text.includes(player), !hides);
    assert.equal(text.includes('Ann'), !hides);
  });
}

const SUBSCRIPTION = '11111111-2222-3333-4444-555555555555';
for (const [target, field, value] of [
  ['segment:Staff', 'included_segments', ['Staff']],
  ['tag:role=staff', 'filters', [{ field: 'tag', key: 'role', relation: '=', value: 'staff' }]],
  ['external_id:staff:7,staff:9', 'include_aliases', { external_id: ['staff:7', 'staff:9'] }],
  [`subscription:${SUBSCRIPTION}`, 'include_subscription_ids', [SUBSCRIPTION]],
]) {
  test(`onesignal_target = ${target}`, async (t) => {
    const { onesignal } = await startScene(t, cluster, { onesignal_target: target, onesignal_auth_scheme: 'Basic' });
    const { request_id: id } = await send(cluster, newPlayer(), 'hello');
    await pushIn(cluster, id, 'sent');
    assert.deepEqual(onesignal.requests[0].body[field], value);
    assert.equal(onesignal.requests[0].headers.authorization, `Basic ${onesignal.key}`);
  });
}

test('without a key the queue is kept and one warning says so; with one it is sent', async (t) => {
  const { onesignal, bridge } = await startScene(t, cluster, { onesignal_api_key: null });
  const rows = [await send(cluster, newPlayer(), 'one'), await send(cluster, newPlayer(), 'two')];
  await until(async () => await bridge.metric('unichat_push_queue_depth') === 2, 'the queue depth to be 2');
  assert.equal(bridge.log().match(/push_not_configured/g).length, 1);
  for (const row of rows) assert.equal((await pushOf(cluster, row.request_id)).attempts, 0);
  assert.equal(onesignal.requests.length, 0);

  bridge.configure({ onesignal_api_key: onesignal.key });
  await bridge.kill('SIGHUP');
  for (const row of rows) await pushIn(cluster, row.request_id, 'sent');
});

test('app, key, target and the rest are taken over by SIGHUP, together or not at all', async (t) => {
  const { onesignal, bridge } = await startScene(t, cluster, { onesignal_api_key: null, onesignal_app_id: null, onesignal_base_url: null });
  const { request_id: id } = await send(cluster, newPlayer(), 'hello');
  const told = (what) => until(() => bridge.log().includes(what), `${what} in the log`);
  bridge.configure({ ...onesignal.settings, onesignal_target: 'subscription:nobody' });
  await bridge.kill('SIGHUP');
  await told('event=reload_failed');
  assert.match(bridge.log(), /event=push_unusable setting=onesignal_target/);
  assert.equal((await pushOf(cluster, id)).attempts, 0);
  bridge.configure({ onesignal_target: 'external_id:7', onesignal_auth_scheme: 'Basic' });
  await bridge.reloaded();
  await pushIn(cluster, id, 'sent');
  const [post] = onesignal.requests;
  assert.equal(post.body.app_id, onesignal.appId);
  assert.deepEqual(post.body.include_aliases, { external_id: ['7'] });
  assert.equal(post.headers.authorization, `Basic ${onesignal.key}`);
});

test('the key is neither in the log nor in the arguments nor in the database, even when the answer repeats it', async (t) => {
  const { onesignal, bridge } = await startScene(t, cluster, { log_level: 'debug' }, { key: 'os_v2_app_very_secret' });
  onesignal.fail({ status: 400, body: { errors: ['no such key: os_v2_app_very_secret'] } });
  const { request_id: id } = await send(cluster, newPlayer(), 'hello');
  const row = await pushIn(cluster, id, 'failed');
  assert.match(row.last_error, /no such key: \*+/);
  assert.ok(!bridge.log().includes('very_secret'));
  assert.ok(!fs.readFileSync(`/proc/${bridge.pid}/cmdline`, 'utf8').includes('very_secret'));
  assert.ok(!cluster.psql('SELECT * FROM push_notifications; SELECT * FROM push_attempts').includes('very_secret'));
});

for (const [what, settings, says] of [
  ['a key that would cross the network in the clear', { onesignal_base_url: 'http://api.onesignal.com', onesignal_app_id: 'a' }, /onesignal_base_url/],
  ['a target of no known kind', { onesignal_target: 'everybody' }, /onesignal_target/],
  ['a lease shorter than the timeout', { push_lease: '1s', push_timeout: '2s' }, /push_lease/],
]) {
  test(`the bridge refuses to start with ${what}`, async () => {
    await assert.rejects(startBridge(cluster, { onesignal_api_key: 'k', onesignal_app_id: 'a', ...settings }, { wait: false }), says);
  });
}
