// TLS by the bridge: which versions and ciphers, another certificate without a restart, and what is different for browsers.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import tls from 'node:tls';
import { after, test } from 'node:test';
import WebSocket from 'ws';
import { freePort, run, scratchFolder, startBridge, startCluster, until } from '../lib/index.js';

const folder = scratchFolder('tls');
const file = (name) => path.join(folder, name);

// What an operator's machine may allow is not what the bridge speaks: here OpenSSL itself would take anything.
fs.writeFileSync(file('openssl.cnf'), 'openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = lax\n[lax]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\nOptions = UnsafeLegacyRenegotiation,ClientRenegotiation\n');

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const RSA = ['rsa:2048'];
function certificate(name, type = EC) {
  run('openssl', ['req', '-x509', '-newkey', ...type, '-nodes', '-days', '60', '-subj', `/CN=${name}.example`,
    '-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)], { stdio: 'pipe' });
  fs.chmodSync(file(`${name}.key`), 0o600);
}
const install = (cert, key = cert) => {
  fs.copyFileSync(file(`${cert}.crt`), file('live.crt'));
  fs.copyFileSync(file(`${key}.key`), file('live.key'));
};
certificate('one');
certificate('two');
certificate('three', RSA);
install('one');

const port = await freePort();
const cluster = await startCluster();
after(() => cluster.stop());
const settings = { tls_cert: file('live.crt'), tls_key: file('live.key'), tls_port: port, allowed_origins: 'http://old.example' };
const bridge = await startBridge(cluster, settings, { env: { OPENSSL_CONF: file('openssl.cnf') } });
after(() => bridge.stop());

// A handshake: {protocol, cipher, subject}; throws when it is refused.
function handshake(options = {}) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options }, () => {
      resolve({ protocol: socket.getProtocol(), cipher: socket.getCipher().name, subject: socket.getPeerCertificate().subject.CN });
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

// What OpenSSL's own client says of a handshake that keeps its ticket in a file, or comes with the one that is there.
const openssl = (...args) => run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2', ...args], { input: '', mayFail: true }).stdout;

function get(pathName, options = {}) {
  return new Promise((resolve, reject) => {
    const request = https.request({ host: '127.0.0.1', port, path: pathName, rejectUnauthorized: false, agent: false, ...options }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer));
    });
    request.on('error', reject);
    request.end(options.body);
  });
}

async function reload(word) {
  const before = bridge.log().length;
  await bridge.kill('SIGHUP');
  await until(() => bridge.log().slice(before).includes(word), `${word} in the log`);
  return bridge.log().slice(before);
}

function connect(headers) {
  const ws = new WebSocket(`wss://127.0.0.1:${port}/app/${bridge.key}?protocol=7`, { rejectUnauthorized: false, headers });
  const socket = { ws, messages: [], close: () => ws.terminate() };
  ws.on('message', (data) => socket.messages.push(JSON.parse(String(data))));
  ws.on('error', () => {});
  bridge.clients.add(socket);
  socket.heard = (event) => until(() => socket.messages.find((m) => m.event === event), event);
  socket.ask = (event, data = {}) => ws.send(JSON.stringify({ event, data }));
  return socket;
}

test('TLS 1.3 and 1.2 are spoken, older ones are not', async () => {
  assert.equal((await handshake({ maxVersion: 'TLSv1.3' })).protocol, 'TLSv1.3');
  assert.equal((await handshake({ maxVersion: 'TLSv1.2' })).protocol, 'TLSv1.2');
  for (const version of ['TLSv1.1', 'TLSv1'])
    await assert.rejects(handshake({ minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' }), /alert protocol version|wrong version/);
});

test('no cipher without forward secrecy or authenticated encryption', async () => {
  const weak = ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA384', 'AES128-GCM-SHA256', 'AES128-SHA', 'aNULL', 'ECDHE-ECDSA-NULL-SHA', 'ECDHE-ECDSA-AES128-CCM8'];
  for (const ciphers of weak)
    await assert.rejects(handshake({ maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` }), /handshake failure/, ciphers);
  for (const ciphers of ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'])
    assert.equal((await handshake({ maxVersion: 'TLSv1.2', ciphers })).cipher, ciphers);
  await assert.rejects(handshake({ ecdhCurve: 'P-521' }), /handshake failure/);
});

test('a client cannot renegotiate', async () => {
  const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  const error = await new Promise((resolve, reject) => {
    socket.on('error', resolve);
    socket.on('secureConnect', () => socket.renegotiate({ rejectUnauthorized: false }, (problem) => (problem ? resolve(problem) : reject(new Error('renegotiated')))));
  });
  assert.match(String(error), /renegotiat/i);
  socket.destroy();
});

test('another certificate after SIGHUP: for new handshakes, and nobody is disconnected', async () => {
  assert.equal((await handshake()).subject, 'one.example');
  const socket = connect();
  await socket.heard('pusher:connection_established');
  assert.match(openssl('-sess_out', file('ticket')), /ticket lifetime hint: 3600/);
  assert.match(openssl('-sess_in', file('ticket')), /^Reused,/m);
  install('two');
  await reload('event=tls_reloaded');
  assert.equal((await handshake()).subject, 'two.example');
  assert.match(openssl('-sess_in', file('ticket')), /^New,/m, 'a ticket from before the reload');
  socket.ask('pusher:ping');
  await socket.heard('pusher:pong');
});

test('a key of another type takes the old one\'s place for every client, there and back', async () => {
  const ways = [{ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256' }, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256' },
    { minVersion: 'TLSv1.3', sigalgs: 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256' }, { minVersion: 'TLSv1.3', sigalgs: 'rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256' }];
  const only = { ec: [{ minVersion: 'TLSv1.3', sigalgs: 'ecdsa_secp256r1_sha256' }, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }],
    rsa: [{ minVersion: 'TLSv1.3', sigalgs: 'rsa_pss_rsae_sha256' }, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }] };
  for (const [name, served, refused] of [['one', 'ec', 'rsa'], ['three', 'rsa', 'ec'], ['two', 'ec', 'rsa'], ['three', 'rsa', 'ec'], ['one', 'ec', 'rsa']]) {
    install(name);
    await reload('event=tls_reloaded');
    for (const way of [...ways, ...only[served]]) assert.equal((await handshake(way)).subject, `${name}.example`, JSON.stringify(way));
    for (const way of only[refused]) await assert.rejects(handshake(way), /handshake failure/, `${name}: ${JSON.stringify(way)}`);
  }
});

test('files that cannot be used keep the old certificate, and the log says which and why', async () => {
  install('two');
  await reload('event=tls_reloaded');
  install('one', 'two');
  assert.match(await reload('event=tls_reload_failed'), /live\.crt.*key values mismatch.*the old certificate is kept/);
  assert.equal((await handshake()).subject, 'two.example');
  for (const [name, text] of [['live.crt', 'no certificate'], ['live.key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'], ['live.crt', '']]) {
    install('one');
    fs.writeFileSync(file(name), text);
    await reload('event=tls_reload_failed');
    assert.equal((await handshake()).subject, 'two.example', name);
  }
  install('one');
  await reload('event=tls_reloaded');
  assert.equal((await handshake()).subject, 'one.example');
});

test('when the certificate expires is a metric; when that is near or past, the log says so', async () => {
  const end = (name) => Date.parse(new X509Certificate(fs.readFileSync(file(`${name}.crt`))).validTo) / 1000;
  const expiry = () => bridge.metric('unichat_tls_not_after_seconds');
  assert.equal(await expiry(), end('one'));
  assert.doesNotMatch(bridge.log(), /tls_certificate/);
  for (const [days, word] of [[-1, 'expired'], [13, 'expires']]) {
    run('openssl', ['x509', '-in', file('one.crt'), '-signkey', file('one.key'), '-days', `${days}`, '-out', file('short.crt')], { stdio: 'pipe' });
    install('short', 'one');
    assert.match(await reload(`event=tls_certificate_${word}`), /not_after=\S+Z hint="replace the files/);
    assert.equal(await expiry(), end('short'));
  }
  install('one');
  assert.doesNotMatch(await reload('event=tls_reloaded'), /tls_certificate/);
});

test('by TLS a cookie is Secure and browsers are told to stay with TLS; in the clear neither', async () => {
  const headers = { authorization: `Bearer ${bridge.token('player', 'ada')}` };
  const made = await get('/session', { method: 'POST', headers });
  assert.match(made.headers['set-cookie'][0], /; Secure/);
  assert.match(made.headers['strict-transport-security'], /max-age=\d{7,}/);
  const plain = await bridge.api('POST', '/session', { headers });
  assert.doesNotMatch(plain.headers.get('set-cookie'), /Secure/);
  assert.equal(plain.headers.get('strict-transport-security'), null);
});

test('by TLS a page of the same host in the clear is another site', async () => {
  const cookie = `unichat_token=${bridge.token('player', 'ada')}`;
  const send = (origin) => get('/api/unified-chat/send', { method: 'POST', headers: { cookie, origin, 'content-type': 'application/json' }, body: '{"message":"x"}' });
  assert.equal((await send(`http://127.0.0.1:${port}`)).statusCode, 403);
  assert.equal((await send(`https://127.0.0.1:${port}`)).statusCode, 201);
  assert.equal((await send('http://old.example')).statusCode, 201, 'the operator has said so');
  for (const [origin, answer] of [[`https://127.0.0.1:${port}`, 'pusher_internal:subscription_succeeded'], [`http://127.0.0.1:${port}`, 'pusher:subscription_error']]) {
    const socket = connect({ cookie, origin });
    await socket.heard('pusher:connection_established');
    socket.ask('pusher:subscribe', { channel: 'player-ada' });
    await socket.heard(answer);
  }
});

test('a key that others may read is told, and a certificate that is not the key\'s keeps it from starting', async () => {
  fs.chmodSync(file('live.key'), 0o644);
  assert.match(await reload('event=reloaded'), /event=secret_readable_by_everyone file="[^"]*live\.key"/);
  fs.chmodSync(file('live.key'), 0o600);
  install('one', 'two');
  await assert.rejects(startBridge(cluster, { ...settings, tls_port: 0 }, { wait: false }), /certificate or its key cannot be used/);
});
