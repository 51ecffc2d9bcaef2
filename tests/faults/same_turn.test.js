// Things that come together in one turn of the bridge's loop: it is stopped, all of them happen, and it goes on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { after, test } from 'node:test';
import { startBridge, startCluster, until, within } from '../lib/index.js';
import { auditIsClean, hearAll } from './lib/hear.js';
import { startProxy } from './lib/proxy.js';
import { HEARING } from './lib/topology.js';

const cluster = await startCluster();
const net = await startProxy(() => ({ host: '127.0.0.1', port: cluster.port }));
const bridge = await startBridge(cluster, { ...HEARING, database: `host=127.0.0.1 port=${net.port} dbname=chat user=postgres` });
after(async () => { await bridge.stop(); await net.stop(); await cluster.stop(); });

// A TCP connection, which the kernel accepts for a bridge that is stopped.
async function dial() {
  const socket = createConnection({ host: '127.0.0.1', port: bridge.port });
  await once(socket, 'connect');
  return socket;
}

async function isServed(socket) {
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const [answer] = await within(once(socket, 'data'), 'an answer');
  assert.match(String(answer), /^HTTP\/1\.1 200/);
  socket.destroy();
}

// libpq closes the socket of a connection that broke while it reads from it, and the number of its descriptor goes to the
// next client.
test('every database connection breaks while clients connect: all of them are served', async () => {
  const ear = await hearAll(bridge);
  for (let round = 0; round < 5; round++) {
    await until(() => net.connections >= 5, 'the bridge to have its connections');
    await bridge.kill('SIGSTOP', { end: false });
    net.end();
    const sockets = await Promise.all(Array.from({ length: 20 }, dial));
    await cluster.query('SELECT unichat_send($1, $2)', ['ann', `round ${round}`]);
    await bridge.kill('SIGCONT', { end: false });
    await Promise.all(sockets.map(isServed));
  }
  await ear.exactly(cluster, 'ann');
  assert.equal(ear.client.states.filter((state) => state === 'connected').length, 1, 'who was connected has stayed so');
  await auditIsClean(bridge, ear);
});
