// Text is text: whatever characters a name, an id or a message has, they come out as they went in, by every way.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectClient, isError, startAll, until } from '../lib/index.js';

const { cluster, bridge } = await startAll();
const staffToken = bridge.token('staff', 'grace');
const staff = await connectClient(bridge, { token: staffToken, channels: ['private-staff-portal'] });
after(() => staff.close());

const NASTY = [
  ['quotes', `'; DROP TABLE chat_messages; -- "\\"`], ['markup', '<script>alert(1)</script><img src=x onerror=alert(1)>&amp;'],
  ['percent', '%s%n%d %00 %zz'], ['line ends', 'a\r\nb\nc\u2028d\u2029e'], ['control characters', '\u0001\u0007\u001b[31m\u007f\u0085'],
  ['right to left', 'שלום \u202e gnp.exe'], ['combining', 'e\u0301 Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢'], ['astral', '𝒳👩‍👩‍👧‍👦🏳️‍🌈'], ['templates', '{{ name }} {% x %} ${y} $1 $$ \\1'],
  ['JSON', '{"a":[1,"\\u0000"]}'], ['noncharacters', '\ufffd\ufffe\uffff'], ['blanks around', '  two  '], ['tabs', 'a\tb\\N\\.'],
];

for (const [what, text] of NASTY) {
  test(`${what} in the message and the player's name`, async () => {
    const playerId = `p-${what.replaceAll(' ', '-')}`;
    const token = bridge.token('player', playerId, text);
    const sent = await bridge.api('POST', '/api/unified-chat/send', { token, body: { message: text, clientMessageId: `c ${what}` } });
    assert.equal(sent.status, 201, JSON.stringify(sent.body));
    const { data } = await staff.waitFor((e) => e.data.playerId === playerId && e.data.kind === 'message', 'the event');
    assert.deepEqual([data.message, data.playerName, data.clientMessageId], [text, text, `c ${what}`]);
    const page = await bridge.api('GET', `/api/unified-chat/messages/${playerId}`, { token });
    assert.equal(page.body.messages[0].message, text);
    const [row] = await cluster.query('SELECT message_text FROM chat_messages WHERE player_id = $1', [playerId]);
    assert.equal(row.message_text, text);
  });
}

const IDS = ['user@example.com', 'a b', 'x/y?z#w', '50%', 'ä-ö', '😀', "o'brien", 'a:b,c;d', 'a=b', '...', '%2e%2e', '"quoted"', '<b>', 'x'.repeat(128)];

for (const playerId of IDS) {
  test(`the player id ${JSON.stringify(playerId.slice(0, 20))} has a history and a channel of its own`, async () => {
    const token = bridge.token('player', playerId, 'N');
    const channel = channelOf(playerId);
    const client = await connectClient(bridge, { token, channels: channel.length <= 200 ? [channel] : [] });
    const sent = await bridge.api('POST', '/api/unified-chat/send', { token, body: { message: 'hello' } });
    assert.equal(sent.status, 201, JSON.stringify(sent.body));
    if (channel.length <= 200) {
      await until(() => client.events.length === 2, 'both events');
      assert.ok(client.events.every((e) => e.data.playerId === playerId));
    }
    const page = await bridge.api('GET', `/api/unified-chat/messages/${encodeURIComponent(playerId)}`, { token });
    assert.deepEqual(page.body.messages.map((m) => m.playerId), [playerId]);
    const read = await bridge.api('POST', `/api/unified-chat/read?${new URLSearchParams({ playerId })}`, { token, body: { seq: 1 } });
    assert.equal(read.body.playerReadSeq, 1);
    client.close();
  });
}

for (const playerId of ['//', 'a//b', '/a', '..', 'a/../b', './c', 'a+b', '&=?']) {
  test(`the player id ${JSON.stringify(playerId)} is itself in the query`, async () => {
    const token = bridge.token('player', playerId, 'N');
    assert.equal((await bridge.api('POST', '/api/unified-chat/send', { token, body: { message: 'hello' } })).status, 201);
    const page = await bridge.api('GET', `/api/unified-chat/messages?${new URLSearchParams({ playerId, limit: 5 })}`, { token });
    assert.deepEqual(page.body.messages.map((m) => m.playerId), [playerId]);
  });
}

for (const [what, body, field] of [
  ['NUL in the message', '{"message":"a\\u0000b"}', 'message'], ['a lone surrogate', '{"message":"\\ud800"}', null],
  ['bytes that are not UTF-8', Buffer.from([...Buffer.from('{"message":"'), 0xff, 0xfe, ...Buffer.from('"}')]), null],
  ['overlong UTF-8', Buffer.from([...Buffer.from('{"message":"'), 0xc0, 0xaf, ...Buffer.from('"}')]), null],
  ['blanks only', '{"message":" \\n\\u00a0\\u2003"}', 'message'],
]) {
  test(`${what} is refused and stores nothing`, async () => {
    const token = bridge.token('player', 'refused', 'R');
    const answer = await bridge.api('POST', '/api/unified-chat/send', { token, body, headers: { 'content-type': 'application/json' } });
    if (field) isError(answer, 400, 'invalid_field', field);
    else assert.equal(answer.status, 400);
    assert.deepEqual(await cluster.query("SELECT 1 FROM chat_messages WHERE player_id = 'refused'"), []);
  });
}

// docs/events.md: bytes that a channel name may not have are written =XX.
function channelOf(playerId) {
  const encoded = [...Buffer.from(playerId)].map((byte) => {
    const c = String.fromCharCode(byte);
    return byte < 128 && /[A-Za-z0-9_\-@,.;]/.test(c) ? c : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
  return `private-player-${encoded}`;
}
