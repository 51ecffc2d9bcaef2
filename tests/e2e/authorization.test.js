// Who may do what: every endpoint, asked by nobody, by a player, by another player, by staff, and with every kind of bad token.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { test } from 'node:test';
import { isError, signJwt, startAll } from '../lib/index.js';

const { cluster, bridge } = await startAll({ allowed_origins: 'https://shop.example', jwt_leeway: '0s' });
cluster.psql("SELECT unichat_send('ada', 'hello'); SELECT unichat_send('bob', 'hello')");
const [{ id }] = await cluster.query("SELECT id FROM chat_requests WHERE player_id = 'ada'");

const tokens = { nobody: undefined, ada: bridge.token('player', 'ada'), bob: bridge.token('player', 'bob'), staff: bridge.token('staff', 'grace') };
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const auth = (channel) => [`POST`, '/pusher/auth', `socket_id=1.2&channel_name=${channel}`, form];

// For each call, what is answered to nobody, ada, bob, staff.
const MATRIX = [
  [['POST', '/api/unified-chat/send', { playerId: 'ada', message: 'x' }], 401, 201, 403, 201],
  [['POST', '/api/unified-chat/send', { message: 'x', playerId: 'ada', sender: 'staff' }], 401, 403, 403, 201],
  [['GET', '/api/unified-chat/messages/ada'], 401, 200, 403, 200],
  [['GET', '/api/unified-chat/requests'], 401, 403, 403, 200],
  [['GET', '/api/unified-chat/requests?playerId=ada'], 401, 403, 403, 200],
  [['POST', '/api/unified-chat/read/ada', { seq: 1 }], 401, 200, 403, 200],
  [['POST', `/api/unified-chat/status/${id}`, { status: 'in_progress' }], 401, 403, 403, 200],
  [['GET', '/session'], 401, 200, 200, 200],
  [auth('private-player-ada'), [401, 403], 200, 403, 200],
  [auth('private-player-bob'), [401, 403], 403, 200, 200],
  [auth('private-staff-portal'), [401, 403], 403, 403, 200],
  [auth('presence-staff'), [401, 403], 403, 403, 200],
  [auth('private-anything-else'), [401, 403], 403, 403, [200, 403]],
  [auth('private-player-'), [401, 403], 403, 403, [200, 403]],
  [['POST', '/pusher/user-auth', 'socket_id=1.2', form], [401, 403], 200, 200, 200],
];

for (const [[method, path, body, headers], ...expected] of MATRIX) {
  test(`${method} ${path} ${body ? JSON.stringify(body) : ''}`, async () => {
    for (const [i, who] of Object.keys(tokens).entries()) {
      const answer = await bridge.api(method, path, { token: tokens[who], body, headers });
      assert.ok([expected[i]].flat().includes(answer.status), `${who}: ${answer.status} ${JSON.stringify(answer.body)}`);
      if (answer.status >= 400) assert.ok(answer.body.error.code, who);
    }
  });
}

test("a player's own sender may be said, as long as it is player", async () => {
  assert.equal((await bridge.api('POST', '/api/unified-chat/send', { token: tokens.ada, body: { message: 'x', sender: 'player' } })).status, 201);
});

const now = Math.floor(Date.now() / 1000);
const secret = bridge.secret('jwt_secret');
const HS256 = { alg: 'HS256', typ: 'JWT' };
const good = { role: 'staff', sub: 'grace', exp: now + 600 };
const none = () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(good)).toString('base64url')}.`;

for (const [what, token] of [
  ['signed with another secret', signJwt(HS256, good, 'x'.repeat(32))], ['expired', signJwt(HS256, { ...good, exp: now - 10 }, secret)],
  ['without exp', signJwt(HS256, { role: 'staff', sub: 'grace' }, secret)], ['not valid yet', signJwt(HS256, { ...good, nbf: now + 600 }, secret)],
  ['without role', signJwt(HS256, { sub: 'grace', exp: now + 600 }, secret)], ['of an unknown role', signJwt(HS256, { ...good, role: 'admin' }, secret)],
  ['without sub', signJwt(HS256, { role: 'staff', exp: now + 600 }, secret)], ['with an empty sub', signJwt(HS256, { ...good, sub: '' }, secret)],
  ['with a sub over 128 bytes', signJwt(HS256, { ...good, sub: 's'.repeat(129) }, secret)], ['with a number as sub', signJwt(HS256, { ...good, sub: 7 }, secret)],
  ['with alg none', none()], ['with alg NoNe', none().replace(/^[^.]+/, Buffer.from('{"alg":"NoNe"}').toString('base64url'))],
  ['with alg HS512 in its header', `${signJwt({ alg: 'HS512' }, good, secret)}`],
  ['whose payload was changed', signJwt(HS256, { ...good, role: 'player' }, secret).replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify(good)).toString('base64url')}.`)],
  ['that is no JWT', 'abc'], ['that is empty parts', '..'], ['that is long', 'a.'.repeat(2000)], ['with exp as a text', signJwt(HS256, { ...good, exp: '9999999999' }, secret)],
]) {
  test(`a token ${what} is refused with 401`, async () => {
    for (const path of ['/session', '/api/unified-chat/requests']) {
      const answer = await bridge.api('GET', path, { token });
      assert.equal(answer.status, 401, JSON.stringify(answer.body));
      assert.ok(['invalid_token', 'unauthenticated'].includes(answer.body.error.code));
    }
  });
}

test('a token in the URL does not count', async () => {
  for (const name of ['token', 'access_token', 'unichat_token'])
    assert.equal((await bridge.api('GET', `/session?${name}=${tokens.staff}`)).status, 401);
});

test('a session: the cookie is HttpOnly and SameSite=Strict, works, and ends', async () => {
  const made = await bridge.api('POST', '/session', { token: tokens.ada });
  assert.equal(made.status, 204);
  const cookie = made.headers.get('set-cookie');
  assert.match(cookie, /^unichat_token=/);
  for (const attribute of [/; *HttpOnly/i, /; *SameSite=Strict/i, /; *Path=\//i]) assert.match(cookie, attribute);
  const headers = { cookie: cookie.split(';')[0] };
  const { status, body } = await bridge.api('GET', '/session', { headers });
  assert.equal(status, 200);
  assert.deepEqual([body.role, body.sub, body.app.key, body.demo], ['player', 'ada', bridge.key, false]);
  const ended = await bridge.api('DELETE', '/session', { headers: { ...headers, origin: bridge.url } });
  assert.equal(ended.status, 204);
  assert.match(ended.headers.get('set-cookie'), /Max-Age=0|Expires=Thu, 01 Jan 1970/i);
});

test('a cookie is not enough from another site: what changes something must come from our own or an allowed origin', async () => {
  const cookie = `unichat_token=${tokens.ada}`;
  const send = (headers) => bridge.api('POST', '/api/unified-chat/send', { body: { message: 'x' }, headers: { cookie, ...headers } });
  for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { origin: bridge.url.replace('http:', 'https:') + '.evil.example' }, { 'sec-fetch-site': 'cross-site' }])
    isError(await send(headers), 403, 'origin_not_allowed');
  for (const headers of [{ origin: bridge.url }, { origin: 'https://shop.example' }]) assert.equal((await send(headers)).status, 201, JSON.stringify(headers));
});

test('another origin may read answers only where it is allowed', async () => {
  const ask = (origin) => bridge.api('GET', '/session', { token: tokens.ada, headers: { origin } });
  assert.equal((await ask('https://shop.example')).headers.get('access-control-allow-origin'), 'https://shop.example');
  assert.equal((await ask('https://evil.example')).headers.get('access-control-allow-origin'), null);
});

test('the demo sign-in is closed unless a demo password is set', async () => {
  const answer = await bridge.api('POST', '/session/demo', { body: { role: 'staff', name: 'x', password: '' }, headers: { origin: bridge.url } });
  assert.ok([403, 404].includes(answer.status), String(answer.status));
});

test('a signature for a channel is the one that the protocol describes', async () => {
  const answer = await bridge.api('POST', '/pusher/auth', { token: tokens.ada, body: 'socket_id=123.456&channel_name=private-player-ada', headers: form });
  const signature = crypto.createHmac('sha256', bridge.secret('app_secret')).update('123.456:private-player-ada').digest('hex');
  assert.deepEqual(answer.body, { auth: `${bridge.key}:${signature}` });
  for (const body of ['', 'socket_id=1.2', 'channel_name=private-player-ada', 'socket_id=abc&channel_name=private-player-ada', 'socket_id=1.2:x&channel_name=private-player-ada'])
    assert.ok([400, 403].includes((await bridge.api('POST', '/pusher/auth', { token: tokens.ada, body, headers: form })).status), body);
});
