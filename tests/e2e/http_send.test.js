// POST /api/unified-chat/send: what it answers, what it refuses, and that a refusal stores nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectClient, isError, matches, startAll } from '../lib/index.js';

const { cluster, bridge } = await startAll();
const staff = bridge.token('staff', 'grace', 'Grace');
const player = (id, name = null, claims) => bridge.token('player', id, name, claims);
const send = (token, body, headers) => bridge.api('POST', '/api/unified-chat/send', { token, body, headers });

test('a first message: 201 and where it went', async () => {
  const answer = await send(player('ada', 'Ada'), { message: 'hello' });
  assert.equal(answer.status, 201);
  matches(answer.body, {
    messageId: /^\d+$/, requestId: /^\d+$/, seq: 2, status: 'waiting', isNewRequest: true, isReplay: false, timestamp: /^\d{4}-.*\.\d{6}Z$/,
  });
  assert.deepEqual([typeof answer.body.messageId, typeof answer.body.requestId], ['string', 'string']);
});

test('the second goes to the same request', async () => {
  const first = await send(player('bob'), { message: 'one' });
  const second = await send(player('bob'), { message: 'two' });
  assert.equal(second.body.requestId, first.body.requestId);
  assert.deepEqual([second.body.isNewRequest, second.body.seq], [false, 3]);
});

test('the same clientMessageId again: 200, the stored answer, one message', async () => {
  const body = { message: 'once', clientMessageId: 'abc' };
  const first = await send(player('cy'), body);
  const again = await send(player('cy'), body);
  assert.deepEqual([first.status, again.status], [201, 200]);
  assert.deepEqual({ ...again.body, isReplay: false, isNewRequest: true }, first.body);
  assert.ok(again.body.isReplay);
  assert.equal((await cluster.query("SELECT 1 FROM chat_messages WHERE player_id = 'cy'")).length, 1);
});

test('twenty of the same at once are one message', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(player('storm'), { message: 'storm', clientMessageId: 's-1' })));
  assert.equal(answers.filter((a) => a.status === 201).length, 1);
  assert.equal(answers.filter((a) => a.status === 200).length, 19);
  assert.equal(new Set(answers.map((a) => a.body.messageId)).size, 1);
});

test('twenty first messages at once are one request', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => send(player('crowd'), { message: `m ${i}` })));
  assert.deepEqual(new Set(answers.map((a) => a.status)), new Set([201]));
  assert.equal(new Set(answers.map((a) => a.body.requestId)).size, 1);
  assert.equal(answers.filter((a) => a.body.isNewRequest).length, 1);
  assert.deepEqual(answers.map((a) => a.body.seq).sort((a, b) => a - b), Array.from({ length: 20 }, (_, i) => i + 2));
});

test("the name is the token's, and a given one where that has none", async () => {
  await send(player('dee', 'From Token'), { message: 'x' });
  await send(player('eve', 'From Token'), { message: 'x', playerName: 'Support' });
  await send(player('eli'), { message: 'x', playerName: 'Given' });
  await send(player('eli'), { message: 'x' });
  const rows = await cluster.query("SELECT player_id, player_name FROM chat_players WHERE player_id IN ('dee', 'eli', 'eve') ORDER BY 1");
  assert.deepEqual(rows.map((r) => r.player_name), ['From Token', 'Given', 'From Token']);
});

test('staff answers with the id of the token', async () => {
  await send(player('fay'), { message: 'hi' });
  const answer = await send(staff, { playerId: 'fay', message: 'hello', clientMessageId: 'x' });
  assert.deepEqual([answer.status, answer.body.status], [201, 'in_progress']);
  const [row] = await cluster.query("SELECT sender, sender_id FROM chat_messages WHERE player_id = 'fay' ORDER BY seq DESC LIMIT 1");
  assert.deepEqual(row, { sender: 'staff', sender_id: 'grace' });
});

test('with requestId: stored only if that request is still open', async () => {
  const { body } = await send(player('gus'), { message: 'one' });
  assert.equal((await send(player('gus'), { message: 'two', requestId: body.requestId })).status, 201);
  cluster.psql(`SELECT unichat_status(${body.requestId}, 'resolved')`);
  isError(await send(player('gus'), { message: 'three', requestId: body.requestId }), 409, 'status_changed');
  assert.equal((await cluster.query("SELECT 1 FROM chat_messages WHERE player_id = 'gus'")).length, 2);
});

test('staff to a player without an open request: 409', async () => {
  isError(await send(staff, { playerId: 'nobody-asked', message: 'x' }), 409, 'no_open_request');
});

test('staff to a request of another: 409 with the owner', async () => {
  await send(player('hal'), { message: 'x' });
  await send(bridge.token('staff', 'linus'), { playerId: 'hal', message: 'mine' });
  isError(await send(staff, { playerId: 'hal', message: 'y' }), 409, 'claimed_by_other', undefined, { owner: 'linus' });
});

test('a blocked player: 403, until it is over; both sides are told', async () => {
  const block = (token, blocked, id = 'ivy') => bridge.api('POST', `/api/unified-chat/block/${id}`, { token, body: { blocked } });
  const told = [await connectClient(bridge, { token: player('ivy'), channels: ['private-player-ivy'] }),
    await connectClient(bridge, { token: staff, channels: ['private-staff-portal'] })];
  await send(player('ivy'), { message: 'x' });
  isError(await block(player('ivy'), false), 403, 'forbidden');
  isError(await block(staff, 'yes'), 400, 'invalid_field', 'blocked');
  isError(await block(staff, true, 'nobody-such'), 404, 'not_found');
  const answer = await block(staff, true);
  assert.deepEqual([answer.status, answer.body], [200, { playerId: 'ivy', blocked: true }]);
  isError(await send(player('ivy'), { message: 'y' }), 403, 'player_blocked');
  assert.equal((await send(staff, { playerId: 'ivy', message: 'you are blocked' })).status, 201);
  assert.equal((await bridge.api('GET', '/api/unified-chat/messages/ivy', { token: staff })).body.blocked, true);
  await block(staff, false);
  assert.equal((await send(player('ivy'), { message: 'thank you' })).status, 201);
  for (const client of told) {
    const event = await client.waitFor((e) => e.event === 'player-blocked', 'the block');
    assert.deepEqual([event.data.playerId, event.data.kind, event.data.actor], ['ivy', 'blocked', 'grace']);
    await client.waitFor((e) => e.event === 'player-unblocked', 'the end of the block');
  }
});

const bad = player('bad');
for (const [what, body, code, field] of [
  ['no message', {}, 'missing_field', 'message'], ['an empty message', { message: '' }, 'invalid_field', 'message'],
  ['a blank message', { message: ' \n\t' }, 'invalid_field', 'message'], ['a number for a message', { message: 1 }, 'invalid_field', 'message'],
  ['null for a message', { message: null }, null, 'message'], ['an array for a message', { message: ['x'] }, 'invalid_field', 'message'],
  ['4,001 characters', { message: 'ä'.repeat(4001) }, 'invalid_field', 'message'],
  ['an unknown urgency', { message: 'x', urgency: 'panic' }, 'invalid_field', 'urgency'],
  ['a number for the urgency', { message: 'x', urgency: 3 }, 'invalid_field', 'urgency'],
  ['a long clientMessageId', { message: 'x', clientMessageId: 'c'.repeat(1000) }, 'invalid_field', 'clientMessageId'],
  ['a long name', { message: 'x', playerName: 'n'.repeat(5000) }, 'invalid_field', 'playerName'],
  ['a requestId that is no number', { message: 'x', requestId: 'abc' }, 'invalid_field', 'requestId'],
  ['a requestId beyond 64 bits', { message: 'x', requestId: '99999999999999999999' }, 'invalid_field', 'requestId'],
]) {
  test(`refused with 400, naming the field: ${what}`, async () => {
    const answer = await send(bad, body);
    isError(answer, 400, code ?? answer.body.error?.code, field);
  });
}

test('refused: staff without playerId, and with one that is too long', async () => {
  isError(await send(staff, { message: 'x' }), 400, 'missing_field', 'playerId');
  isError(await send(staff, { message: 'x', playerId: 'p'.repeat(129) }), 400, 'invalid_field', 'playerId');
  isError(await send(staff, { message: 'x', playerId: '' }), 400, 'invalid_field', 'playerId');
});

for (const [what, body] of [['not JSON', '{"message":'], ['an array', '["x"]'], ['a string', '"x"'], ['empty', ''], ['two values', '{"message":"x"} {}'],
  ['nested 10,000 deep', '['.repeat(10000) + ']'.repeat(10000)]]) {
  test(`refused with 400 invalid_json: ${what}`, async () => {
    isError(await send(bad, body, { 'content-type': 'application/json' }), 400, 'invalid_json');
  });
}

test('a body that is not JSON by its type: 415', async () => {
  isError(await send(bad, 'message=x', { 'content-type': 'application/x-www-form-urlencoded' }), 415, 'unsupported_media_type');
  isError(await send(bad, '{"message":"x"}', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
});

test('a charset in the content type is fine', async () => {
  const answer = await send(player('charset'), '{"message":"ü"}', { 'content-type': 'application/json; charset=utf-8' });
  assert.equal(answer.status, 201);
});

test('nothing of what was refused is in the tables', async () => {
  assert.deepEqual(await cluster.query("SELECT * FROM chat_players WHERE player_id = 'bad'"), []);
  assert.deepEqual(await cluster.query("SELECT * FROM chat_messages WHERE player_id = 'bad'"), []);
});
