// Load for a test of one fault: writers, and clients of each bridge in two processes that can be stopped; and the proof at the
// end that each client was shown all that was committed, once, in order.
//
//     const load = await startLoad(cluster, bridges);
//     after(() => load.stop());
//     await load.goesOn();          the writers have committed some more
//     await load.prove();           the writers end, and everybody is judged
import assert from 'node:assert/strict';
import { until } from '../../lib/index.js';
import { startClients } from './client-process.js';
import { judgeAll } from './proof.js';
import { Random } from './random.js';
import { COMMITTED, startWriters } from './writers.js';

const PLAYERS = ['p1', 'p2', 'p3', 'p4'];

export async function startLoad(cluster, bridges, { rate = 150 } = {}) {
  cluster.psql(COMMITTED);
  const clients = await Promise.all([0, 1].map(() => startClients(bridges.flatMap(clientsOf))));
  const writers = startWriters({
    servers: () => [{ host: cluster.folder, port: cluster.port }], database: cluster.database, players: PLAYERS, count: 8, rate, random: new Random(1),
  });
  return new Load(cluster, clients, writers);
}

// Those of one bridge in one process.
function clientsOf(bridge, n) {
  const { url, wsPort, key } = bridge;
  const client = (kind, channel, role, playerId) => ({
    kind, channel, playerId, name: `${kind} ${channel} @${n}`, bases: [{ url, wsPort, key }], bridge: 0, token: bridge.token(role, playerId ?? 'sue'),
  });
  return [
    client('staff-resume', 'private-staff-portal', 'staff'), client('staff-fetch', 'private-staff-portal', 'staff'),
    ...PLAYERS.map((player) => client('player-resume', `private-player-${player}`, 'player', player)),
  ];
}

class Load {
  constructor(cluster, clients, writers) {
    Object.assign(this, { cluster, clients, writers, players: PLAYERS });
  }

  async goesOn(transactions = 100) {
    const wanted = this.writers.sent + transactions;
    await until(() => this.writers.sent >= wanted, `${transactions} transactions more`, 60000);
  }

  // What each client has to say of itself, when all have everything and have been proven to have it.
  async prove() {
    await this.writers.stop();
    const { arrived, wrong, worst, reports } = await judgeAll(this.cluster, this.clients);
    assert.deepEqual(wrong, [], worst && `${worst.name}:\n${worst.trace.join('\n')}`);
    assert.ok(arrived, 'everybody has everything');
    return reports;
  }

  async stop() {
    await this.writers.stop();
    for (const some of this.clients) some.stop();
  }
}
