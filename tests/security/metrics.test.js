// The metrics are for the operator: given to the bridge's own machine, unless through a proxy, and to who has metrics_token.
// /healthz and /readyz say to anybody whether it is up, and nothing else.
import assert from 'node:assert/strict';
import http from 'node:http';
import os from 'node:os';
import { test } from 'node:test';
import { isError, randomSecret, startAll, until } from '../lib/index.js';

const token = randomSecret();
const { cluster, bridge } = await startAll({ listen_address: '*', metrics_token: token, failed_tokens: 5 });
const outside = Object.values(os.networkInterfaces()).flat().find((one) => one.family === 'IPv4' && !one.internal)?.address;

// One request to this address of the machine; the kernel takes the same for the other end.
function get(path, { host = '127.0.0.1', headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    http.get({ host, port: bridge.port, path, headers, localAddress: host }, async (answer) => {
      const text = (await answer.toArray()).join('');
      const isJson = (answer.headers['content-type'] || '').startsWith('application/json');
      resolve({ status: answer.statusCode, headers: new Headers(answer.headers), body: isJson ? JSON.parse(text) : text });
    }).on('error', reject);
  });
}
const isRefused = (answer) => isError(answer, 403, 'forbidden');
function isGiven({ status, body }) {
  assert.equal(status, 200, JSON.stringify(body));
  assert.match(body, /^unichat_connections /m);
}

test('from the machine itself they are given', async () => {
  isGiven(await get('/metrics'));
});

test('not from another address', { skip: !outside && 'this machine has no other address' }, async () => {
  isRefused(await get('/metrics', { host: outside }));
  await until(() => bridge.log().includes(`event=metrics_refused peer=${outside}`), 'the log to say who asked');
  isGiven(await get('/metrics', { host: outside, headers: { authorization: `Bearer ${token}` } }));
});

test('not through a proxy on the machine, whichever way it says so', async () => {
  for (const name of ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Server', 'Forwarded', 'Via', 'X-Real-IP']) {
    isRefused(await get('/metrics', { headers: { [name]: 'for=127.0.0.1' } }));
    isRefused(await get('/metrics', { headers: { [name]: '127.0.0.1', cookie: `unichat_token=${token}` } }));
    isGiven(await get('/metrics', { headers: { [name]: '127.0.0.1', authorization: `Bearer ${token}` } }));
  }
});

test('wrong tokens are refused, and guessing is limited; the right one is never refused', async () => {
  const ask = (bearer) => get('/metrics', { headers: { 'x-forwarded-for': '192.0.2.7', authorization: `Bearer ${bearer}` } });
  for (const wrong of ['', 'x', token.slice(1), `${token}x`, bridge.token('staff', 'grace')]) isRefused(await ask(wrong));
  assert.equal((await ask('again')).status, 429);
  isGiven(await ask(token));
});

test('without metrics_token no token opens them', async () => {
  bridge.configure({ metrics_token: null });
  await bridge.reloaded();
  for (const headers of [{}, { authorization: 'Bearer ' }, { authorization: `Bearer ${token}` }])
    assert.ok([403, 429].includes((await get('/metrics', { headers: { via: '1.1 proxy', ...headers } })).status));
  isGiven(await get('/metrics'));
});

test('whether it is up is all that /healthz and /readyz tell', async () => {
  const headers = { 'x-forwarded-for': '192.0.2.7' };
  assert.deepEqual((await get('/healthz', { headers })).body, { status: 'ok' });
  assert.deepEqual((await get('/readyz', { headers })).body, { status: 'ok' });
  await cluster.down();
  const { body } = await until(async () => { const answer = await get('/readyz', { headers }); return answer.status === 503 && answer; }, '/readyz to be 503');
  assert.deepEqual(body, { status: 'unavailable' });
});
