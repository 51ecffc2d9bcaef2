// SIGTERM drains and exits 0, a second one exits at once; SIGHUP reads the settings again and keeps the old ones when they are wrong.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { connectClient, connectSocket, startAll, startBridge, until } from '../lib/index.js';

const { cluster, bridge } = await startAll({ drain_time: '500ms' });
beforeEach(async () => { if (!bridge.running()) await bridge.start(); }); // one that failed does not fail the others

test('SIGTERM tells every client to reconnect, and the process exits with 0', async () => {
  const sockets = await Promise.all(Array.from({ length: 20 }, () => connectSocket(bridge)));
  const ended = bridge.kill('SIGTERM');
  for (const socket of sockets) assert.equal((await socket.end()).code, 4200);
  assert.deepEqual(await ended, { code: 0, signal: null });
});

test('a stock client comes back by itself after a restart', async () => {
  const staff = await connectClient(bridge, { token: bridge.token('staff', 'grace'), channels: ['private-staff-portal'] });
  assert.equal((await bridge.kill('SIGTERM')).code, 0);
  await bridge.start();
  await until(() => staff.state === 'connected' && staff.pusher.channel('private-staff-portal').subscribed, 'the client to be back', 40000);
  cluster.psql("SELECT unichat_send('ada', 'after the restart')");
  await staff.waitFor((e) => e.data.message === 'after the restart', 'the message');
  staff.close();
});

test('a request under way is answered before the process exits', async () => {
  bridge.configure({ drain_time: '10s' });
  await bridge.restart();
  cluster.psql("SELECT unichat_send('stuck', 'first')");
  const session = await cluster.connect();
  await session.query("BEGIN; SELECT 1 FROM chat_players WHERE player_id = 'stuck' FOR UPDATE");
  const answer = bridge.api('POST', '/api/unified-chat/send', { token: bridge.token('player', 'stuck'), body: { message: 'second' } });
  await until(async () => (await cluster.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")).length === 1, 'the statement to wait');
  const ended = bridge.kill('SIGTERM');
  await until(() => /drain|SIGTERM|signal/i.test(bridge.log()), 'the drain to begin');
  await session.query('COMMIT');
  await session.end();
  assert.equal((await answer).status, 201);
  assert.equal((await ended).code, 0);
  bridge.configure({ drain_time: '500ms' });
});

test('a second SIGTERM ends it at once', async () => {
  const slow = await startBridge(cluster, { drain_time: '5min' });
  after(() => slow.stop());
  const socket = await connectSocket(slow);
  const ended = slow.kill('SIGTERM');
  await until(() => /drain|signal/i.test(slow.log()), 'the drain to begin');
  slow.process.kill('SIGTERM');
  await ended;
  socket.close();
});

test('SIGHUP takes over what may change while running', async () => {
  const old = bridge.token('staff', 'grace');
  assert.equal((await bridge.api('GET', '/session', { token: old })).status, 200);
  bridge.configure({ jwt_secret: 'another secret that is long enough for HS256' });
  await bridge.kill('SIGHUP');
  await until(async () => (await bridge.api('GET', '/session', { token: bridge.token('staff', 'grace') })).status === 200, 'the new secret to count');
  assert.equal((await bridge.api('GET', '/session', { token: old })).status, 401);
});

test('a wrong file keeps the old settings, and the log says what is wrong', async () => {
  const token = bridge.token('staff', 'grace');
  bridge.configure({ log_level: 'loudest' });
  await bridge.kill('SIGHUP');
  await until(() => /log_level/.test(bridge.log()), 'the log to name the setting');
  assert.equal((await bridge.api('GET', '/session', { token })).status, 200);
  bridge.configure({ log_level: null });
});

test('what is wrong besides the file, too, keeps all settings, and nobody is told that it was reloaded', async () => {
  const token = bridge.token('staff', 'grace');
  const before = bridge.log().length;
  const since = () => bridge.log().slice(before);
  bridge.configure({ jwt_issuer: 'https://login.example', jwt_secret: null, jwt_keys: '{"keys":[]}' });
  await bridge.kill('SIGHUP');
  await until(() => since().includes('event=reload_failed'), 'the reload to fail');
  assert.doesNotMatch(since(), /event=(reloaded|setting_changed)/);
  assert.equal((await bridge.api('GET', '/session', { token })).status, 200, 'a token without the new issuer');
});

test('a setting that is taken over and one that waits for a restart do not mix to what is refused at a start', async () => {
  const open = await startBridge(cluster, { listen_address: '0.0.0.0' });
  after(() => open.stop());
  open.configure({ listen_address: '127.0.0.1', demo_password: 'open sesame' });
  await open.kill('SIGHUP');
  await until(() => open.log().includes('event=reload_failed'), 'the reload to fail');
  assert.match(open.log(), /problem="demo_password: lets anyone in/);
  assert.equal((await open.api('POST', '/session/demo', { body: { password: 'open sesame', role: 'staff', name: 'Eve' } })).status, 404);
});
