// A chat by the HTTP API verifies, and what is changed behind unichat's back is found, by somebody who may do no more than that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAll } from '../lib/index.js';

const { cluster, bridge } = await startAll();
cluster.psql('CREATE ROLE auditor LOGIN; GRANT unichat_admin TO auditor');
const player = bridge.token('player', 'ada', 'Ada');
const staff = bridge.token('staff', 'grace', 'Grace');

async function send(token, message) {
  const { status, body } = await bridge.api('POST', '/api/unified-chat/send', { token, body: { playerId: 'ada', message } });
  assert.ok([200, 201].includes(status), JSON.stringify(body));
  return body;
}

async function asAuditor(run) {
  const client = await cluster.connect();
  try {
    await client.query('SET SESSION AUTHORIZATION auditor');
    return await run(client);
  } finally {
    await client.end();
  }
}
const verify = () => asAuditor(async (client) => (await client.query(`SELECT ok, head_seq::int AS "headSeq",
  encode(head_hash, 'hex') AS "headHash", problem FROM unichat_verify('ada')`)).rows[0]);

test('a chat by the API verifies; a message or event that is changed, removed or rewritten is found', async () => {
  const { requestId } = await send(player, 'I was charged 100 coins');
  await send(staff, 'I will look');
  await send(player, 'Thank you');
  await bridge.api('POST', `/api/unified-chat/status/${requestId}`, { token: staff, body: { status: 'resolved' } });
  const noted = await verify();
  assert.deepEqual([noted.ok, noted.headSeq, noted.problem], [true, 6, null]);

  const tampered = async (sql) => {
    const client = await cluster.connect();
    try {
      await client.query('BEGIN; SET LOCAL session_replication_role = replica');
      await client.query(sql);
      const { rows: [answer] } = await client.query(`SELECT ok, bad_seq::int AS seq, problem, encode(head_hash, 'hex') AS hash FROM unichat_verify('ada')`);
      await client.query('ROLLBACK');
      return answer;
    } finally {
      await client.end();
    }
  };
  const found = async (sql) => { const { ok, seq, problem } = await tampered(sql); return [ok, seq, problem]; };
  assert.deepEqual(await found(`UPDATE chat_messages SET message_text = 'I was charged 10 coins' WHERE seq = 2`), [false, 2, 'message changed']);
  assert.deepEqual(await found(`UPDATE chat_events SET actor = 'nobody' WHERE kind = 'resolved'`), [false, 6, 'event changed']);
  assert.deepEqual(await found('DELETE FROM chat_messages WHERE seq = 4'), [false, 4, 'message missing']);
  assert.deepEqual(await found('DELETE FROM chat_events WHERE seq = 3'), [false, 3, 'event missing']);
  const cut = await tampered('DELETE FROM chat_events WHERE seq = 6; UPDATE chat_players SET last_seq = 5');
  assert.ok(cut.ok && cut.hash !== noted.headHash, 'an end that is cut off is told by the hash that was noted');

  await send(player, 'One more thing');
  assert.ok((await verify()).ok);
  const [{ hash }] = await cluster.query(`SELECT encode(hash, 'hex') AS hash FROM chat_events WHERE seq = ${noted.headSeq}`);
  assert.equal(hash, noted.headHash, 'the noted hash is still there');
});
