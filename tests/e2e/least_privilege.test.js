// The bridge as docs/operations.md sets it up: the extension in a schema of its own, a role that owns nothing. All works, and what
// the role was not granted it cannot do.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { connectClient, startBridge, startCluster, top, until } from '../lib/index.js';

const cluster = await startCluster({ schema: 'chat' });
after(() => cluster.stop());
cluster.psql('ALTER DATABASE chat RESET search_path'); // nothing may depend on it

// The statements of the page itself, so that the page cannot go out of date.
const page = fs.readFileSync(path.join(top, 'docs/operations.md'), 'utf8');
const grants = page.match(/^ +(CREATE ROLE|GRANT) .*;$/gm);
assert.equal(grants.length, 2, 'the statements in docs/operations.md');
cluster.psql(`DROP ROLE chat_bridge; CREATE ROLE my_app; ${grants.join('\n')}`);
const bridge = await startBridge(cluster);
after(() => bridge.stop());

const player = bridge.token('player', 'ada', 'Ada');
const staff = bridge.token('staff', 'grace', 'Grace');

test('the whole story of a chat, over the API and by push', async () => {
  const client = await connectClient(bridge, { token: player, channels: ['private-player-ada'] });
  const sent = await bridge.api('POST', '/api/unified-chat/send', { token: player, body: { message: 'hello' } });
  assert.equal(sent.status, 201, JSON.stringify(sent.body));
  const claimed = await bridge.api('POST', `/api/unified-chat/status/${sent.body.requestId}`, { token: staff, body: { status: 'in_progress' } });
  assert.equal(claimed.status, 200, JSON.stringify(claimed.body));
  for (const [method, where, token, body] of [['POST', 'send', staff, { playerId: 'ada', message: '😀'.repeat(4000) }],
    ['GET', 'messages/ada', player], ['GET', 'requests', staff], ['GET', 'requests?playerId=ada', staff], ['POST', 'read/ada', player, { seq: 4 }]]) {
    const answer = await bridge.api(method, `/api/unified-chat/${where}`, { token, body });
    assert.ok([200, 201].includes(answer.status), `${where}: ${JSON.stringify(answer.body)}`);
  }
  await client.waitFor((e) => e.data.seq === 4, 'the last event');
  assert.deepEqual(client.events.map((e) => e.data.seq), [1, 2, 3, 4]);
});

test('the role can neither write to the tables nor change the past', () => {
  const as = (sql) => cluster.psql(`SET ROLE chat_bridge; ${sql}`, { mayFail: true });
  for (const sql of ["UPDATE chat.chat_messages SET message_text = 'x'", 'DELETE FROM chat.chat_events', 'TRUNCATE chat.chat_requests',
    "INSERT INTO chat.chat_players (player_id) VALUES ('x')", 'DROP EXTENSION unichat', 'DROP TABLE chat.chat_messages', 'CREATE TABLE chat.mine (n int)',
    'SELECT * FROM chat.push_notifications', "SELECT chat.unichat_erase_player('ada')", "SELECT chat.unichat_prune('0')", "INSERT INTO chat.chat_messages (player_id, message_text) VALUES ('x', 'y')"]) {
    const { status, stderr } = as(sql);
    assert.notEqual(status, 0, sql);
    assert.match(stderr, /permission denied|must be owner/, sql);
  }
});

test('a role without any grant learns nothing', () => {
  cluster.psql('CREATE ROLE stranger');
  for (const sql of ['SELECT * FROM chat.chat_messages', "SELECT chat.unichat_send('x', 'y')", "SELECT * FROM chat.unichat_messages('ada')", 'SELECT * FROM chat.unichat_stats()'])
    assert.match(cluster.psql(`SET ROLE stranger; ${sql}`, { mayFail: true }).stderr, /permission denied/, sql);
});

const LARGE_AND_SMALL = "SELECT chat.unichat_send('joan', repeat('😀', 4000)); SELECT chat.unichat_send('joan', 'small')"; // the first has to be fetched

test('rights that are revoked from a running bridge delay its events; the log says what to grant, and then they come in order', async () => {
  const young = await startBridge(cluster); // its sessions have done nothing yet
  after(() => young.stop());
  const client = await connectClient(young, { token: young.token('player', 'joan', 'Joan'), channels: ['private-player-joan'] });
  const fetched = 'FUNCTION chat.unichat_event(text, bigint)';
  const cases = [
    ['REVOKE unichat_bridge FROM chat_bridge', 'GRANT unichat_bridge TO chat_bridge', /database_unreachable .*GRANT unichat_bridge/],
    [`REVOKE ALL ON ${fetched} FROM unichat_bridge`, `GRANT EXECUTE ON ${fetched} TO unichat_bridge`, /event_denied .*seq=4 .*GRANT unichat_bridge/],
  ];
  for (const [n, [revoke, grant, hint]] of cases.entries()) {
    cluster.psql(`${revoke}; ${LARGE_AND_SMALL}`);
    await until(() => hint.test(young.log()), 'what to grant, in the log');
    cluster.psql(grant);
    await until(() => client.events.filter((e) => e.data.message === 'small').length > n, 'the last event');
  }
  assert.deepEqual(client.events.map((e) => e.data.seq), [1, 2, 3, 4, 5]);
  assert.equal(await young.metric('unichat_events_skipped_total'), 0);
  client.close();
});

test('a bridge whose role was granted nothing says what to grant, and goes on when it is', async () => {
  const kick = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'chat_bridge'";
  cluster.psql(`REVOKE unichat_bridge FROM chat_bridge; ${kick}`);
  await until(() => /database_unreachable .*GRANT unichat_bridge TO \\"chat_bridge\\""/.test(bridge.log()), 'what to grant, in the log');
  const ready = async (status) => (await fetch(`${bridge.url}/readyz`)).status === status;
  await until(() => ready(503), '/readyz to be 503');
  cluster.psql('GRANT unichat_bridge TO chat_bridge');
  await until(() => ready(200), '/readyz to be 200');
});
