// Who gets in, and how: with and without the demo, with the other role's token, over TLS, and below a path of a proxy.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { freePort, run, scratchFolder, startBridge, until } from '../lib/index.js';
import { demoPassword, openStage, Portal } from './stage.js';

const stage = await openStage({ jwt_leeway: '2s' });
after(() => stage.close());

async function visit(role, url, { token, ...options } = {}) {
  const profile = await stage.profile(options);
  if (token) await profile.addCookies([{ name: 'unichat_token', value: token, url, httpOnly: true, sameSite: 'Strict' }]);
  const page = await profile.newPage();
  stage.listen(page, role);
  await page.goto(`${url}/${role}/`);
  return new Portal(stage, role, page);
}

test('without the demo, the page says where to sign in, and goes on once that is done', async () => {
  const bridge = await startBridge(stage.cluster);
  const player = await visit('player', bridge.url);
  await player.sees('Sign in to the app that you came from', '.gate-card');
  assert.equal(await player.page.locator('input').count(), 0);
  const { status, headers } = await bridge.api('POST', '/session', { token: bridge.token('player', 'ann', 'Ann') });
  assert.equal(status, 204);
  const [, value] = /unichat_token=([^;]+)/.exec(headers.get('set-cookie'));
  await player.page.context().addCookies([{ name: 'unichat_token', value, url: bridge.url, httpOnly: true }]);
  await player.press('I have signed in');
  await player.sees('Hello, Ann', '.welcome');
  await player.close();
  await bridge.stop();
});

test('a token of the other role does not open the page', async () => {
  const token = stage.bridge.token('player', 'ann', 'Ann');
  const staff = await visit('staff', stage.url, { token });
  await staff.sees('You are signed in as player', '.gate-card');
  assert.equal(await staff.page.locator('.queue').count(), 0);
  await staff.close();
});

test('a token that is no good counts as none', async () => {
  for (const token of ['rubbish', stage.bridge.token('staff', 'x', 'X', { exp: 1 })]) {
    const staff = await visit('staff', stage.url, { token });
    await staff.page.getByLabel('Password').waitFor();
    await staff.close();
  }
});

test('a token that runs out while the page is open: the page says so by itself, and goes on after signing in', async () => {
  const token = stage.bridge.token('player', 'Exp', 'Exp', { exp: Math.floor(Date.now() / 1000) + 12 }); // long enough for a busy machine to show the page
  const player = await visit('player', stage.url, { token });
  await player.live();
  await player.sees('Your session has ended', 'dialog');
  await player.page.getByLabel('Name').fill('Exp');
  await player.page.getByLabel('Password').fill(demoPassword);
  await player.press('Sign in');
  await until(async () => (await player.page.locator('dialog').count()) === 0, 'the dialog to go');
  await player.live();
  await player.say('back again');
  await player.sees('Sent', '.message');
  await stage.sql('Exp', 'good to see you', 'staff', 's-1');
  await player.showsTheTruth('Exp');
  await player.close();
});

test('staff whose tokens are revoked: the page they have open says so at once, and shows no more chats', async () => {
  const staff = await visit('staff', stage.url, { token: stage.bridge.token('staff', 'leaves', 'Lea', { iat: Math.floor(Date.now() / 1000) - 600 }) });
  await staff.live();
  stage.cluster.psql("SELECT unichat_revoke('staff', 'leaves')");
  await staff.sees('Your session has ended', '.gate-dialog');
  await staff.close();
});

test('a token without a name', async () => {
  const player = await visit('player', stage.url, { token: stage.bridge.token('player', 'nameless') });
  await player.say('who am I?');
  await player.sees('Sent', '.message');
  const staff = await visit('staff', stage.url, { token: stage.bridge.token('staff', 's-1') });
  await staff.openChat('nameless');
  await staff.showsTheTruth('nameless');
  await player.close();
  await staff.close();
});

test('ids of any characters have their own channel', async () => {
  for (const id of ['a b/c?d#e%f', 'ü=😀', '<b>"\'&', '%2e%2e']) {
    const player = await visit('player', stage.url, { token: stage.bridge.token('player', id, 'Odd') });
    await player.live();
    await player.say(`I am ${id}`);
    await player.sees('Sent', '.message');
    await stage.cluster.query("SELECT unichat_send($1, 'seen', 'staff', 's-1')", [id]);
    await player.showsTheTruth(id);
    await player.page.reload();
    await player.showsTheTruth(id);
    await player.close();
  }
});

test('over TLS: https and wss', async () => {
  const folder = scratchFolder('tls');
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name));
  run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert]);
  fs.chmodSync(key, 0o600);
  const tlsPort = await freePort();
  const bridge = await startBridge(stage.cluster, { tls_port: tlsPort, tls_cert: cert, tls_key: key });
  const url = `https://127.0.0.1:${tlsPort}`;
  const player = await visit('player', url, { token: bridge.token('player', 'tls', 'Tls'), ignoreHTTPSErrors: true });
  const sockets = [];
  player.page.on('websocket', (socket) => sockets.push(socket.url()));
  await player.page.reload();
  await player.live();
  await player.say('in private');
  await player.showsTheTruth('tls');
  assert.ok(sockets[0].startsWith(`wss://127.0.0.1:${tlsPort}/app/`), sockets[0]);
  await player.close();
  await bridge.stop();
});

// A proxy as an operator has one: everything below /support/ goes to the bridge, without that prefix.
async function proxy(prefix, port) {
  const cut = (url) => url.slice(prefix.length - 1);
  const server = http.createServer((request, response) => {
    if (!request.url.startsWith(prefix)) return response.writeHead(404).end();
    const onward = http.request({ port, method: request.method, path: cut(request.url), headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    return request.pipe(onward);
  });
  server.on('upgrade', (request, near) => {
    const far = net.connect(port, '127.0.0.1', () => {
      const lines = Array.from({ length: request.rawHeaders.length / 2 }, (_, i) => `${request.rawHeaders[2 * i]}: ${request.rawHeaders[2 * i + 1]}`);
      far.write([`GET ${cut(request.url)} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
      far.pipe(near).pipe(far);
    });
    for (const end of [near, far]) end.on('error', () => [near, far].forEach((one) => one.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}${prefix.slice(0, -1)}`, close: () => (server.close(), server.closeAllConnections()) };
}

test('below a path of a proxy', async () => {
  const front = await proxy('/support/', stage.bridge.port);
  const player = await visit('player', front.url, { token: stage.bridge.token('player', 'pax', 'Pax') });
  const staff = await visit('staff', front.url, { token: stage.bridge.token('staff', 'alex', 'Alex') });
  for (const portal of [player, staff]) await portal.live();
  await player.say('through a proxy');
  await staff.openChat('pax');
  await staff.say('I read you');
  await player.showsTheTruth('pax');
  await player.close();
  await staff.close();
  front.close();
});

test('nothing was complained about in any page', () => assert.deepEqual(stage.troubles, []));
