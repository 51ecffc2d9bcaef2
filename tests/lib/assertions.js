// What the tests say about events and answers, in one place.
import assert from 'node:assert/strict';

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

export function isTimestamp(value) {
  assert.match(value, TIMESTAMP);
}

// data has exactly the fields of expected and a timestamp. A RegExp in expected matches; anything else is equal.
export function isEvent(data, expected) {
  const { timestamp, ...rest } = data;
  isTimestamp(timestamp);
  matches(rest, expected);
}

export function matches(actual, expected) {
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) {
    if (value instanceof RegExp) assert.match(String(actual[name]), value, name);
    else assert.deepEqual(actual[name], value, name);
  }
}

// An error answer: {"error":{"code","message","field"?}} and nothing else but `more`.
export function isError(answer, status, code, field, more = {}) {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.match(answer.headers.get('content-type'), /^application\/json/);
  assert.deepEqual(Object.keys(answer.body), ['error']);
  const { message, ...rest } = answer.body.error;
  assert.ok(message && typeof message === 'string', 'a message');
  assert.deepEqual(rest, field === undefined ? { code, ...more } : { code, field, ...more });
}

// seq 1..n, each once, in order.
export function isGapless(seqs) {
  assert.deepEqual(seqs, seqs.map((_, index) => seqs[0] + index));
}
