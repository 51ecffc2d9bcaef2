// unichat:resume with the stock pusher-js: what was missed, in order, then what happens, without gap or repeat; and where
// that cannot be, a unichat:resync that says why.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectClient, connectSocket, startBridge, startCluster, until } from '../lib/index.js';

const cluster = await startCluster();
const bridge = await startBridge(cluster, { audit_interval: '300ms', max_queue: '64kB' });
after(async () => { await bridge.stop(); await cluster.stop(); });

const send = (player, text) => cluster.query('SELECT seq::int FROM unichat_send($1, $2)', [player, text]).then(([row]) => row.seq);
const resume = (client, data) => client.pusher.send_event('unichat:resume', data);
const seqs = (client, channel) => client.on(channel).filter(({ data }) => data?.playerId).map(({ data }) => data.seq);
const upTo = (n, from = 1) => Array.from({ length: n - from + 1 }, (_, i) => from + i);
const ended = (client, channel) => until(() => client.events.find((one) => one.channel === channel && /^unichat:res/.test(one.event)), 'an answer');

// A client that asks before it subscribes, as a client does that reconnects.
async function resumed(role, sub, channel, after_) {
  const client = await connectClient(bridge, { token: bridge.token(role, sub) });
  resume(client, { channel, after: after_ });
  const greeting = await client.subscribe(channel);
  return { client, greeting };
}

test('a player gets the events behind a seq, then live ones, each once', async () => {
  const channel = 'private-player-ann';
  for (let n = 0; n < 5; n++) await send('ann', `missed ${n}`);
  const { client } = await resumed('player', 'ann', channel, 2);
  const answer = await ended(client, channel);
  assert.equal(answer.event, 'unichat:resumed');
  assert.equal(answer.data.events, 4);
  await send('ann', 'live');
  await until(() => seqs(client, channel).length === 5, 'the live one');
  assert.deepEqual(seqs(client, channel), [3, 4, 5, 6, 7]);
  assert.deepEqual(client.on(channel).filter(({ data }) => data.seq).map(({ data }) => data.message),
    ['missed 1', 'missed 2', 'missed 3', 'missed 4', 'live']);
  client.close();
});

test('what is sent while the history is read comes behind it, and not twice', async () => {
  const channel = 'private-player-busy';
  for (let n = 0; n < 350; n++) await send('busy', `missed ${n}`);
  let stop = false;
  const writer = (async () => { while (!stop) await send('busy', 'meanwhile'); })();
  for (let round = 0; round < 5; round++) {
    const { client } = await resumed('player', 'busy', channel, round * 50);
    await until(() => seqs(client, channel).length > 400, 'history and live events');
    const got = seqs(client, channel);
    assert.deepEqual(got, upTo(got.at(-1), round * 50 + 1));
    client.close();
  }
  stop = true;
  await writer;
});

test('a history larger than a client\'s queue comes by and by', async () => {
  const channel = 'private-player-large';
  for (let n = 0; n < 100; n++) await send('large', `${n} `.padEnd(3900, '€'));
  const { client } = await resumed('player', 'large', channel, 0);
  await send('large', 'live');
  await until(() => seqs(client, channel).length === 102, 'all of it', 30000);
  assert.deepEqual(seqs(client, channel), upTo(102));
  assert.equal(client.states.filter((state) => state === 'connected').length, 1, 'the connection was never closed');
  client.close();
});

test('for a client that does not read the history is not read either', async (t) => {
  const patient = await startBridge(cluster, { max_queue_time: '5s' });
  t.after(() => patient.stop());
  await cluster.query(`INSERT INTO chat_messages (player_id, message_text) SELECT 'deaf', $1 || n FROM generate_series(1, 2000) n`, ['€'.repeat(2000)]);
  const deaf = await connectSocket(patient, { headers: { authorization: `Bearer ${patient.token('player', 'deaf')}` } });
  deaf.ws._socket.pause();
  const before = await patient.metric('unichat_db_statement_seconds_count');
  deaf.send({ event: 'unichat:resume', data: { channel: 'player-deaf', after: 0 } });
  deaf.send({ event: 'pusher:subscribe', data: { channel: 'player-deaf' } });
  await until(() => /event=slow_consumer/.test(patient.log()), 'the client to be closed', 60000);
  const statements = await patient.metric('unichat_db_statement_seconds_count') - before;
  // 12 MB by a quarter of max_queue at a time are about 50 pages; in 5 seconds there are 250 pauses.
  assert.ok(statements > 0 && statements < 80, `${statements} statements`);
  await until(async () => await patient.metric('unichat_resumes') === 0, 'the resume to be given up');
  deaf.close();
});

test('the staff gets everybody\'s events behind a position', async () => {
  const channel = 'private-staff-portal';
  const first = await connectClient(bridge, { token: bridge.token('staff', 'eve') });
  const { position, epoch } = await first.subscribe(channel);
  assert.ok(position && epoch, 'both are told with the subscription');
  await send('s1', 'seen');
  await first.waitFor(({ data }) => data.message === 'seen', 'the live event');
  const kept = first.on(channel).at(-1).data.position;
  assert.ok(kept);
  first.close();

  await send('s2', 'missed by two');
  await send('s1', 'missed by one');
  const { client, greeting } = await resumed('staff', 'eve', channel, kept);
  const answer = await ended(client, channel);
  assert.equal(answer.event, 'unichat:resumed');
  assert.ok(answer.data.position);
  assert.deepEqual(greeting, { epoch }, 'no position while the question is open: it would leave out what was asked for');
  await send('s2', 'live');
  await client.waitFor(({ data }) => data.message === 'live', 'the live event');
  const of = (player) => client.on(channel).filter(({ data }) => data.playerId === player).map(({ data }) => data.seq);
  assert.deepEqual(of('s2'), [1, 2, 3]);
  assert.equal(of('s1').at(-1), 3);
  assert.deepEqual(of('s1'), upTo(3, of('s1')[0]), 'repeats at most, in order');
  client.close();
});

test('a page of nothing but what the client has been sent already is walked past', async (t) => {
  const patient = await startBridge(cluster, { max_queue_time: '1min' });
  t.after(() => patient.stop());
  const first = await connectClient(patient, { token: patient.token('staff', 'eve') });
  const { position } = await first.subscribe('private-staff-portal');
  first.close();
  const post = (player, count) => cluster.query(
    'INSERT INTO chat_messages (player_id, message_text) SELECT $1, $2 || n FROM generate_series(1, $3::int) n', [player, '€'.repeat(2000), count]);
  await post('w1', 2000);
  const live = await connectClient(patient, { token: patient.token('player', 'a0') });
  await live.subscribe('private-player-a0');
  const channel = 'staff-portal';
  const slow = await connectSocket(patient, { headers: { authorization: `Bearer ${patient.token('staff', 'eve')}` } });
  slow.ws._socket.pause();
  slow.send({ event: 'unichat:resume', data: { channel, after: position } });
  slow.send({ event: 'pusher:subscribe', data: { channel } });
  await until(async () => await patient.metric('unichat_resume_events_total') > 0, 'the first page');

  // Both come behind the first page, and are more than is kept of live events: so there is a second pass, which begins with them.
  await post('w2', 300);
  await post('a0', 1);
  await live.waitFor(({ data }) => data?.playerId === 'a0', 'the last of them to be live');
  slow.ws._socket.resume();
  const frames = () => slow.messages.filter((one) => one.channel === channel);
  await until(() => frames().some(({ event }) => event === 'unichat:resumed'), 'the end of the resume');
  const of = (player) => frames().map(({ data }) => JSON.parse(data)).filter(({ playerId }) => playerId === player).map(({ seq }) => seq);
  assert.deepEqual(of('w1'), upTo(2001));
  assert.deepEqual(of('w2'), upTo(301));
  assert.deepEqual(of('a0'), upTo(2));
  live.close();
  slow.close();
});

test('a resume on a channel that is subscribed already works too', async () => {
  const channel = 'private-player-late';
  const client = await connectClient(bridge, { token: bridge.token('player', 'late'), channels: [channel] });
  for (let n = 0; n < 3; n++) await send('late', `${n}`);
  await until(() => seqs(client, channel).length === 4, 'live events');
  resume(client, { channel, after: 2 });
  await ended(client, channel);
  await send('late', 'on');
  await until(() => seqs(client, channel).length === 7, 'the rest');
  assert.deepEqual(seqs(client, channel), [1, 2, 3, 4, 3, 4, 5]);
  client.close();
});

test('guarded public names are resumed as the private ones', async () => {
  await send('guarded', 'one');
  const client = await connectClient(bridge, { token: bridge.token('player', 'guarded'), signin: true });
  resume(client, { channel: 'player-guarded', after: 0 });
  await client.subscribe('player-guarded');
  await ended(client, 'player-guarded');
  assert.deepEqual(seqs(client, 'player-guarded'), [1, 2]);
  client.close();
});

const WHICH = { unknown: { field: 'after' } }; // is wrong

for (const [what, data, reason] of [
  ['a seq beyond the newest', { after: 1000000 }, 'ahead'],
  ['a seq of another epoch', { after: 1, epoch: 'another' }, 'epoch'],
  ['no seq', {}, 'unknown'],
  ['a position on a player\'s channel', { after: 'MSAxIDE6MTo' }, 'unknown'],
  ['a negative seq', { after: -1 }, 'unknown'],
]) {
  test(`${what} is answered with unichat:resync, reason ${reason}`, async () => {
    const channel = 'private-player-wrong';
    await send('wrong', 'x');
    const { client } = await resumed('player', 'wrong', channel, undefined);
    resume(client, { channel, ...data });
    const found = await client.waitFor(({ event, data: got }) => event === 'unichat:resync' && got.reason === reason, 'the resync');
    assert.deepEqual(found.data, { channel, reason, ...WHICH[reason] });
    await send('wrong', 'live all the same');
    await client.waitFor(({ data: got }) => got.message === 'live all the same', 'the live event');
    client.close();
  });
}

for (const [what, after_, reason] of [
  ['a text that is no position', 'x', 'unknown'],
  ['a position of another database', Buffer.from('1 123-1 10:10:').toString('base64url'), 'epoch'],
]) {
  test(`${what} on the staff's channel is answered with unichat:resync, reason ${reason}`, async () => {
    const { client } = await resumed('staff', 'eve', 'private-staff-portal', after_);
    const found = await client.waitFor(({ event }) => event === 'unichat:resync', 'the resync');
    assert.deepEqual(found.data, { channel: 'private-staff-portal', reason, ...WHICH[reason] });
    client.close();
  });
}

test('a position beyond the database is answered with unichat:resync, reason ahead', async () => {
  const [{ epoch }] = await cluster.query('SELECT unichat_epoch() AS epoch');
  const { client } = await resumed('staff', 'eve', 'private-staff-portal', Buffer.from(`1 ${epoch} 99999999:99999999:`).toString('base64url'));
  assert.equal((await ended(client, 'private-staff-portal')).data.reason, 'ahead');
  client.close();
});

test('a seq from before a pruning is answered with unichat:resync, reason too_old', async () => {
  const channel = 'private-player-pruned';
  await send('pruned', 'first');
  await cluster.query(`SELECT unichat_status(id, 'resolved') FROM chat_requests WHERE player_id = 'pruned'`);
  await cluster.query(`SELECT unichat_prune('0')`);
  await send('pruned', 'second');
  const { client } = await resumed('player', 'pruned', channel, 1);
  assert.equal((await ended(client, channel)).data.reason, 'too_old');
  client.close();
});

test('a page that the database cannot read in time is not asked for without end', async (t) => {
  const hasty = await startBridge(cluster, { statement_timeout: '100ms' });
  t.after(() => hasty.stop());
  await send('locked', 'one');
  const session = await cluster.connect();
  t.after(() => session.end());
  await session.query('BEGIN');
  await session.query('LOCK TABLE chat_events');
  const channel = 'private-player-locked';
  const client = await connectClient(hasty, { token: hasty.token('player', 'locked') });
  resume(client, { channel, after: 0 });
  await client.subscribe(channel);
  assert.equal((await ended(client, channel)).data.reason, 'too_old');
  client.close();
});

test('a position with more than 5,000 events behind it is answered with unichat:resync, reason too_old, before any of them', async () => {
  const channel = 'private-staff-portal';
  const first = await connectClient(bridge, { token: bridge.token('staff', 'eve') });
  const { position } = await first.subscribe(channel);
  first.close();
  await cluster.query(`INSERT INTO chat_messages (player_id, message_text) SELECT 'old-' || n % 10, 'missed' FROM generate_series(1, 4500) n`);
  const { client: near } = await resumed('staff', 'eve', channel, position);
  const { event, data: { events } } = await ended(near, channel);
  assert.ok(event === 'unichat:resumed' && events >= 4510, `${event}, ${events} events`);
  near.close();
  await cluster.query(`INSERT INTO chat_messages (player_id, message_text) SELECT 'old-' || n % 10, 'missed' FROM generate_series(1, 500) n`);
  const { client: far } = await resumed('staff', 'eve', channel, position);
  assert.equal((await ended(far, channel)).data.reason, 'too_old');
  assert.deepEqual(seqs(far, channel), []);
  far.close();
});

test('a connection has 32 resumes under way; one that is answered makes room for the next at once', async (t) => {
  const unaudited = await startBridge(cluster, { audit_interval: '1h' }); // only an audit opens a subscription again
  t.after(() => unaudited.stop());
  await cluster.query(`SELECT unichat_send('many-' || n, 'missed') FROM generate_series(1, 80) n`);
  const socket = await connectSocket(unaudited, { headers: { authorization: `Bearer ${unaudited.token('staff', 'eve')}` } });
  const ask = (n) => socket.send({ event: 'unichat:resume', data: { channel: `player-many-${n}`, after: 0 } });
  const subscribe = (n) => socket.send({ event: 'pusher:subscribe', data: { channel: `player-many-${n}` } });
  const answers = () => socket.messages.filter(({ event }) => /^unichat:res/.test(event)).map(({ event, data }) => [event, JSON.parse(data)]);
  const answered = (count) => until(() => answers().length >= count, `${count} answers`);

  for (let n = 1; n <= 33; n++) ask(n); // remembered until they are subscribed to
  await answered(1);
  assert.deepEqual(answers(), [['unichat:resync', { channel: 'player-many-33', reason: 'busy' }]]);
  assert.equal(await unaudited.metric('unichat_resumes'), 32);
  ask(32); // in place of the other
  for (let n = 1; n <= 32; n++) subscribe(n);
  await answered(33);
  assert.equal(await unaudited.metric('unichat_resumes'), 0);
  for (let n = 34; n <= 80; n++) {
    ask(n);
    subscribe(n);
    await answered(n);
  }
  assert.deepEqual(answers().slice(1).filter(([event, { events }]) => event !== 'unichat:resumed' || events !== 2), []);
  assert.deepEqual(answers().slice(33).map(([, { channel }]) => channel), upTo(80, 34).map((n) => `player-many-${n}`));
  await send('many-1', 'live');
  await socket.received(({ data }) => /"live"/.test(data), 'the live event');
  socket.close();
});

test('with the database away resumes wait, without refusals that would be counted, and go on when it is back', async (t) => {
  const waiting = await startBridge(cluster, { reconnect_max: '200ms' });
  t.after(() => waiting.stop());
  await cluster.query(`SELECT unichat_send('away-' || n, 'missed') FROM generate_series(1, 32) n`);
  const socket = await connectSocket(waiting, { headers: { authorization: `Bearer ${waiting.token('staff', 'eve')}` } });
  t.after(() => socket.close());
  const attempts = () => waiting.log().split('event=database_unreachable').length;
  await cluster.down();
  await until(async () => await waiting.metric('unichat_db_connections') === 0, 'the pool to be away');
  const refused = await waiting.metric('unichat_db_refused_total');
  for (let n = 1; n <= 32; n++) {
    socket.send({ event: 'unichat:resume', data: { channel: `player-away-${n}`, after: 0 } });
    socket.send({ event: 'pusher:subscribe', data: { channel: `player-away-${n}` } });
  }
  await until(async () => await waiting.metric('unichat_resumes') === 32, 'the resumes');
  const before = attempts();
  await until(() => attempts() >= before + 10, 'some attempts to connect');
  const more = await waiting.metric('unichat_db_refused_total') - refused;
  await cluster.start();
  assert.ok(more < 10, `${more} refusals: others ask now and then, 32 resumes do not`);
  await until(() => socket.messages.filter(({ event }) => event === 'unichat:resumed').length === 32, 'all of them to be resumed');
});

test('nobody resumes a channel that he may not listen to', async () => {
  const client = await connectClient(bridge, { token: bridge.token('player', 'mallory') });
  resume(client, { channel: 'private-player-ann', after: 0 });
  resume(client, { channel: 'private-staff-portal', after: Buffer.from('1 123-1 10:10:').toString('base64url') });
  await assert.rejects(client.subscribe('private-player-ann'));
  await assert.rejects(client.subscribe('private-staff-portal'));
  resume(client, { channel: 'private-player-mallory', after: 0 });
  await client.subscribe('private-player-mallory');
  await ended(client, 'private-player-mallory');
  assert.deepEqual([...new Set(client.events.map((one) => one.channel))], ['private-player-mallory']);
  client.close();
});
