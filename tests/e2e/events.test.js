// Every event of a conversation, on every channel that carries it, with exactly the fields that docs/events.md names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectClient, isEvent, isGapless, startAll } from '../lib/index.js';

const { cluster, bridge } = await startAll();
const staffToken = bridge.token('staff', 'grace', 'Grace');
const adaToken = bridge.token('player', 'ada', 'Ada');

const staff = await connectClient(bridge, { token: staffToken, signin: true, channels: ['staff-portal', 'private-staff-portal'] });
const ada = await connectClient(bridge, { token: adaToken, signin: true, channels: ['player-ada', 'private-player-ada'] });

const send = (token, body) => bridge.api('POST', '/api/unified-chat/send', { token, body });
const status = (requestId, body) => bridge.api('POST', `/api/unified-chat/status/${requestId}`, { token: staffToken, body });

// The event `seq` as all four channels carried it: the same data, under the staff's and the player's name of it. The staff
// gets its position besides.
async function event(seq, staffName, playerName) {
  const seen = [];
  for (const [client, channel, name] of [[staff, 'staff-portal', staffName], [staff, 'private-staff-portal', staffName],
    [ada, 'player-ada', playerName], [ada, 'private-player-ada', playerName]]) {
    const one = await client.waitFor((e) => e.channel === channel && e.data.seq === seq, `event ${seq} on ${channel}`);
    assert.equal(one.event, name, `on ${channel}`);
    const { position, ...data } = one.data;
    assert.equal(typeof position, channel.endsWith('staff-portal') ? 'string' : 'undefined', `position on ${channel}`);
    seen.push(data);
  }
  for (const data of seen.slice(1)) assert.deepEqual(data, seen[0]);
  return seen[0];
}

let requestId;
const common = { playerId: 'ada', playerName: 'Ada', urgency: 'normal' };

test('a first message is request_created and then message', async () => {
  const { status: code, body } = await send(adaToken, { message: 'Help me', clientMessageId: 'c-1' });
  assert.equal(code, 201);
  ({ requestId } = body);
  const here = { ...common, requestId, status: 'waiting', assignedTo: null };
  isEvent(await event(1, 'new-chat-request', 'chat-request-created'), { ...here, seq: 1, kind: 'request_created', lastMessage: 'Help me' });
  isEvent(await event(2, 'chat-message-received', 'player-message-received'), {
    ...here, seq: 2, kind: 'message', messageId: body.messageId, sender: 'player', senderId: /.*/, message: 'Help me', clientMessageId: 'c-1',
  });
});

test('a claim is claimed, with who and from where', async () => {
  assert.equal((await status(requestId, { status: 'in_progress' })).status, 200);
  isEvent(await event(3, 'chat-status-changed', 'chat-status-updated'), {
    ...common, requestId, seq: 3, kind: 'claimed', status: 'in_progress', assignedTo: 'grace', fromStatus: 'waiting', actor: 'grace',
  });
});

test('an answer is a message that the player gets as staff-message-received', async () => {
  const { body } = await send(staffToken, { playerId: 'ada', message: 'Hello Ada' });
  isEvent(await event(4, 'chat-message-received', 'staff-message-received'), {
    ...common, requestId, seq: 4, kind: 'message', status: 'in_progress', assignedTo: 'grace', messageId: body.messageId, sender: 'staff',
    senderId: 'grace', message: 'Hello Ada', clientMessageId: null,
  });
});

test('a release goes back to waiting and to nobody', async () => {
  assert.equal((await status(requestId, { status: 'waiting' })).status, 200);
  isEvent(await event(5, 'chat-status-changed', 'chat-status-updated'), {
    ...common, requestId, seq: 5, kind: 'released', status: 'waiting', assignedTo: null, fromStatus: 'in_progress', actor: 'grace',
  });
});

test('a reply to a waiting request claims it first', async () => {
  await send(staffToken, { playerId: 'ada', message: 'Me again' });
  const claimed = await event(6, 'chat-status-changed', 'chat-status-updated');
  assert.deepEqual([claimed.kind, claimed.assignedTo, claimed.actor], ['claimed', 'grace', 'grace']);
  assert.equal((await event(7, 'chat-message-received', 'staff-message-received')).message, 'Me again');
});

test('a message of the system goes the way of the staff and changes no status', async () => {
  cluster.psql("SELECT unichat_send('ada', 'Grace is typing a long answer', sender => 'system')");
  const data = await event(8, 'chat-message-received', 'staff-message-received');
  assert.deepEqual([data.sender, data.status], ['system', 'in_progress']);
});

test('resolved ends it, and the next message opens a new request', async () => {
  assert.equal((await status(requestId, { status: 'resolved' })).status, 200);
  isEvent(await event(9, 'chat-status-changed', 'chat-status-updated'), {
    ...common, requestId, seq: 9, kind: 'resolved', status: 'resolved', assignedTo: 'grace', fromStatus: 'in_progress', actor: 'grace',
  });
  const { body } = await send(adaToken, { message: 'One more thing', urgency: 'urgent' });
  assert.ok(body.isNewRequest && body.requestId !== requestId);
  const created = await event(10, 'new-chat-request', 'chat-request-created');
  assert.deepEqual([created.requestId, created.urgency, created.lastMessage], [body.requestId, 'urgent', 'One more thing']);
  await event(11, 'chat-message-received', 'player-message-received');
});

test('lastMessage is cut at 140 characters, not bytes', async () => {
  const text = '😀'.repeat(200);
  const other = bridge.token('player', 'bob', 'Bob');
  await send(other, { message: text });
  const { data } = await staff.waitFor((e) => e.data.playerId === 'bob' && e.data.kind === 'request_created', "Bob's request");
  assert.equal(data.lastMessage, '😀'.repeat(140));
});

test('erasing a player resolves what is open, is told to both sides, and names nobody', async () => {
  cluster.psql("SELECT unichat_erase_player('ada', 'dpo')");
  await event(12, 'chat-status-changed', 'chat-status-updated');
  const data = await event(13, 'chat-erased', 'chat-erased');
  isEvent(data, { playerId: 'ada', playerName: null, seq: 13, requestId: null, kind: 'erased', status: null, urgency: null, assignedTo: null, actor: 'dpo' });
});

test('all came once and in order, and nothing of another player', () => {
  for (const [client, channel] of [[staff, 'staff-portal'], [staff, 'private-staff-portal'], [ada, 'player-ada'], [ada, 'private-player-ada']])
    isGapless(client.on(channel).filter((e) => e.data.playerId === 'ada').map((e) => e.data.seq));
  assert.deepEqual(new Set(ada.events.map((e) => e.data.playerId)), new Set(['ada']));
});
