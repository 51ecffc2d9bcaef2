// A signature that one bridge gives for the connection of another is given when that has been told whose token it is, and not before:
// or the connection would outlive the token.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { connectSocket, isError, startAll, startBridge, until } from '../lib/index.js';

const settings = { jwt_leeway: '0s', statement_timeout: '60s', probe_interval: '1h' };
const { cluster, bridge } = await startAll(settings);
const second = await startBridge(cluster, { ...settings, app_secret: bridge.secret('app_secret'), jwt_secret: bridge.secret('jwt_secret') });
after(() => second.stop());

// In the place of unichat_notify: counts the notices, fails as often as `failures` says, and waits for whoever holds lock 1.
cluster.psql(`ALTER FUNCTION unichat_notify(text, text) RENAME TO unichat_notify_now;
  CREATE SEQUENCE notices; CREATE TABLE failures (n int); INSERT INTO failures VALUES (0);
  CREATE FUNCTION unichat_notify(kind text, payload text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    IF kind = 'identity' THEN
      IF nextval('notices') <= (SELECT n FROM failures) THEN RAISE EXCEPTION 'not now'; END IF;
      PERFORM pg_advisory_xact_lock_shared(1);
    END IF;
    PERFORM unichat_notify_now(kind, payload); END $$`);
const fail = (times) => cluster.psql(`UPDATE failures SET n = ${times}; SELECT setval('notices', 1, false)`);
const asked = async () => Number((await cluster.query('SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS n FROM notices'))[0].n);
beforeEach(() => fail(0));

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const issued = (before, lives = 600) => ({ iat: Math.floor(Date.now() / 1000) - before, exp: Math.floor(Date.now() / 1000) + lives });
const grace = (claims = issued(0)) => bridge.token('staff', 'grace', null, claims);

// A connection of the second bridge, and the two things that can be asked of the first one for it.
async function elsewhere() {
  const socket = await connectSocket(second);
  const { socket_id: id } = JSON.parse(socket.messages[0].data);
  return { socket, id };
}

const ways = {
  '/pusher/auth': (id, token) => bridge.api('POST', '/pusher/auth', { token, headers: form, body: `socket_id=${id}&channel_name=private-staff-portal` }),
  '/pusher/user-auth': (id, token) => bridge.api('POST', '/pusher/user-auth', { token, headers: form, body: `socket_id=${id}` }),
};

// Runs while notices wait in the database; `begun` has begun what makes the first.
async function whileHeld(run) {
  const holder = await cluster.connect();
  await holder.query('SELECT pg_advisory_lock(1)');
  await run(() => until(async () => (await cluster.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).length > 0, 'the notice to be asked for'));
  await holder.end();
}

for (const [path, ask] of Object.entries(ways)) {
  test(`${path}: one that fails once is sent again`, async () => {
    fail(1);
    const { socket, id } = await elsewhere();
    assert.equal((await ask(id, grace(issued(0, 3)))).status, 200);
    assert.equal(await asked(), 2);
    const { code, reason } = await socket.end();
    assert.equal(code, 4009);
    assert.match(reason, /expired/);
  });

  test(`${path}: no signature when it fails twice`, async () => {
    fail(2);
    const { socket, id } = await elsewhere();
    const answer = await ask(id, grace());
    isError(answer, 503, 'database_unavailable');
    assert.match(answer.headers.get('retry-after'), /^[1-9]\d*$/);
    assert.equal(await asked(), 2);
    assert.equal((await ask(id, grace())).status, 200, 'the next time');
    socket.close();
  });

  test(`${path}: nor before the database has it`, async () => {
    const { socket, id } = await elsewhere();
    let answered = false, answer;
    await whileHeld(async (begun) => {
      answer = ask(id, grace()).then((it) => { answered = true; return it; });
      await begun();
      assert.equal((await bridge.api('GET', '/healthz')).status, 200);
      assert.equal(answered, false);
    });
    assert.equal((await answer).status, 200);
    socket.close();
  });
}

test('the connection is here: the database is not asked', async () => {
  const socket = await connectSocket(bridge);
  fail(9);
  assert.equal((await ways['/pusher/auth'](JSON.parse(socket.messages[0].data).socket_id, grace())).status, 200);
  assert.equal(await asked(), 0);
  socket.close();
});

test('a token that is revoked meanwhile gets no signature, and ends the connection that it was to vouch for', async () => {
  const { socket, id } = await elsewhere();
  const known = await Promise.all([bridge, second].map((at) => at.metric('unichat_revocations')));
  let answer;
  await whileHeld(async (begun) => {
    answer = ways['/pusher/auth'](id, bridge.token('staff', 'gone', null, issued(60)));
    await begun();
    cluster.psql("SELECT unichat_revoke('staff', 'gone')");
    for (const [i, at] of [bridge, second].entries())
      await until(async () => await at.metric('unichat_revocations') > known[i], 'the revocation to be known');
  });
  isError(await answer, 401, 'invalid_token');
  const { code, reason } = await socket.end();
  assert.equal(code, 4009);
  assert.match(reason, /revoked/);
});
