// make demo, as a stranger uses it: two browsers' worth of chat, Ctrl-C, and again with everything kept.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { bridgeProgram, freePort, run, scratchFolder, top, until, within } from '../lib/index.js';

bridgeProgram(); // builds it
run(path.join(top, 'scripts/build-web.sh'), []);
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const parent = scratchFolder('demo');
fs.chmodSync(parent, 0o755);
const home = path.join(parent, 'demo');
const running = [];
after(() => running.forEach((demo) => demo.kill('SIGINT')));

function startDemo(env = {}) {
  const demo = spawn(path.join(top, 'scripts/demo.sh'), { env: { ...process.env, DEMO_PORT: String(port), DEMO_DIR: home, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  demo.said = '';
  for (const stream of [demo.stdout, demo.stderr]) stream.on('data', (data) => { demo.said += data; });
  demo.ended = new Promise((resolve) => { demo.on('exit', (code) => resolve(code)); });
  running.push(demo);
  return demo;
}

async function up(demo) {
  let code;
  demo.ended.then((c) => { code = c; });
  await until(() => code !== undefined || demo.said.includes('Password '), 'the demo to say its password', 120000);
  assert.equal(code, undefined, demo.said);
  return demo.said.match(/Password (\S+)/)[1];
}

async function signIn(role, password) {
  const answer = await fetch(`${url}/session/demo`, { method: 'POST', headers: { 'content-type': 'application/json', origin: url }, body: JSON.stringify({ role, name: role, password }) });
  assert.equal(answer.status, 204);
  const cookie = answer.headers.get('set-cookie').split(';')[0];
  return (method, where, body) => fetch(url + where, {
    method, headers: { cookie, 'x-unichat-role': role, origin: url, 'content-type': 'application/json' }, body: body && JSON.stringify(body),
  });
}

test('it starts, says where the portals are, and a player and a staff member chat', async () => {
  const demo = startDemo();
  const password = await up(demo);
  for (const page of [`http://localhost:${port}/player/`, `http://localhost:${port}/staff/`]) {
    assert.ok(demo.said.includes(page));
    assert.equal((await fetch(page)).status, 200);
  }
  const player = await signIn('player', password);
  const staff = await signIn('staff', password);
  assert.equal((await player('POST', '/api/unified-chat/send', { message: 'hello' })).status, 201);
  const { requests } = await (await staff('GET', '/api/unified-chat/requests')).json();
  assert.equal(requests.length, 1);
  assert.equal((await staff('POST', '/api/unified-chat/send', { playerId: requests[0].playerId, message: 'hello' })).status, 201);
});

test('a second one says that the port is taken, and does no harm', async () => {
  const second = startDemo();
  assert.notEqual(await within(second.ended, 'the second demo to give up'), 0);
  assert.match(second.said, new RegExp(`port ${port} is in use`));
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test('its secrets can be read by nobody else, and its database by nobody over the network', () => {
  for (const name of ['app_secret', 'jwt_secret', 'demo_password']) assert.equal(fs.statSync(path.join(home, name)).mode & 0o777, 0o600);
  assert.equal(fs.statSync(home).mode & 0o777, 0o700);
  const pid = Number(fs.readFileSync(path.join(home, 'pg/postmaster.pid'), 'utf8').split('\n')[0]);
  assert.match(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /listen_addresses=\0/);
});

test('Ctrl-C stops everything with exit code 0, and again it is up in seconds with its chats', async () => {
  const [demo] = running;
  const pid = Number(fs.readFileSync(path.join(home, 'pg/postmaster.pid'), 'utf8').split('\n')[0]);
  demo.kill('SIGINT');
  assert.equal(await within(demo.ended, 'the demo to end', 30000), 0);
  assert.ok(!fs.existsSync(`/proc/${pid}`), 'PostgreSQL has ended');
  await assert.rejects(fetch(`${url}/healthz`));
  const started = Date.now();
  const again = startDemo();
  const staff = await signIn('staff', await up(again));
  assert.ok(Date.now() - started < 15000, `${Date.now() - started} ms`);
  const { requests } = await (await staff('GET', '/api/unified-chat/requests')).json();
  assert.equal(requests.length, 1);
  again.kill('SIGTERM');
  assert.equal(await within(again.ended, 'the demo to end', 30000), 0);
});

test('a port number that is none is refused', async () => {
  for (const bad of ['0', '65536', 'http', '80 80']) {
    const demo = startDemo({ DEMO_PORT: bad });
    assert.notEqual(await within(demo.ended, 'the demo to give up'), 0);
    assert.match(demo.said, /not a port number/);
  }
});

test('a port that somebody else has is named', async () => {
  const other = net.createServer().listen(0, '127.0.0.1');
  await until(() => other.listening, 'the other server');
  const demo = startDemo({ DEMO_PORT: String(other.address().port) });
  assert.notEqual(await within(demo.ended, 'the demo to give up'), 0);
  assert.match(demo.said, new RegExp(`port ${other.address().port} is in use by another program`));
  other.close();
});
