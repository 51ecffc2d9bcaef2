// Changing the keys of tokens without a gap: old and new at once, and what the old one has signed ends when it is taken out.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { connectClient, connectSocket, run, signJwt, startAll, until } from '../lib/index.js';

const HS = { old: crypto.randomBytes(32), new: crypto.randomBytes(32) };
const RSA = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const EC = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const oct = (kid) => ({ kty: 'oct', kid, alg: 'HS256', k: HS[kid].toString('base64url') });
const rsa = { ...RSA.publicKey.export({ format: 'jwk' }), kid: 'rsa', alg: 'RS256', use: 'sig' };
const ec = { ...EC.publicKey.export({ format: 'jwk' }), kid: 'ec', alg: 'ES256' };

const { bridge } = await startAll({ jwt_secret: null, jwt_keys: JSON.stringify({ keys: [oct('old')] }), jwt_leeway: '0s' });
const sockets = [];
after(() => sockets.forEach((socket) => socket.close()));

async function use(...keys) {
  const before = bridge.log().length;
  bridge.configure({ jwt_keys: JSON.stringify({ keys }) });
  await bridge.kill('SIGHUP');
  await until(() => /event=(reloaded|jwt_keys)/.test(bridge.log().slice(before)), 'the reload');
}

const now = Math.floor(Date.now() / 1000);
const claims = { role: 'staff', sub: 'grace', iat: now, exp: now + 3600 };
const token = (kid, more = {}) => signJwt({ alg: 'HS256', kid }, { ...claims, ...more }, HS[kid]);

// Signed as header.alg says, or as `alg` does.
function signed(header, pair, alg = header.alg) {
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const pss = alg.startsWith('PS') ? { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST } : {};
  const signature = crypto.sign(`sha${alg.slice(2)}`, Buffer.from(text), { key: pair.privateKey, dsaEncoding: 'ieee-p1363', ...pss });
  return `${text}.${signature.toString('base64url')}`;
}

const status = async (one) => (await bridge.api('GET', '/session', { token: one })).status;

async function connected(one) {
  const socket = await connectSocket(bridge, { headers: { authorization: `Bearer ${one}` } });
  sockets.push(socket);
  socket.send({ event: 'pusher:subscribe', data: { channel: 'staff-portal' } });
  await socket.received((m) => m.event === 'pusher_internal:subscription_succeeded', 'the subscription');
  return socket;
}

test('old and new keys side by side; what the old one has signed ends with it', async () => {
  assert.deepEqual([await status(token('old')), await status(token('new'))], [200, 401]);
  const byOld = await connected(token('old'));
  await use(oct('old'), oct('new'));
  assert.deepEqual([await status(token('old')), await status(token('new'))], [200, 200]);
  const byNew = await connected(token('new'));
  await use(oct('new'));
  assert.equal((await byOld.end()).code, 4009);
  assert.deepEqual([await status(token('old')), await status(token('new'))], [401, 200]);
  byNew.send({ event: 'pusher:ping', data: {} });
  await byNew.received((m) => m.event === 'pusher:pong', 'the connection of the new key to live on');
});

test('a connection that only a channel authorization has tied to the old key ends too', async () => {
  await use(oct('old'), oct('new'));
  const [byOld, byNew] = await Promise.all(['old', 'new'].map((kid) => connectClient(bridge, { token: token(kid), channels: ['private-staff-portal'] })));
  let code;
  byOld.pusher.connection.bind('error', ({ data }) => { code ??= data?.code; });
  await use(oct('new'));
  await until(() => byOld.state === 'disconnected' || byOld.state === 'failed' || code === 4009, 'the old one to be closed');
  assert.equal(byNew.state, 'connected');
});

test('public keys of both kinds, each for its own algorithm alone', async () => {
  await use(rsa, ec);
  assert.equal(await status(signed({ alg: 'RS256', kid: 'rsa' }, RSA)), 200);
  assert.equal(await status(signed({ alg: 'ES256', kid: 'ec' }, EC)), 200);
  assert.equal(await status(signed({ alg: 'ES256', kid: 'rsa' }, EC)), 401);
  assert.equal(await status(signed({ alg: 'RS256', kid: 'ec' }, RSA)), 401);
  const pem = RSA.publicKey.export({ type: 'spki', format: 'pem' });
  for (const secret of [pem, pem.trim(), rsa.n, Buffer.from(rsa.n, 'base64url'), '']) {
    for (const kid of ['rsa', 'ec', undefined])
      assert.equal(await status(signJwt({ alg: 'HS256', kid }, claims, secret)), 401, 'a public key as an HMAC secret');
  }
});

test('every algorithm there is, from a JWK and from a PEM file, and none by the name of another', async () => {
  const pairs = { RS: RSA, PS: RSA };
  for (const [bits, namedCurve] of [[256, 'P-256'], [384, 'P-384'], [512, 'P-521']]) pairs[`ES${bits}`] = crypto.generateKeyPairSync('ec', { namedCurve });
  const algorithms = ['RS', 'PS', 'ES'].flatMap((kind) => [256, 384, 512].map((bits) => `${kind}${bits}`));
  const pair = (alg) => pairs[alg] ?? pairs[alg.slice(0, 2)];
  await use(...algorithms.map((alg) => ({ ...pair(alg).publicKey.export({ format: 'jwk' }), alg, kid: alg })));
  for (const alg of algorithms) {
    assert.equal(await status(signed({ alg, kid: alg }, pair(alg))), 200, alg);
    const other = algorithms[(algorithms.indexOf(alg) + 1) % algorithms.length];
    assert.equal(await status(signed({ alg: other, kid: other }, pair(alg), alg)), 401, `${alg} as ${other}`);
    assert.equal(await status(signed({ alg: other, kid: alg }, pair(other))), 401, `${other} by the name of ${alg}`);
  }
  const pem = path.join(bridge.folder, 'public.pem');
  for (const alg of ['RS256', 'PS512', 'ES384']) {
    fs.writeFileSync(pem, pair(alg).publicKey.export({ type: 'spki', format: 'pem' }));
    bridge.configure({ jwt_keys: null, jwt_algorithm: alg, jwt_key_file: pem });
    await bridge.kill('SIGHUP');
    await until(async () => await status(signed({ alg }, pair(alg))) === 200, `${alg} from a PEM file`);
    assert.equal(await status(signJwt({ alg: 'HS256' }, claims, fs.readFileSync(pem))), 401);
  }
  bridge.configure({ jwt_algorithm: null, jwt_key_file: null });
});

test('a set that cannot be used changes nothing, and the log says why without any of it', async () => {
  await use(oct('new'));
  const wrong = { ...oct('old'), k: HS.old.subarray(0, 16).toString('base64url') };
  await use(oct('new'), wrong);
  assert.match(bridge.log(), /event=jwt_keys .*"?old.*shorter.*the old keys are kept/);
  assert.equal(await status(token('new')), 200);
  bridge.configure({ jwt_keys: '{"keys":' });
  await bridge.kill('SIGHUP');
  await until(() => /not a JWK Set/.test(bridge.log()), 'the log to say so');
  assert.equal(await status(token('new')), 200);
  for (const key of [oct('new'), oct('old'), wrong]) assert.ok(!bridge.log().includes(key.k), 'a key in the log');
  const checked = run(bridge.program, ['--check-config', '--config', bridge.configFile], { mayFail: true });
  assert.notEqual(checked.status, 0);
  assert.match(checked.stderr, /not a JWK Set/);
});

test('a private key is refused: the bridge has no use for it', async () => {
  await use(oct('new'));
  await use({ ...RSA.privateKey.export({ format: 'jwk' }), alg: 'RS256' });
  assert.match(bridge.log(), /private key/);
  assert.equal(await status(token('new')), 200);
});

test('the token command signs with the first secret of the set, and names it', async () => {
  await use(rsa, oct('new'), oct('old'));
  const made = run(bridge.program, ['token', '--config', bridge.configFile, '--role', 'staff', '--sub', 'grace']).trim();
  assert.equal(JSON.parse(Buffer.from(made.split('.')[0], 'base64url')).kid, 'new');
  assert.equal(await status(made), 200);
});

test('jwt_keys and jwt_secret together are refused', () => {
  const file = path.join(bridge.folder, 'both.conf');
  fs.writeFileSync(file, `${fs.readFileSync(bridge.configFile, 'utf8')}jwt_secret = ${'x'.repeat(32)}\n`, { mode: 0o600 });
  assert.match(run(bridge.program, ['--check-config', '--config', file], { mayFail: true }).stderr, /jwt_keys: takes the place/);
});
