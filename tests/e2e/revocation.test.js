// Staff leaves, a device is lost: unichat_revoke ends the connections of that identity and refuses its tokens, at every bridge, also
// at one that was not there to be told.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectClient, connectSocket, signJwt, startAll, startBridge, until } from '../lib/index.js';

const { cluster, bridge } = await startAll({ jwt_leeway: '0s' });
const secrets = { app_secret: bridge.secret('app_secret'), jwt_secret: bridge.secret('jwt_secret') };
const second = await startBridge(cluster, { jwt_leeway: '0s', ...secrets });
after(() => second.stop());

const status = async (at, token) => (await at.api('GET', '/session', { token })).status;
const issued = (seconds) => ({ iat: Math.floor(Date.now() / 1000) + seconds });
const revoke = (role, sub, more = '') => cluster.psql(`SELECT unichat_revoke('${role}', '${sub}'${more})`);
const refused = (at, token) => until(async () => await status(at, token) === 401, 'the token to be refused');

function connected(at, token) {
  return connectSocket(at, { headers: { authorization: `Bearer ${token}` } });
}

test('the connections of that identity end and its tokens are refused, at every bridge; nobody else notices', async () => {
  const token = bridge.token('staff', 'grace', null, issued(-60));
  const others = [bridge.token('player', 'grace', null, issued(-60)), bridge.token('staff', 'grace2', null, issued(-60))];
  const sockets = [await connected(bridge, token), await connected(second, token)];
  const others2 = await Promise.all(others.map((one) => connected(bridge, one)));
  revoke('staff', 'grace', ", 'head of support'");
  for (const socket of sockets) assert.equal((await socket.end()).code, 4009);
  for (const at of [bridge, second]) {
    assert.equal(await status(at, token), 401);
    for (const other of others) assert.equal(await status(at, other), 200);
  }
  for (const socket of others2) {
    socket.send({ event: 'pusher:ping', data: {} });
    await socket.received((m) => m.event === 'pusher:pong', 'the others to live on');
  }
  for (const at of [bridge, second]) assert.equal(await at.metric('unichat_revocations'), 1);
  const [row] = await cluster.query("SELECT actor FROM chat_revocations WHERE subject_role = 'staff' AND subject_id = 'grace'");
  assert.equal(row.actor, 'head of support');
});

test('a stock client that only got an authorization is closed too, and is not let in again', async () => {
  for (const at of [bridge, second]) { // the other bridge answers for a connection that is not its own
    const token = bridge.token('staff', `left-${at.port}`, null, issued(-60));
    const headers = { Authorization: `Bearer ${token}` };
    const options = { channelAuthorization: { endpoint: `${at.url}/pusher/auth`, transport: 'ajax', headers } };
    const client = await connectClient(bridge, { token, channels: ['private-staff-portal'], options });
    let code;
    client.pusher.connection.bind('error', ({ data }) => { code ??= data?.code; });
    revoke('staff', `left-${at.port}`);
    await until(() => code === 4009, 'the connection to be closed');
    await refused(at, token);
    const answer = await at.api('POST', '/pusher/auth', { token, body: 'socket_id=1.2&channel_name=private-staff-portal', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    assert.equal(answer.status, 401);
  }
});

test('a thousand who are revoked at once cost one look at the connections', async () => {
  const loud = await startBridge(cluster, { jwt_leeway: '0s', log_level: 'debug', ...secrets });
  after(() => loud.stop());
  const known = await loud.metric('unichat_revocations');
  const socket = await connected(loud, bridge.token('player', 'many-1000', null, issued(-60)));
  const count = (word) => loud.log().split(`event=${word}`).length - 1;
  const [reviewed, revoked] = [count('identities_reviewed'), count('revoked ')];
  cluster.psql("SELECT count(unichat_revoke('player', 'many-' || i)) FROM generate_series(1, 1000) i");
  assert.equal((await socket.end()).code, 4009);
  assert.equal(await loud.metric('unichat_revocations'), known + 1000);
  assert.equal(count('revoked '), revoked + 1000);
  assert.equal(count('identities_reviewed'), reviewed + 1);
});

test('one who has signed in with user-auth is closed too', async () => {
  const client = await connectClient(bridge, { token: bridge.token('player', 'signed', null, issued(-60)), signin: true });
  revoke('player', 'signed');
  await until(() => client.state !== 'connected', 'the connection to be closed');
});

test('a login after it counts; a token that does not say when it was issued does not', async () => {
  revoke('player', 'back');
  const before = bridge.token('player', 'back', null, issued(-1));
  await refused(bridge, before);
  const { iat: _, ...undated } = { role: 'player', sub: 'back', exp: issued(600).iat };
  assert.equal(await status(bridge, signJwt({ alg: 'HS256' }, undated, bridge.secret('jwt_secret'))), 401);
  await until(async () => await status(bridge, bridge.token('player', 'back')) === 200, 'a later token to be accepted');
  assert.equal(await status(bridge, before), 401);
});

test('a notification alone revokes nobody, whoever sends it', async () => {
  const token = bridge.token('staff', 'stays', null, issued(-60));
  const socket = await connected(bridge, token);
  const forged = JSON.stringify({ role: 'staff', sub: 'stays', until: issued(1e6).iat });
  for (const kind of ['revoked', 'identity']) cluster.psql(`SELECT unichat_notify('${kind}', '${forged}')`);
  revoke('player', 'after it');
  await refused(bridge, bridge.token('player', 'after it', null, issued(-60)));
  assert.equal(await status(bridge, token), 200);
  socket.send({ event: 'pusher:ping', data: {} });
  await socket.received((m) => m.event === 'pusher:pong', 'the connection to live on');
});

test('it is undone with its transaction', async () => {
  const token = bridge.token('player', 'kept', null, issued(-60));
  cluster.psql("BEGIN; SELECT unichat_revoke('player', 'kept'); ROLLBACK");
  revoke('player', 'marker');
  await refused(bridge, bridge.token('player', 'marker', null, issued(-60)));
  assert.equal(await status(bridge, token), 200);
});

test('what happened while a bridge was not listening, it reads; while the database is away, what it knows holds', async () => {
  const token = bridge.token('staff', 'away', null, issued(-60));
  const socket = await connected(bridge, token);
  await bridge.kill('SIGSTOP', { end: false });
  const ended = await cluster.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'unichat-bridge%'");
  assert.ok(ended.length > 0);
  revoke('staff', 'away');
  await bridge.kill('SIGCONT', { end: false });
  assert.equal((await socket.end()).code, 4009);
  assert.equal(await status(bridge, token), 401);
  await cluster.down();
  assert.equal(await status(bridge, token), 401);
  await cluster.start();
  await second.restart();
  assert.equal(await status(second, token), 401);
});

test('what no token can outlive is forgotten', async () => {
  revoke('player', 'old', ", tokens_live => '1 hour'");
  revoke('player', 'forever');
  cluster.psql("UPDATE chat_revocations SET expires_at = expires_at - interval '3 days'");
  assert.ok(!cluster.psql('SELECT unichat_revocations()').includes('"old"'));
  revoke('player', 'marker');
  const rows = await cluster.query("SELECT subject_id FROM chat_revocations WHERE subject_role = 'player' AND subject_id IN ('old', 'forever')");
  assert.deepEqual(rows.map((row) => row.subject_id), ['forever']);
});

test('what cannot be revoked is refused, with a column to blame', () => {
  for (const [args, column] of [["'admin', 'x'", 'subject_role'], ["NULL, 'x'", 'subject_role'], ["'staff', ''", 'subject_id'], ["'staff', NULL", 'subject_id'],
    ["'staff', 'x', NULL, '-1 hour'", 'tokens_live'], [`'staff', '${'x'.repeat(129)}'`, 'subject_id']]) {
    const { status: code, stderr } = cluster.psql(`\\set VERBOSITY verbose\nSELECT unichat_revoke(${args})`, { mayFail: true });
    assert.notEqual(code, 0, args);
    assert.match(stderr, /UC006/);
    assert.match(stderr, new RegExp(`COLUMN NAME: +${column}`), stderr);
  }
});

test('nobody but who was granted it may revoke, or read the list', () => {
  cluster.psql('CREATE ROLE stranger');
  for (const sql of ["SELECT unichat_revoke('staff', 'x')", 'SELECT unichat_revocations()', 'SELECT * FROM chat_revocations'])
    assert.match(cluster.psql(`SET ROLE stranger; ${sql}`, { mayFail: true }).stderr, /permission denied/, sql);
});
