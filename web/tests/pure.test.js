// Timeline, texts, times and channel names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playerChannel } from '../shared/channels.js';
import { characters, initials, withLinks } from '../shared/text.js';
import { duration } from '../shared/time.js';
import { stillPending, timeline } from '../shared/timeline.js';
import { linkedRequest } from '../staff/place.js';

const minute = 60 * 1000;
const noon = new Date(2026, 0, 2, 12).getTime();

function message(seq, fields = {}) {
  return { seq, requestId: '1', sender: 'player', senderId: 'ann', message: `m${seq}`, clientMessageId: null, timestamp: new Date(noon + seq * 1000).toISOString(), ...fields };
}

const types = (rows) => rows.map((row) => row.type);

test('days and requests divide, the same sender in a short time is a group', () => {
  const rows = timeline(
    [
      message(1),
      message(2),
      message(3, { sender: 'staff', senderId: 'alex' }),
      message(4, { requestId: '2', timestamp: new Date(noon + 24 * 60 * minute).toISOString() }),
      message(5, { requestId: '2', timestamp: new Date(noon + 24 * 60 * minute + 6 * minute).toISOString() }),
    ],
    [],
    'player',
  );
  assert.deepEqual(types(rows), ['day', 'request', 'message', 'message', 'message', 'day', 'request', 'message', 'message']);
  const messages = rows.filter((row) => row.type === 'message');
  assert.deepEqual(messages.map((row) => row.startsGroup), [true, false, true, true, true]);
  assert.deepEqual(messages.map((row) => row.endsGroup), [false, true, true, true, true]);
  assert.deepEqual(messages.map((row) => row.mine), [true, true, false, true, true]);
});

test('an unsent message has the key of the sent one, so the page keeps its line', () => {
  const entry = { id: 'c1', text: 'hi', at: noon, state: 'sending', error: null };
  const stored = message(1, { clientMessageId: 'c1', message: 'hi' });
  const [before] = timeline([], [entry], 'player').filter((row) => row.type === 'message');
  const [after] = timeline([stored], stillPending([entry], [stored], 'player'), 'player').filter((row) => row.type === 'message');
  assert.equal(before.key, after.key);
  assert.equal(after.state, 'sent');
});

test('another sender’s client id hides nothing of mine', () => {
  const entry = { id: 'c1', text: 'hi', at: noon, state: 'sending' };
  const theirs = message(1, { sender: 'staff', clientMessageId: 'c1' });
  assert.deepEqual(stillPending([entry], [theirs], 'player'), [entry]);
});

test('links are http and https only, without the sentence’s full stop; the parts are the text', () => {
  const text = 'see https://a.example/x?y=1. or (http://b.example) javascript:alert(1) <a href="x">';
  const parts = withLinks(text);
  assert.deepEqual(parts.filter((part) => part.href).map((part) => part.href), ['https://a.example/x?y=1', 'http://b.example']);
  assert.equal(parts.map((part) => part.href ?? part).join(''), text);
  assert.deepEqual(withLinks('plain'), ['plain']);
});

test('characters are counted as PostgreSQL does', () => {
  assert.equal(characters('a€😀'), 3);
});

test('initials', () => {
  assert.equal(initials('Ann Lee'), 'AL');
  assert.equal(initials('player-42'), 'P4');
  assert.equal(initials('bo'), 'BO');
  assert.equal(initials('  '), '?');
  assert.equal(initials('😀 x'), '😀X');
});

test('durations', () => {
  assert.deepEqual([-1, 59.9, 60, 3600, 3660, 90000].map(duration), ['0 s', '59 s', '1 min', '1 h', '1 h 1 min', '1 d 1 h']);
});

test('channel names of players: allowed characters stay, each other byte is =XX', () => {
  assert.equal(playerChannel('ann-1_x@y,z.;'), 'private-player-ann-1_x@y,z.;');
  assert.equal(playerChannel('a b=ü/'), 'private-player-a=20b=3D=C3=BC=2F');
});

test("a push notification's link names its request, and nothing else does", () => {
  assert.equal(linkedRequest('#/request/4711'), '4711');
  for (const other of ['', '#', '#/request/', '#/request/x', '#/request/1/2', '#/requests/1']) assert.equal(linkedRequest(other), null);
});
