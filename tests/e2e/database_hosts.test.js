// Database hosts: of several, one that takes the connection and says nothing does not keep the bridge from the next; one by name
// is still the one that its certificate names.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { connectClient, run, scratchFolder, startBridge, startCluster, until } from '../lib/index.js';

const folder = scratchFolder('hosts');
const [cert, key] = ['cert.pem', 'key.pem'].map((name) => path.join(folder, name));
run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=x',
  '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert], { stdio: 'pipe' });
fs.chmodSync(key, 0o600);
if (process.getuid() === 0) run('chown', ['-R', 'postgres', folder]);

const cluster = await startCluster({ config: { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key } });
const sockets = new Set();
const silent = net.createServer((socket) => { sockets.add(socket); socket.on('error', () => {}); });
await new Promise((resolve) => { silent.listen(0, '127.0.0.1', resolve); });
after(() => { silent.close(); for (const socket of sockets) socket.destroy(); });
after(() => cluster.stop());

const by = (changes) => Object.entries({ ...Object.fromEntries(cluster.tcpDsn.split(' ').map((pair) => pair.split('='))), ...changes })
  .map(([name, value]) => `${name}=${value}`).join(' ');

test('a host by name: TLS checks the certificate for the name, and not for the address', async () => {
  const tls = { sslmode: 'verify-full', sslrootcert: cert };
  const bridge = await startBridge(cluster, { database: by({ host: 'localhost', ...tls }) });
  after(() => bridge.stop());
  const sessions = await cluster.query("SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name LIKE 'unichat-bridge %'");
  assert.ok(sessions.length > 1 && sessions.every(({ ssl }) => ssl), JSON.stringify(sessions));
  const other = await startBridge(cluster, { database: by({ host: '127.0.0.1', ...tls }) }, { wait: false });
  after(() => other.stop());
  await until(() => /database_unreachable .*certificate/.test(other.log()), 'the address to be refused');
});

test('a name that nobody knows is left out, and the next host is found', async () => {
  const bridge = await startBridge(cluster, { database: by({ host: 'nobody.invalid,127.0.0.1' }) });
  after(() => bridge.stop());
  assert.match(bridge.log(), /event=database_host_unknown host="nobody\.invalid" reason=/);
});

test('a silent first host: the second is found, and events flow', async () => {
  const port = cluster.tcpDsn.match(/port=(\d+)/)[1];
  const database = by({ host: '127.0.0.1,127.0.0.1', port: `${silent.address().port},${port}` });
  const bridge = await startBridge(cluster, { database, connect_timeout: '1s' });
  after(() => bridge.stop());
  assert.match(bridge.log(), /event=database_host_timeout host="127\.0\.0\.1"/);
  const client = await connectClient(bridge, { token: bridge.token('player', 'ada'), channels: ['private-player-ada'] });
  cluster.psql("SELECT unichat_send('ada', 'over the second host')");
  await client.waitFor((e) => e.data.message === 'over the second host', 'the message');
  client.close();
});
