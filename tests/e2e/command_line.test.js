// The program as an operator meets it: help, configuration errors, tokens; and its secrets, which appear nowhere.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { bridgeProgram, connectClient, freePort, run, scratchFolder, startAll, top } from '../lib/index.js';

const { cluster, bridge } = await startAll({ demo_password: 'the demo password' });
const program = bridgeProgram();
const folder = scratchFolder('config');
const call = (args, options = {}) => run(program, args, { mayFail: true, ...options });

function config(text) {
  const file = path.join(folder, 'test.conf');
  fs.writeFileSync(file, text);
  return file;
}

test('--help lists every setting with its default, --version the version', () => {
  const { status, stdout } = call(['--help']);
  assert.equal(status, 0);
  for (const word of ['--config', '--check-config', 'token', 'listen_port', '8080', 'jwt_secret', 'database', 'onesignal_api_key']) assert.ok(stdout.includes(word), word);
  const version = fs.readFileSync(path.join(top, 'unichat.control'), 'utf8').match(/default_version *= *'(.*)'/)[1];
  assert.ok(call(['--version']).stdout.includes(version));
});

test('an unknown option or command: exit code not 0, and a word about it', () => {
  for (const args of [['--nonsense'], ['nonsense'], ['--config']]) {
    const { status, stderr } = call(args);
    assert.ok(status > 0 && stderr.length > 0, args.join(' '));
  }
});

test('--check-config is content with a right file', () => {
  const { status, stderr, stdout } = call(['--check-config', '--config', bridge.configFile]);
  assert.equal(status, 0, stdout + stderr);
});

test('--check-config names every error at once, with file and line', () => {
  const file = config('listen_port = 99999\nno_such_setting = 1\npool_size = many\nlog_level = loud\n\njwt_secret = short\n');
  const { status, stdout, stderr } = call(['--check-config', '--config', file]);
  assert.notEqual(status, 0);
  const said = stdout + stderr;
  for (const [line, name] of [[1, 'listen_port'], [2, 'no_such_setting'], [3, 'pool_size'], [4, 'log_level']])
    assert.match(said, new RegExp(`test\\.conf:${line}: .*${name}`), said);
  assert.doesNotMatch(said, /= short|"short"/, 'the value of a secret');
});

test('a file that is not there, and one that is a folder', () => {
  for (const file of [path.join(folder, 'missing.conf'), folder]) {
    const { status, stderr } = call(['--config', file]);
    assert.ok(status > 0, file);
    assert.ok(stderr.includes(file), stderr);
  }
});

test('a port that is taken: it says so and ends', async () => {
  const file = config(`${fs.readFileSync(bridge.configFile, 'utf8')}`);
  const { status, stderr } = call(['--config', file], { timeout: 20000 });
  assert.ok(status > 0);
  assert.match(stderr, new RegExp(`${bridge.port}`));
});

test('the demo password is refused unless the bridge listens on loopback only', async () => {
  const file = config(`${fs.readFileSync(bridge.configFile, 'utf8').replace(/listen_address = .*/, 'listen_address = 0.0.0.0')}`);
  const { status, stdout, stderr } = call(['--check-config', '--config', file]);
  assert.notEqual(status, 0);
  assert.match(stdout + stderr, /demo_password/);
});

test('settings come from the environment too, which wins over the file', async () => {
  const port = await freePort();
  const good = call(['--check-config', '--config', bridge.configFile], { env: { ...process.env, UNICHAT_LISTEN_PORT: String(port) } });
  assert.equal(good.status, 0, good.stderr);
  const bad = call(['--check-config', '--config', bridge.configFile], { env: { ...process.env, UNICHAT_LISTEN_PORT: 'x' } });
  assert.notEqual(bad.status, 0);
  assert.match(bad.stdout + bad.stderr, /UNICHAT_LISTEN_PORT|listen_port/i);
});

test('token: prints one that works, for the role, id, name and time asked for', async () => {
  const { status, stdout } = call(['token', '--config', bridge.configFile, '--role', 'player', '--sub', 'tok', '--name', 'Tök', '--expires', '2h']);
  assert.equal(status, 0);
  const token = stdout.trim();
  assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  const payload = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  assert.deepEqual([payload.role, payload.sub, payload.name], ['player', 'tok', 'Tök']);
  assert.ok(Math.abs(payload.exp - Date.now() / 1000 - 7200) < 10);
  const { body } = await bridge.api('GET', '/session', { token });
  assert.deepEqual([body.role, body.sub, body.name], ['player', 'tok', 'Tök']);
});

test('token: what is missing or wrong is said, and nothing is printed', () => {
  for (const args of [['--role', 'admin', '--sub', 'x'], ['--role', 'staff'], ['--sub', 'x'], ['--role', 'staff', '--sub', 'x', '--expires', 'soon'], ['--role', 'staff', '--sub', '']]) {
    const { status, stdout, stderr } = call(['token', '--config', bridge.configFile, ...args]);
    assert.ok(status > 0 && stderr.length > 0 && stdout === '', args.join(' '));
  }
});

test('the demo sign-in: with the password anybody, without it nobody', async () => {
  const sign = (body) => bridge.api('POST', '/session/demo', { body, headers: { origin: bridge.url } });
  const good = await sign({ role: 'staff', name: 'Grace', password: 'the demo password' });
  assert.equal(good.status, 204);
  const cookie = good.headers.get('set-cookie').split(';')[0];
  const { body } = await bridge.api('GET', '/session', { headers: { cookie, 'x-unichat-role': 'staff' } });
  assert.deepEqual([body.role, body.name, body.demo], ['staff', 'Grace', true]);
  for (const wrong of [{ role: 'staff', name: 'G', password: 'x' }, { role: 'admin', name: 'G', password: 'the demo password' }, { role: 'staff', password: 'the demo password' }, {}]) {
    const { status } = await sign(wrong);
    assert.ok(status >= 400 && status < 500, JSON.stringify(wrong));
  }
});

test('no secret has an option: what is on a command line, every user of the machine can read', () => {
  const names = [...call(['--print-config-doc']).stdout.matchAll(/^\| `(\w+)` \| secret/gm)].map((match) => match[1]);
  assert.ok(names.includes('jwt_keys') && names.includes('app_secret'), names.join());
  for (const name of names) {
    for (const args of [[`--${name}=x`], [`--${name}`, 'x'], [`${name}=x`], [`--${name.replaceAll('_', '-')}=x`], [`--${name}-file=x`]]) {
      const { status, stdout } = call(args);
      assert.ok(status > 0 && stdout === '', args.join(' '));
    }
  }
});

test('a file with a secret that every user may read is told', () => {
  const secret = path.join(folder, 'a_secret');
  const warned = (name) => new RegExp(`secret_readable_by_everyone file="[^"]*${name}"`);
  const check = (text, mode) => {
    const file = config(text);
    fs.chmodSync(file, mode);
    return call(['--check-config', '--config', file]).stderr;
  };
  fs.writeFileSync(secret, 'x'.repeat(40));
  for (const [mode, expected] of [[0o644, true], [0o604, true], [0o640, false], [0o600, false]]) {
    fs.chmodSync(secret, mode);
    assert.equal(warned('a_secret').test(check(`jwt_secret_file = ${secret}\n`, 0o644)), expected, mode.toString(8));
    assert.equal(warned('test.conf').test(check(`jwt_secret = ${'x'.repeat(40)}\n`, mode)), expected, mode.toString(8));
    assert.doesNotMatch(check('app_key = x\n', mode), /secret_readable/);
  }
});

test('no secret, token or message text is in the log, on the command line or in --help', async () => {
  const token = bridge.token('player', 'ada', 'Ada Lovelace');
  const ada = await connectClient(bridge, { token, signin: true, channels: ['private-player-ada'] });
  after(() => ada.close());
  await bridge.api('POST', '/api/unified-chat/send', { token, body: { message: 'my own private words' } });
  await ada.waitFor((e) => e.data.kind === 'message', 'the message');
  await bridge.api('GET', '/session', { token: `${token}x` });
  cluster.psql("SELECT unichat_send('ada', 'my own private words')");
  const places = { log: bridge.log(), 'command line': fs.readFileSync(`/proc/${bridge.pid}/cmdline`, 'utf8'), help: call(['--help']).stdout };
  for (const [place, text] of Object.entries(places)) {
    assert.ok(text.length > 0, place);
    for (const secret of [bridge.secret('app_secret'), bridge.secret('jwt_secret'), 'the demo password', token, token.split('.')[2], 'my own private words'])
      assert.ok(!text.includes(secret), `${place} contains ${secret}`);
  }
});
