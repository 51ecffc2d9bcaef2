// Behind a proxy that speaks TLS: what the bridge believes of it, and that cookies are for TLS alone either way.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectSocket, isError, startAll, startBridge } from '../lib/index.js';

const { cluster, bridge: trusting } = await startAll({ trust_forwarded: 'on', sign_in_wait: '100ms' });
const wary = await startBridge(cluster, { sign_in_wait: '100ms' });
const strict = await startBridge(cluster, { cookie_secure: 'always' });
after(async () => { for (const bridge of [wary, strict]) await bridge.stop(); });

const https = { 'x-forwarded-proto': 'https' };
const http = { 'x-forwarded-proto': 'http' };
const page = (bridge, scheme) => ({ origin: `${scheme}://127.0.0.1:${bridge.port}` });

// Whether the cookies of a sign-in and of a sign-out are for TLS alone.
async function isSecure(bridge, headers) {
  const token = bridge.token('player', 'ada');
  const answers = [await bridge.api('POST', '/session', { token, headers }), await bridge.api('DELETE', '/session', { token, headers })];
  const secure = answers.flatMap(({ status, headers: sent }) => {
    assert.equal(status, 204);
    return sent.getSetCookie().map((cookie) => {
      assert.match(cookie, /; HttpOnly; SameSite=Strict(; Secure)?$/);
      return cookie.endsWith('; Secure');
    });
  });
  assert.equal(secure.length, 4);
  assert.equal(new Set(secure).size, 1);
  return secure[0];
}

test('a cookie is Secure where the proxy that is believed says https', async () => {
  assert.equal(await isSecure(trusting, https), true);
  for (const headers of [http, {}, { 'x-forwarded-proto': 'httpsx' }]) assert.equal(await isSecure(trusting, headers), false);
  assert.equal(await isSecure(wary, https), false, 'one that is not believed');
});

test('and where the page says https, whatever the proxy says', async () => {
  for (const bridge of [trusting, wary]) for (const headers of [{}, https]) assert.equal(await isSecure(bridge, { ...headers, ...page(bridge, 'https') }), true);
  assert.equal(await isSecure(wary, page(wary, 'http')), false);
});

test('cookie_secure = always', async () => {
  for (const headers of [{}, http, page(strict, 'http'), page(strict, 'https')]) assert.equal(await isSecure(strict, headers), true);
});

test('HSTS where the proxy that is believed says https', async () => {
  const hsts = async (bridge, headers) => (await bridge.api('GET', '/healthz', { headers })).headers.get('strict-transport-security');
  assert.match(await hsts(trusting, https), /max-age=/);
  for (const [bridge, headers] of [[trusting, http], [trusting, {}], [wary, https]]) assert.equal(await hsts(bridge, headers), null);
});

// By TLS, a page that came without has no say: whoever can change what goes over the network in the clear can make one.
for (const [what, allows] of Object.entries({
  'a request': async (bridge, headers) => {
    const answer = await bridge.api('POST', '/api/unified-chat/read/ada', { headers, body: { seq: 0 } });
    if (answer.status === 403) isError(answer, 403, 'origin_not_allowed');
    return answer.status !== 403;
  },
  'a WebSocket': async (bridge, headers) => {
    const socket = await connectSocket(bridge, { headers });
    socket.send({ event: 'pusher:subscribe', data: { channel: 'player-ada' } });
    const answer = await socket.received((m) => /subscription_(succeeded|error)/.test(m.event), 'an answer');
    socket.close();
    return /succeeded/.test(answer.event);
  },
})) {
  test(`${what} with a cookie that came by TLS is of a page that came by TLS`, async () => {
    const ask = (bridge, headers, scheme) => allows(bridge, { ...headers, ...page(bridge, scheme), cookie: `unichat_token=${bridge.token('player', 'ada')}` });
    assert.equal(await ask(trusting, https, 'https'), true);
    assert.equal(await ask(trusting, https, 'http'), false);
    assert.equal(await ask(trusting, http, 'http'), true);
    assert.equal(await ask(trusting, {}, 'http'), true);
    assert.equal(await ask(wary, https, 'http'), true, 'a proxy that is not believed');
  });
}

test('there is no demo behind a proxy, which would make of the loopback address one of the whole world', async () => {
  const demo = await startBridge(cluster, { demo_password: 'open sesame' });
  after(() => demo.stop());
  const signIn = (headers) => demo.api('POST', '/session/demo', { body: { role: 'staff', name: 'Eve', password: 'open sesame' }, headers });
  const offered = async (headers) => (await demo.api('GET', '/session', { headers })).body.demo;
  assert.equal((await signIn({})).status, 204);
  assert.equal(await offered({}), true);
  for (const [name, value] of [['forwarded', 'for=192.0.2.1'], ['x-forwarded-for', '192.0.2.1'], ['x-forwarded-host', 'chat.example'],
    ['x-forwarded-proto', 'https'], ['x-real-ip', '192.0.2.1'], ['via', '1.1 proxy']]) {
    isError(await signIn({ [name]: value }), 404, 'not_found');
    assert.equal(await offered({ [name]: value }), false, name);
  }
});
