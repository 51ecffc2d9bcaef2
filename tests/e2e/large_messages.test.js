// Messages that do not fit into a NOTIFY payload: the bridge reads the row, and nothing overtakes it meanwhile.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectClient, isError, startAll, until } from '../lib/index.js';

const { cluster, bridge } = await startAll();
const token = bridge.token('player', 'ada', 'Ada');
const ada = await connectClient(bridge, { token, channels: ['private-player-ada'] });
after(() => ada.close());
const messages = () => ada.events.map((e) => e.data).filter((d) => d.kind === 'message').map((d) => d.message);

test('4,000 characters of four bytes arrive as they were', async () => {
  const text = '😀'.repeat(4000);
  const answer = await bridge.api('POST', '/api/unified-chat/send', { token, body: { message: text } });
  assert.equal(answer.status, 201);
  await until(() => messages().length === 1, 'the message');
  assert.equal(messages()[0], text);
});

test('4,001 characters are refused, naming the field', async () => {
  const answer = await bridge.api('POST', '/api/unified-chat/send', { token, body: { message: 'x'.repeat(4001) } });
  isError(answer, 400, 'invalid_field', 'message');
});

test('small messages after a large one wait for it', async () => {
  const start = messages().length;
  cluster.psql(`SELECT unichat_send('ada', CASE WHEN i % 2 = 0 THEN repeat('é', 4000) ELSE 'small ' || i END) FROM generate_series(1, 40) i`);
  await until(() => messages().length === start + 40, '40 messages');
  const got = messages().slice(start);
  for (let i = 1; i <= 40; i++) assert.equal(got[i - 1], i % 2 === 0 ? 'é'.repeat(4000) : `small ${i}`);
  const seqs = ada.events.map((e) => e.data.seq);
  assert.deepEqual(seqs, seqs.map((_, i) => i + 1));
});

test('control characters, quotes and backslashes grow in JSON and still arrive', async () => {
  const text = '"\\\u0001'.repeat(1300);
  const start = messages().length;
  await bridge.api('POST', '/api/unified-chat/send', { token, body: { message: text } });
  await until(() => messages().length === start + 1, 'the message');
  assert.equal(messages().at(-1), text);
});
