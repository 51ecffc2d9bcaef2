// The reading side of the API: history pages, the queue, status changes, read marks.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { isError, isTimestamp, matches, startAll } from '../lib/index.js';

const { cluster, bridge } = await startAll();
const staff = bridge.token('staff', 'grace', 'Grace');
const ada = bridge.token('player', 'ada', 'Ada');
const get = (path, token = staff) => bridge.api('GET', `/api/unified-chat/${path}`, { token });
const post = (path, body, token = staff) => bridge.api('POST', `/api/unified-chat/${path}`, { token, body });

// Ada: events 1 (request_created) and 2 to 121 (messages).
before(() => { cluster.psql("SELECT unichat_send('ada', 'message ' || i, player_name => 'Ada') FROM generate_series(1, 120) i"); });

const MESSAGE = { messageId: /^\d+$/, requestId: /^\d+$/, playerId: 'ada', sender: 'player', senderId: /.*/, clientMessageId: null, timestamp: /Z$/ };

test('the newest page, ascending', async () => {
  const { status, body } = await get('messages/ada', ada);
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body).sort(), ['blocked', 'hasMore', 'lastSeq', 'messages', 'playerReadSeq', 'request', 'staffReadSeq']);
  assert.deepEqual(body.messages.map((m) => m.seq), Array.from({ length: 50 }, (_, i) => 72 + i));
  matches(body.messages[0], { ...MESSAGE, seq: 72, message: 'message 71' });
  assert.deepEqual([body.hasMore, body.lastSeq], [true, 121]);
});

test('after: the first of what follows', async () => {
  const { body } = await get('messages/ada?after=10&limit=5', ada);
  assert.deepEqual(body.messages.map((m) => m.seq), [11, 12, 13, 14, 15]);
  assert.equal(body.hasMore, true);
  assert.equal((await get('messages/ada?after=116&limit=5', ada)).body.hasMore, false);
});

test('before: the last of what precedes', async () => {
  const { body } = await get('messages/ada?before=10&limit=5', ada);
  assert.deepEqual(body.messages.map((m) => m.seq), [5, 6, 7, 8, 9]);
  assert.equal(body.hasMore, true);
  assert.equal((await get('messages/ada?before=4&limit=5', ada)).body.hasMore, false);
});

test('pages of every size make up the whole, nothing twice', async () => {
  for (const limit of [1, 7, 200]) {
    const seqs = [];
    for (let after = 0, more = true; more;) {
      const { body } = await get(`messages/ada?after=${after}&limit=${limit}`, ada);
      seqs.push(...body.messages.map((m) => m.seq));
      after = seqs.at(-1);
      more = body.hasMore;
    }
    assert.deepEqual(seqs, Array.from({ length: 120 }, (_, i) => i + 2));
  }
});

test('after the end: empty; beyond the end: resync with the newest page', async () => {
  const end = await get('messages/ada?after=121', ada);
  assert.deepEqual([end.body.messages, end.body.hasMore, end.body.resync], [[], false, undefined]);
  const beyond = await get('messages/ada?after=5000', ada);
  assert.equal(beyond.body.resync, true);
  assert.equal(beyond.body.messages.at(-1).seq, 121);
});

test('a player of whom nothing is known has an empty history', async () => {
  const { status, body } = await get('messages/new', bridge.token('player', 'new'));
  assert.equal(status, 200);
  assert.deepEqual([body.messages, body.lastSeq, body.request, body.hasMore], [[], 0, null, false]);
});

for (const query of ['limit=0', 'limit=201', 'limit=x', 'limit=', 'after=-1', 'after=x', 'after=1.5', 'before=99999999999999999999', 'after=1&before=5'])
  test(`messages?${query} is refused with 400`, async () => {
    const answer = await get(`messages/ada?${query}`, ada);
    if (query === 'after=1&before=5' && answer.status === 200) return; // a range is a fair answer too
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    assert.equal(answer.body.error.code, 'invalid_query');
  });

test('the queue: urgency first, then the oldest, with what a list shows', async () => {
  for (const [id, urgency] of [['low', 'low'], ['n1', 'normal'], ['high', 'high'], ['urgent', 'urgent'], ['n2', 'normal']])
    cluster.psql(`SELECT unichat_send('q-${id}', 'help ${id}', urgency => '${urgency}')`);
  const { status, body } = await get('requests');
  assert.equal(status, 200);
  isTimestamp(body.serverTime);
  assert.deepEqual(body.requests.map((r) => r.playerId), ['q-urgent', 'q-high', 'ada', 'q-n1', 'q-n2', 'q-low']);
  matches(body.requests[0], {
    requestId: /^\d+$/, playerId: 'q-urgent', playerName: null, status: 'waiting', urgency: 'urgent', assignedTo: null, createdAt: /Z$/, updatedAt: /Z$/,
    waitingSince: /Z$/, firstResponseAt: null, resolvedAt: null, lastMessage: 'help urgent', lastMessageSender: 'player', lastMessageAt: /Z$/,
    unread: 1, waitSeconds: /^\d/, lastSeq: 2,
  });
  assert.equal(body.requests.find((r) => r.playerId === 'ada').unread, 100); // of 120: it counts no further
});

test('the queue by status, and one player\'s requests of every status', async () => {
  assert.equal((await get('requests?status=resolved')).body.requests.length, 0);
  assert.equal((await get('requests?status=waiting&limit=2')).body.requests.length, 2);
  cluster.psql("SELECT unichat_send('past', 'one'); SELECT unichat_status(id, 'resolved') FROM chat_requests WHERE player_id = 'past'; SELECT unichat_send('past', 'two')");
  const { body } = await get('requests?playerId=past');
  assert.deepEqual(body.requests.map((r) => r.status), ['waiting', 'resolved']);
  for (const query of ['status=open', 'status=', 'limit=0', 'limit=x']) assert.equal((await get(`requests?${query}`)).status, 400, query);
});

test('the whole way of a status, and what is refused on it', async () => {
  const { body: { requestId } } = await post('send', { message: 'x' }, bridge.token('player', 'way'));
  const to = (status, token = staff, more = {}) => post(`status/${requestId}`, { status, ...more }, token);
  const claimed = await to('in_progress');
  assert.equal(claimed.status, 200);
  assert.deepEqual([claimed.body.requestId, claimed.body.status, claimed.body.assignedTo], [requestId, 'in_progress', 'grace']);
  assert.equal((await to('in_progress')).status, 200, 'the same claim again is fine');
  isError(await to('in_progress', bridge.token('staff', 'linus')), 409, 'claimed_by_other', undefined, { owner: 'grace' });
  assert.equal((await to('waiting')).body.assignedTo, null);
  assert.equal((await to('in_progress', bridge.token('staff', 'linus'))).body.assignedTo, 'linus');
  isError(await to('resolved', bridge.token('staff', 'linus'), { expected: 'waiting' }), 409, 'status_changed');
  assert.equal((await to('resolved', bridge.token('staff', 'linus'))).body.status, 'resolved');
  isError(await to('waiting'), 409, 'not_allowed');
  isError(await to('in_progress'), 409, 'not_allowed');
});

test('two claims at once: one wins, the other is told who', async () => {
  for (let i = 0; i < 10; i++) {
    const { body: { requestId } } = await post('send', { message: 'x' }, bridge.token('player', `race-${i}`));
    const [a, b] = await Promise.all(['grace', 'linus'].map((id) => post(`status/${requestId}`, { status: 'in_progress' }, bridge.token('staff', id))));
    assert.deepEqual([a.status, b.status].sort(), [200, 409]);
    const [won, lost] = a.status === 200 ? [a, b] : [b, a];
    assert.equal(lost.body.error.owner, won.body.assignedTo);
  }
});

test('status: unknown request, unknown status, missing, wrong type', async () => {
  isError(await post('status/999999', { status: 'resolved' }), 404, 'not_found');
  const { body: { requestId } } = await post('send', { message: 'x' }, bridge.token('player', 'st'));
  isError(await post(`status/${requestId}`, { status: 'done' }), 400, 'invalid_field', 'status');
  isError(await post(`status/${requestId}`, {}), 400, 'missing_field', 'status');
  isError(await post(`status/${requestId}`, { status: 5 }), 400, 'invalid_field', 'status');
  isError(await post(`status/${requestId}`, { status: 'resolved', expected: 'x' }), 400, 'invalid_field', 'expected');
  for (const id of ['abc', '-1', '99999999999999999999', '1e3', '%00'])
    assert.ok([400, 404].includes((await post(`status/${id}`, { status: 'resolved' })).status), id);
});

test('read marks: each side its own, only forward, never beyond the end', async () => {
  const side = async (token, seq) => (await post('read/ada', { seq }, token)).body;
  assert.deepEqual(await side(ada, 10), { playerReadSeq: 10, staffReadSeq: 0 });
  assert.deepEqual(await side(staff, 40), { playerReadSeq: 10, staffReadSeq: 40 });
  assert.deepEqual(await side(staff, 5), { playerReadSeq: 10, staffReadSeq: 40 });
  const { body } = await get('requests');
  assert.equal(body.requests.find((r) => r.playerId === 'ada').unread, 81);
  const far = await post('read/ada', { seq: 1000000 }, ada);
  assert.ok(far.status === 400 || far.body.playerReadSeq === 121, JSON.stringify(far.body));
  isError(await post('read/ada', {}, ada), 400, 'missing_field', 'seq');
  isError(await post('read/ada', { seq: 'x' }, ada), 400, 'invalid_field', 'seq');
  isError(await post('read/ada', { seq: -1 }, ada), 400, 'invalid_field', 'seq');
});
