// What a chaos run happens to: two databases, two bridges, and the networks between them and the clients.
//
//     writers ────────────────────────▶ PostgreSQL primary ──synchronous──▶ standby
//                                            ▲     ▲                          ▲
//                                        databaseNets[0], databaseNets[1] (multi-host: both bridges know both)
//                                            │     │
//                                         bridge 0  bridge 1
//                                            ▲         ▲
//                                    clientNets[0]  clientNets[1]
//                                            │         │
//                                    clients, in two processes: each has clients of both bridges
import { startBridge, startCluster } from '../../lib/index.js';
import { startProxy } from './proxy.js';
import { bothDsn, inSync, promote, startStandby } from './standby.js';

// So that a run of a minute sees many recoveries; everything else is as it is by default.
export const IMPATIENT = {
  audit_interval: '500ms', probe_interval: '1s', probe_timeout: '1s', connect_timeout: '2s', reconnect_max: '500ms',
  tcp_user_timeout: '3s', statement_timeout: '3s', drain_time: '300ms', activity_timeout: '5s', pong_timeout: '2s',
};

// For a test that hears by a client that does not resume (hear.js). The client lives in the test's process, which stands still
// while it runs a server's program, and then no pong is to be expected of it.
export const HEARING = { ...IMPATIENT, activity_timeout: '1h' };

export async function startTopology({ config = {}, settings = {} } = {}) {
  const topology = new Topology();
  await topology.start(config, settings);
  return topology;
}

class Topology {
  async start(config, settings) {
    const primary = await startCluster({ config: { max_connections: 80, wal_retrieve_retry_interval: '200ms', ...config } });
    this.servers = [primary, await startStandby(primary)];
    this.primaryAt = 0;
    this.databaseNets = await Promise.all([0, 1].map((n) => startProxy(() => ({ host: '127.0.0.1', port: this.servers[n].port }))));
    const dsn = bothDsn(...this.servers, this.databaseNets.map((net) => net.port));
    const secrets = { ...IMPATIENT, database: dsn, jwt_secret: 'a secret that both bridges share, 32+', ...settings };
    this.bridges = [await startBridge(primary, secrets), await startBridge(primary, secrets)];
    this.clientNets = await Promise.all(this.bridges.map((bridge) => startProxy(() => ({ host: '127.0.0.1', port: bridge.port }))));
  }

  get primary() { return this.servers[this.primaryAt]; }

  // The bridge as its clients see it: behind their network.
  base(n) {
    const { port } = this.clientNets[n];
    return { url: `http://127.0.0.1:${port}`, wsPort: port, key: this.bridges[n].key };
  }

  // The primary dies, the standby takes over, and a new standby is made where the old primary was.
  async failOver() {
    const old = this.primary;
    await inSync(old);
    await old.kill9();
    this.primaryAt = 1 - this.primaryAt;
    await promote(this.primary);
    await old.stop();
    this.servers[1 - this.primaryAt] = await startStandby(this.primary);
    return true;
  }

  async heal() {
    for (const net of [...this.databaseNets, ...this.clientNets]) await net.restore();
  }

  async stop() {
    for (const bridge of this.bridges) await bridge.stop();
    for (const net of [...this.databaseNets, ...this.clientNets]) await net.stop();
    for (const server of this.servers) await server.stop();
  }
}
