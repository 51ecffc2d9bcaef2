// Several database hosts: one that takes the connection and says nothing does not keep the bridge from the next.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, test } from 'node:test';
import { connectClient, startBridge, startCluster } from '../lib/index.js';

const cluster = await startCluster();
const sockets = new Set();
const silent = net.createServer((socket) => { sockets.add(socket); socket.on('error', () => {}); });
await new Promise((resolve) => { silent.listen(0, '127.0.0.1', resolve); });
after(() => { silent.close(); for (const socket of sockets) socket.destroy(); });
after(() => cluster.stop());

test('a silent first host: the second is found, and events flow', async () => {
  const options = Object.fromEntries(cluster.tcpDsn.split(' ').map((pair) => pair.split('=')));
  const database = Object.entries({ ...options, host: `127.0.0.1,${options.host}`, port: `${silent.address().port},${options.port}` })
    .map(([name, value]) => `${name}=${value}`).join(' ');
  const bridge = await startBridge(cluster, { database, connect_timeout: '1s' });
  after(() => bridge.stop());
  assert.match(bridge.log(), /event=database_host_timeout host="127\.0\.0\.1"/);
  const client = await connectClient(bridge, { token: bridge.token('player', 'ada'), channels: ['private-player-ada'] });
  cluster.psql("SELECT unichat_send('ada', 'over the second host')");
  await client.waitFor((e) => e.data.message === 'over the second host', 'the message');
  client.close();
});
