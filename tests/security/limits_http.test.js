// How much one identity may ask of the HTTP API: what is too much is answered 429 with the time to come back, stores nothing,
// works when that time is over, and is nobody else's business.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import WebSocket from 'ws';
import { isError, startAll, until, within } from '../lib/index.js';

const { cluster, bridge } = await startAll({
  player_messages: 300, player_burst: 5, caller_requests: 10, failed_tokens: 10, demo_password: 'open sesame',
});
const player = (id) => bridge.token('player', id);
const staff = bridge.token('staff', 'grace');
const send = (token, body) => bridge.api('POST', '/api/unified-chat/send', { token, body });
const stored = async (id) => (await cluster.query('SELECT client_message_id AS id FROM chat_messages WHERE player_id = $1 ORDER BY seq', [id])).map((row) => row.id);

// 429 as documented; returns the seconds.
function isLimited(answer) {
  isError(answer, 429, 'rate_limited', undefined, { retryAfter: Number(answer.headers.get('retry-after')) });
  const seconds = Number(answer.headers.get('retry-after'));
  assert.ok(Number.isInteger(seconds) && seconds >= 1, `Retry-After: ${answer.headers.get('retry-after')}`);
  assert.match(answer.body.error.message, new RegExp(`try again in ${seconds} s$`));
  return seconds;
}

async function allowMessages(aMinute) {
  bridge.configure({ player_messages: aMinute });
  await bridge.reloaded();
}

// Sends n messages at once; returns the answers.
const flood = (token, n, body = (i) => ({ message: `m${i}`, clientMessageId: `c${i}` })) =>
  Promise.all(Array.from({ length: n }, (_, i) => send(token, body(i))));

test('messages over the limit: 429, nothing stored, and the same message again goes through when it is time', async () => {
  const answers = await flood(player('ada'), 30);
  const refused = answers.findIndex((answer) => answer.status === 429);
  assert.ok(refused >= 0, 'none was refused');
  for (const answer of answers) if (answer.status !== 201) isLimited(answer);
  const accepted = answers.filter((answer) => answer.status === 201).length;
  assert.ok(accepted >= 5, `${accepted} accepted: fewer than the burst`);
  assert.equal((await stored('ada')).length, accepted);
  const again = { message: `m${refused}`, clientMessageId: `c${refused}` };
  await until(async () => (await send(player('ada'), again)).status === 201, 'the refused message to be accepted');
  assert.equal((await stored('ada')).filter((id) => id === again.clientMessageId).length, 1);
});

test('the limit is the identity’s: not another player’s behind the same address, and not a fresh token’s', async () => {
  await allowMessages(1);
  await flood(player('bob'), 5);
  isLimited(await send(player('bob'), { message: 'more' }));
  isLimited(await send(bridge.token('player', 'bob', 'Bobby', { iat: 1 }), { message: 'with another token' }));
  assert.equal((await send(player('cy'), { message: 'hello' })).status, 201);
  assert.equal((await send(staff, { playerId: 'bob', message: 'the staff has no such limit' })).status, 201);
});

test('what was stored before costs nothing', async () => {
  await allowMessages(1);
  const body = { message: 'once', clientMessageId: 'once' };
  assert.equal((await send(player('dora'), body)).status, 201);
  for (let i = 0; i < 10; i++) assert.equal((await send(player('dora'), body)).status, 200, `replay ${i}`);
  for (const answer of await flood(player('dora'), 4)) assert.equal(answer.status, 201);
  isLimited(await send(player('dora'), { message: 'the sixth' }));
});

test('what is refused for another reason is counted with the calls, not with the messages', async () => {
  await allowMessages(1);
  for (let i = 0; i < 20; i++) isError(await send(player('eve'), { message: '', urgency: 7 }), 400, 'invalid_field', 'urgency');
  for (const answer of await flood(player('eve'), 5)) assert.equal(answer.status, 201);
});

test('calls of any kind have a limit for each identity, the staff’s too', async () => {
  for (const token of [player('fay'), staff]) {
    const reads = await Promise.all(Array.from({ length: 250 }, () => bridge.api('GET', '/api/unified-chat/messages/fay', { token })));
    assert.ok(reads.filter((answer) => answer.status === 200).length >= 100, 'fewer than the burst');
    isLimited(reads.find((answer) => answer.status === 429));
    await until(async () => (await bridge.api('GET', '/api/unified-chat/messages/fay', { token })).status === 200, 'the next call');
  }
  assert.equal((await bridge.api('GET', '/api/unified-chat/messages/gus', { token: player('gus') })).status, 200);
});

test('wrong tokens are limited by address; a right one from there still gets in', async () => {
  const wrong = () => bridge.api('GET', '/api/unified-chat/messages/hal', { token: bridge.token('player', 'hal', null, {}, 'not the key') });
  for (let i = 0; i < 10; i++) isError(await wrong(), 401, 'invalid_token');
  isLimited(await wrong());
  isLimited(await bridge.api('GET', '/session', { token: 'nonsense' }));
  assert.equal((await bridge.api('GET', '/api/unified-chat/messages/hal', { token: player('hal') })).status, 200);
});

// What a WebSocket is told first.
async function greeting(token) {
  const ws = new WebSocket(`ws://127.0.0.1:${bridge.port}/app/${bridge.key}?protocol=7`, { headers: { authorization: `Bearer ${token}` } });
  after(() => ws.terminate());
  const [data] = await within(once(ws, 'message'), 'the first message of a WebSocket');
  ws.terminate();
  return JSON.parse(String(data));
}

test('wrong tokens of handshakes count too; a right one from there still gets in', async () => {
  bridge.configure({ failed_tokens: 5 });
  await bridge.restart();
  for (let i = 0; i < 5; i++) assert.equal((await greeting('wrong')).event, 'pusher:connection_established'); // who proves nothing
  const refused = await greeting('wrong');
  assert.equal(refused.event, 'pusher:error');
  assert.equal(refused.data.code, 4100);
  isLimited(await bridge.api('GET', '/api/unified-chat/messages/hal', { token: 'nonsense' }));
  assert.equal((await greeting(player('hal'))).event, 'pusher:connection_established');
  bridge.configure({ failed_tokens: 10 });
  await bridge.restart();
});

test('asking who one is is a call like any other', async () => {
  const token = player('sid');
  const answers = await Promise.all(Array.from({ length: 250 }, () => bridge.api('GET', '/session', { token })));
  assert.ok(answers.filter((answer) => answer.status === 200).length >= 100, 'fewer than the burst');
  isLimited(answers.find((answer) => answer.status === 429));
});

test('guessing the demo’s password is limited before it is compared', async () => {
  const guess = (password) => bridge.api('POST', '/session/demo', { body: { role: 'staff', name: 'mallory', password } });
  const answers = [];
  for (let i = 0; i < 11; i++) answers.push(await guess(`guess ${i}`));
  isLimited(answers.at(-1));
  isLimited(await guess('open sesame'));
});

test('0 is no limit, also after a reload', async () => {
  await allowMessages(0);
  for (const answer of await flood(player('ivy'), 50)) assert.equal(answer.status, 201);
});

test('each refusal is counted, and a flood is a line a minute in the log', async () => {
  const before = await bridge.metric('unichat_limited_total', 'limit="messages"');
  await allowMessages(1);
  const answers = await flood(player('jay'), 40);
  const refused = answers.filter((answer) => answer.status === 429).length;
  assert.equal(refused, 35);
  assert.equal(await bridge.metric('unichat_limited_total', 'limit="messages"') - before, refused);
  const lines = bridge.log().split('\n').filter((line) => line.includes('event=limited limit=messages') && line.includes('player:jay'));
  assert.equal(lines.length, 1, lines.join('\n'));
});

test('new requests have a limit of their own; messages to the open request have not', async () => {
  await allowMessages(0);
  bridge.configure({ player_new_requests: 2 });
  await bridge.restart();
  const opened = async (message) => {
    const answer = await send(player('kim'), { message });
    if (answer.status === 201) assert.ok(answer.body.isNewRequest);
    return answer;
  };
  for (const message of ['one', 'two']) {
    const { body } = await opened(message);
    assert.equal((await send(player('kim'), { message: 'and more' })).body.isNewRequest, false);
    assert.equal((await bridge.api('POST', `/api/unified-chat/status/${body.requestId}`, { token: staff, body: { status: 'resolved' } })).status, 200);
  }
  const refused = await opened('three');
  assert.ok(isLimited(refused) <= 60);
  assert.equal((await stored('kim')).length, 4);
  assert.equal(await bridge.metric('unichat_limited_total', 'limit="new_requests"'), 1);
  assert.equal((await send(player('lea'), { message: 'another player' })).status, 201);
  assert.equal((await cluster.query("SELECT is_new_request FROM unichat_send('kim', 'by SQL')"))[0].is_new_request, true);
});
