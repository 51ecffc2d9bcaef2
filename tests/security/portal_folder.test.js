// What is served as a file: what is in a portal's folder, and nothing else, whatever the path or a symbolic link says.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { scratchFolder, startBridge, within } from '../lib/index.js';

const SECRET = 'nobody may read this';
const folder = scratchFolder('portals');
const put = (name, text) => {
  fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  fs.writeFileSync(path.join(folder, name), text);
};
const link = (name, to) => fs.symlinkSync(to, path.join(folder, name));

for (const portal of ['home', 'player', 'staff', 'shared', 'vendor']) put(`web/${portal}/index.html`, `the page of ${portal}`);
put('web/player/real/app.js', 'inside');
put('web/player/.git/config', SECRET);
put('web/secret.txt', SECRET);
put('web/player-backup/index.html', SECRET);
put('outside/secret.txt', SECRET);
link('web/player/inside.js', 'real/app.js');
link('web/player/linked', 'real');
link('web/player/out.txt', '../../outside/secret.txt');
link('web/player/absolute.txt', path.join(folder, 'outside/secret.txt'));
link('web/player/away', '../../outside');
link('web/player/beside', '../player-backup');
link('web/player/chain.txt', 'out.txt');
link('web/player/self', '.');
link('web/player/loop', 'loop');
link('web/player/index.txt', '/etc/passwd');
link('served', 'web'); // web_root itself may be one

const bridge = await startBridge(null, { database: 'host=/nonexistent', web_root: path.join(folder, 'served') }, { wait: false });
after(() => bridge.stop());
after(() => fs.rmSync(folder, { recursive: true }));

// The path goes as it is written: no client tidies it.
function get(target) {
  return within(new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(bridge.port, '127.0.0.1', () => socket.write(`GET ${target} HTTP/1.0\r\nHost: x\r\n\r\n`));
    socket.on('data', (data) => { text += data; });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  }), `the answer to ${target}`);
}

test('the portals, and at / the page that leads to them', async () => {
  for (const [target, page] of [['/', 'home'], ['/index.html', 'home'], ['/player/', 'player'], ['/staff/', 'staff'], ['/staff/index.html', 'staff']]) {
    const answer = await get(target);
    assert.match(answer, /^HTTP\/1\.1 200/, target);
    assert.ok(answer.endsWith(`the page of ${page}`), target);
    assert.match(answer, /Content-Security-Policy: default-src 'none'/, target);
  }
  assert.match(await get('/player'), /^HTTP\/1\.1 308[^]*Location: \/player\//);
  assert.match(await get('/nothing'), /^HTTP\/1\.1 404/);
});

test('no path leaves the folder of a portal', async () => {
  for (const target of ['/player/../../etc/passwd', '/player/%2e%2e/%2e%2e/etc/passwd', '/player/..%2f..%2foutside/secret.txt', '/player/%252e%252e/',
    '/player/../secret.txt', '/player/%2e%2e/secret.txt', '/secret.txt', '/home/', '//secret.txt', '/../web/secret.txt', '/player-backup/', '/player-backup/index.html',
    '/player//etc/passwd', '/player/%00', '/player/index.html%00.js', '/player/..\\..\\etc\\passwd', '/player/.git/config', '//etc/passwd',
    '/shared/../../outside/secret.txt', '/player/./../staff/../secret.txt', '/player/real', '/player/real/']) {
    const answer = await get(target);
    assert.doesNotMatch(answer, new RegExp(`${SECRET}|root:`), target);
  }
});

test('a symbolic link is followed as long as it stays inside', async () => {
  for (const target of ['/player/inside.js', '/player/linked/app.js', '/player/self/real/app.js']) assert.match(await get(target), /^HTTP\/1\.1 200[^]*inside$/, target);
  for (const target of ['/player/out.txt', '/player/absolute.txt', '/player/away/secret.txt', '/player/beside/index.html', '/player/chain.txt', '/player/self/out.txt',
    '/player/loop', '/player/index.txt']) assert.match(await get(target), /^HTTP\/1\.1 404/, target);
});
