// What is written, said or secret goes to the tables and to nobody's log: a canary is sent through every door, also those that are
// closed to it, with the bridge at log_level debug and PostgreSQL logging as it does by default.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { after, test } from 'node:test';
import { connectClient, connectSocket, run, startBridge, startCluster, until } from '../lib/index.js';

const cluster = await startCluster();
after(() => cluster.stop());
const bridge = await startBridge(cluster, { log_level: 'debug', app_secret: 'kolibri-app-secret-0123456789', jwt_secret: 'kolibri-jwt-secret-0123456789abcdef',
  demo_password: 'kolibri-demo-password', onesignal_api_key: 'kolibri-onesignal-key', onesignal_app_id: '5eb5a37e-b458-11e3-ac11-000c2940e62c',
  onesignal_base_url: 'http://127.0.0.1:1', app_client_events: 'on' });
after(() => bridge.stop());
const player = bridge.token('player', 'ann', 'Kolibri Name');
const staff = bridge.token('staff', 'sue', 'Kolibri Name Two');
const forged = `${player.slice(0, player.lastIndexOf('.'))}.kolibri-token`;

const post = (path, token, body, headers) => bridge.api('POST', path, { token, body, headers });
const send = (token, body) => post('/api/unified-chat/send', token, body);
const refused = async (answer, status) => assert.equal((await answer).status, status);

test('over HTTP: what is taken and what is refused', async () => {
  const first = await send(player, { message: 'kolibri-text', playerName: 'Kolibri Name', clientMessageId: 'k1' });
  assert.equal(first.status, 201);
  assert.equal((await send(staff, { playerId: 'ann', message: 'kolibri-text for ann' })).status, 201);
  assert.equal((await send(bridge.token('player', 'carl'), { message: 'kolibri-text that nobody answers, so that its push is not taken back' })).status, 201);
  await refused(send(player, { message: 'kolibri-text '.repeat(400) }), 400);
  await refused(send(player, { message: 'kolibri-text\u0000' }), 400);
  await refused(send(bridge.token('player', 'ann'), { message: 'kolibri-text', playerName: 'Kolibri Name '.repeat(50) }), 400);
  await refused(send(player, { message: 'kolibri-text', requestId: '4711' }), 409);
  await refused(send(staff, { playerId: 'nobody', message: 'kolibri-text' }), 409);
  await refused(send(player, { message: 'kolibri-text', playerId: 'bob' }), 403);
  await refused(send(forged, { message: 'kolibri-text' }), 401);
  await refused(post('/api/unified-chat/send', player, '{"message": "kolibri-text', { 'content-type': 'application/json' }), 400);
  await refused(post('/api/unified-chat/send', player, 'kolibri-text', { 'content-type': 'text/plain' }), 415);
  await refused(post('/api/unified-chat/send', player, { message: 'kolibri-text'.repeat(200000) }), 413);
  await refused(bridge.api('GET', '/api/unified-chat/requests?status=kolibri-query&token=kolibri-token', { token: staff }), 400);
  await refused(bridge.api('GET', '/api/unified-chat/messages/ann?after=kolibri-query', { token: player }), 400);
  await refused(post('/session/demo', null, { role: 'staff', name: 'Kolibri Name', password: 'kolibri-token' }), 401);
  await refused(bridge.api('GET', '/session', { headers: { cookie: 'unichat_token=kolibri-token' } }), 401);
  await refused(post('/pusher/auth', player, 'socket_id=1.1&channel_name=private-player-bob&x=kolibri-text', { 'content-type': 'application/x-www-form-urlencoded' }), 403);
  await refused(post(`/apps/${bridge.appId}/events?auth_key=${bridge.key}&auth_signature=kolibri-auth`, null, { name: 'e', channel: 'c', data: 'kolibri-text' }), 401);
  cluster.psql("SELECT unichat_block('ann', true)");
  await refused(send(player, { message: 'kolibri-text' }), 403);
  cluster.psql("SELECT unichat_block('ann', false)");
});

test('errors of the database that quote the row', async () => {
  const client = await connectClient(bridge, { token: staff, channels: ['private-staff-portal'] });
  cluster.psql("ALTER TABLE chat_messages ADD CONSTRAINT short CHECK (length(message_text) < 20) NOT VALID"); // DETAIL: Failing row contains (…)
  await refused(send(player, { message: 'quetzal, quoted by PostgreSQL itself' }), 500);
  cluster.psql('ALTER TABLE chat_messages DROP CONSTRAINT short');
  cluster.psql("CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'a message of % bytes', length(NEW.message_text); RETURN NEW; END $$;" +
    'CREATE TRIGGER loud BEFORE INSERT ON chat_messages FOR EACH ROW EXECUTE FUNCTION loud()');
  assert.equal((await send(player, { message: 'kolibri-text of a trigger' })).status, 201);
  cluster.psql('DROP TRIGGER loud ON chat_messages');
  await client.waitFor((e) => e.data.message === 'kolibri-text of a trigger', 'the event');
  cluster.psql("SELECT unichat_notify(kind, 'kolibri-text') FROM unnest(ARRAY['event', 'publish', 'identity']) kind");
  await until(async () => await bridge.metric('unichat_events_unreadable_total') > 0, 'the notification to be refused');
});

// What the app's backend would sign.
const hmac = (text) => crypto.createHmac('sha256', bridge.secret('app_secret')).update(text).digest('hex');
const signed = (text) => `${bridge.key}:${hmac(text)}`;
const id = (socket) => JSON.parse(socket.messages[0].data).socket_id;
const ping = async (socket) => {
  socket.send({ event: 'pusher:ping', data: {} });
  await socket.received((m) => m.event === 'pusher:pong', 'the last answer');
};

test('over a WebSocket: what is refused', async () => {
  const socket = await connectSocket(bridge, { headers: { cookie: 'unichat_token=kolibri-token' } });
  const data = JSON.stringify({ user_id: '1', user_info: { name: 'Kolibri Name' } });
  for (const [channel, more] of [['private-player-ann', {}], ['presence-x', { channel_data: data }], ['private-x', { channel_data: 'kolibri-text' }]])
    for (const auth of [undefined, 'kolibri-auth', `${bridge.key}:kolibri-auth`]) socket.send({ event: 'pusher:subscribe', data: { channel, auth, ...more } });
  socket.send({ event: 'pusher:subscribe', data: { channel: 'presence-x', auth: signed(`${id(socket)}:presence-x:kolibri-text`), channel_data: 'kolibri-text' } });
  for (const message of ['kolibri-text', { event: 'client-x', channel: 'private-c', data: 'kolibri-text' },
    { event: 'unichat:resume', data: { channel: 'private-player-ann', after: 'kolibri-text' } }, { event: 'pusher:unknown', data: { text: 'kolibri-text' } }]) socket.send(message);
  await ping(socket);
  assert.equal(socket.messages.filter((m) => /subscription_error/.test(m.event)).length, 10);
  socket.close();
  for (const message of [{ auth: `${bridge.key}:kolibri-auth`, user_data: '{"id":"kolibri-text"}' }, { user_data: 'kolibri-text' }]) {
    const one = await connectSocket(bridge);
    one.send({ event: 'pusher:signin', data: message });
    assert.equal((await one.end()).code, 4009);
  }
  const one = await connectSocket(bridge);
  one.send({ event: 'pusher:signin', data: { auth: signed(`${id(one)}::user::kolibri-text`), user_data: 'kolibri-text' } });
  assert.equal((await one.end()).code, 4009);
});

test('over a WebSocket: what is taken', async () => {
  const [socket, other] = [await connectSocket(bridge), await connectSocket(bridge)];
  const info = { user_info: { name: 'Kolibri Name' } };
  for (const [n, one] of [socket, other].entries()) {
    const channelData = JSON.stringify({ user_id: `u${n}`, ...info }), userData = JSON.stringify({ id: `u${n}`, ...info });
    one.send({ event: 'pusher:subscribe', data: { channel: 'presence-x', auth: signed(`${id(one)}:presence-x:${channelData}`), channel_data: channelData } });
    one.send({ event: 'pusher:signin', data: { auth: signed(`${id(one)}::user::${userData}`), user_data: userData } });
    await one.received((m) => m.event === 'pusher:signin_success', 'the sign-in');
  }
  await socket.received((m) => m.event === 'pusher_internal:member_added', 'the other member');
  socket.send({ event: 'client-x', channel: 'presence-x', data: { text: 'kolibri-text' } });
  await other.received((m) => m.event === 'client-x' && m.data.text === 'kolibri-text', 'the client event');
  for (const one of [socket, other]) one.close();
});

test('over the server API', async () => {
  const publish = (body, change = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const path = `/apps/${bridge.appId}/${body.batch ? 'batch_events' : 'events'}`;
    const params = { auth_key: bridge.key, auth_timestamp: Math.floor(Date.now() / 1000), auth_version: '1.0', body_md5: crypto.createHash('md5').update(text).digest('hex') };
    const query = new URLSearchParams({ ...params, auth_signature: hmac(`POST\n${path}\n${new URLSearchParams(params)}`), ...change });
    return post(`${path}?${query}`, null, text, { 'content-type': 'application/json' });
  };
  const event = { name: 'e', channel: 'presence-x', data: 'kolibri-text' };
  assert.equal((await publish(event)).status, 200);
  assert.equal((await publish({ batch: [event] })).status, 200);
  for (const change of [{ auth_signature: 'kolibri-auth' }, { body_md5: 'kolibri-auth' }, { auth_key: 'kolibri-auth' }, { auth_timestamp: 'kolibri-auth' }]) await refused(publish(event, change), 401);
  await refused(publish({ ...event, data: 'kolibri-text'.repeat(2000) }), 413);
  await refused(publish({ ...event, channel: 'private-player-ann' }), 403);
  await refused(publish('kolibri-text'), 400);
  cluster.psql("SELECT unichat_publish('presence-x', 'e', '\"kolibri-text\"')");
});

test('none of it is in a log, in an argument or in the environment', async () => {
  await until(() => /event=push_/.test(bridge.log()), 'a push to be tried');
  const places = {
    'the log of the bridge': bridge.log(),
    'the log of PostgreSQL': cluster.log(),
    'the list of processes': run('ps', ['axww', '-o', 'args']).split('\n').filter((line) => line.includes('unichat-bridge')).join('\n'),
    'the arguments': fs.readFileSync(`/proc/${bridge.pid}/cmdline`, 'utf8'),
    'the environment': fs.readFileSync(`/proc/${bridge.pid}/environ`, 'utf8'),
  };
  assert.match(places['the log of the bridge'], /event=http .*status=201/, 'the log says what happened');
  assert.match(places['the log of PostgreSQL'], /quetzal/);
  assert.doesNotMatch(places['the log of the bridge'], /quetzal/);
  const found = Object.entries(places).flatMap(([place, text]) => text.split('\n').filter((line) => /kolibri/i.test(line)).map((line) => `${place}: ${line}`));
  assert.deepEqual(found, []);
  for (const token of [player, staff, forged]) for (const [place, text] of Object.entries(places)) assert.ok(!text.includes(token.split('.')[1]), place);
});
