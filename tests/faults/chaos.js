// The chaos run: writers, clients and faults at once; then everything is healed, and for every client it is proven that
// it was shown all that was committed, once, in order.
//
//     node tests/faults/chaos.js          CHAOS_SECONDS (60), CHAOS_SEED, CHAOS_RATE (150 transactions a second)
//
// It runs for at least so many seconds, and until every kind of fault has happened; how often each did is printed. In three
// runs out of four the delivery worker notifies, and some of the transactions are prepared; in the others the writers' transactions
// notify: the seed decides that too.
//
// The seed decides what is done and when; what the machine makes of it is up to the machine, so a seed that has failed
// should be run several times.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sleep, top, until } from '../lib/index.js';
import { startClients } from './lib/client-process.js';
import { DATABASE_FAULTS, FRONT_FAULTS, startInjector, WORKER_FAULTS } from './lib/injector.js';
import { judgeAll } from './lib/proof.js';
import { Random } from './lib/random.js';
import { startTopology } from './lib/topology.js';
import { COMMITTED, startWriters } from './lib/writers.js';

const PLAYERS = 12;

const WAYS = {
  worker: { prepares: true, config: { shared_preload_libraries: 'unichat', max_prepared_transactions: 20 }, databaseFaults: { ...DATABASE_FAULTS, ...WORKER_FAULTS } },
  transaction: { config: {}, databaseFaults: DATABASE_FAULTS },
};

export async function chaos({ seconds, seed, rate = 150, say = console.log }) {
  const random = new Random(seed);
  const way = random.weighted({ worker: 3, transaction: 1 });
  const { config, databaseFaults, prepares = false } = WAYS[way];
  const begun = Date.now();
  const tell = (line) => say(`${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  tell(`seed ${seed}, ${seconds} s, ${rate} transactions a second, the ${way} notifies`);
  const topology = await startTopology({ config });
  const clients = [];
  try {
    topology.primary.psql(COMMITTED);
    const players = Array.from({ length: PLAYERS }, (_, n) => `p${n + 1}`);
    for (const specs of clientSpecs(topology, players)) clients.push(await startClients(specs));
    const writers = startWriters({
      servers: () => topology.servers.map(({ folder, port }) => ({ host: folder, port })),
      database: topology.primary.database, players, count: 8, rate, random: random.fork(), prepares,
    });
    const injectors = [databaseFaults, FRONT_FAULTS].map((faults) => startInjector(faults, { topology, clients }, random.fork(), tell));
    await Promise.race([sleep(seconds * 1000), ...injectors.map((one) => one.done)]);
    await Promise.all(injectors.map((one) => one.stop()));
    await writers.stop();
    await topology.heal();
    await commitPrepared(topology.primary);
    tell(`healed; ${writers.sent} sent, ${writers.failed} transactions failed`);
    const faults = Object.assign({}, ...injectors.map((one) => one.counts));
    for (const [name, times] of Object.entries(faults)) tell(`${String(times).padStart(5)} ${name}`);
    return await settle({ topology, clients, writers, faults, tell });
  } catch (error) {
    keepLogs(topology, seed, tell);
    throw error;
  } finally {
    for (const some of clients) some.stop();
    await topology.stop();
  }
}

// What a writer has left: it was stopped before it could commit it. Its message is noted in the same transaction.
async function commitPrepared(primary) {
  const left = await until(() => primary.query('SELECT gid FROM pg_prepared_xacts'), 'the database to answer', 60000);
  for (const { gid } of left) await primary.query(`COMMIT PREPARED '${gid}'`);
}

// Every player is followed by three clients, two of which resume; six clients follow the staff's channel.
function clientSpecs(topology, players) {
  const processes = [[], []];
  const bases = topology.bridges.map((_, n) => topology.base(n));
  const add = (process, bridge, kind, channel, role, playerId) => processes[process].push({
    kind, channel, playerId, name: `${kind} ${channel} @${bridge}`, bases, bridge,
    token: topology.bridges[bridge].token(role, role === 'staff' ? `staff-${bridge}` : playerId, null, { exp: Math.floor(Date.now() / 1000) + 86400 }),
  });
  players.forEach((player, n) => {
    add(n % 2, 0, 'player-resume', `private-player-${player}`, 'player', player);
    add(n % 2, 1, 'player-resume', `private-player-${player}`, 'player', player);
    add(1 - (n % 2), n % 2, 'player-fetch', `private-player-${player}`, 'player', player);
  });
  for (const bridge of [0, 1]) {
    add(0, bridge, 'staff-resume', 'private-staff-portal', 'staff');
    add(1, bridge, 'staff-resume', 'private-staff-portal', 'staff');
    add(bridge, bridge, 'staff-fetch', 'private-staff-portal', 'staff');
  }
  return processes;
}

// Waits until nobody misses anything, then judges everybody.
async function settle({ topology, clients, writers, faults, tell }) {
  const { truth, reports, arrived, wrong, worst } = await judgeAll(topology.primary, clients);
  const missed = await Promise.all(topology.bridges.map((bridge) => bridge.metric('unichat_events_missed_total')));
  if (missed.some((n) => n !== 0)) wrong.push(`unichat_events_missed_total is ${missed}`);
  // A bridge that was killed has taken its metric with it; its log is still there.
  for (const bridge of topology.bridges) wrong.push(...bridge.log().match(/.*event=(notification_missed|event_skipped|event_unreadable|begun_anew) .*/g) ?? []);
  const sum = (field) => reports.reduce((total, one) => total + one[field], 0);
  const summary = {
    events: truth.events, messages: truth.committed.length, clients: reports.length, shown: reports.reduce((n, one) => n + one.log.length, 0),
    shownByBridge: topology.bridges.map((_, n) => reports.reduce((total, one) => total + one.shownBy[n], 0)), moves: sum('moves'),
    connects: sum('connects'), resumes: sum('resumes'), resyncs: sum('resyncs'), repeats: sum('repeats'), fetches: sum('fetches'),
    failedTransactions: writers.failed, prepared: writers.prepared, faults: Object.values(faults).reduce((total, times) => total + times, 0),
  };
  if (writers.prepares && writers.prepared === 0) wrong.push('no transaction was prepared and committed');
  if (summary.shownByBridge.includes(0)) wrong.push('a bridge has delivered nothing');
  tell(`${JSON.stringify(summary)}`);
  if (worst) tell(`what happened to ${worst.name}:\n  ${worst.trace.join('\n  ')}`);
  if (wrong.length > 0 || !arrived)
    throw new Error(`${wrong.length} wrong${arrived ? '' : ', and not everybody has everything'}:\n  ${wrong.slice(0, 30).join('\n  ')}`);
  return summary;
}

function keepLogs(topology, seed, tell) {
  const folder = path.join(top, 'build/chaos', String(seed));
  fs.mkdirSync(folder, { recursive: true });
  topology.bridges.forEach((bridge, n) => fs.copyFileSync(bridge.logFile, path.join(folder, `bridge-${n}.log`)));
  topology.servers.forEach((server, n) => { if (fs.existsSync(server.logFile)) fs.copyFileSync(server.logFile, path.join(folder, `postgres-${n}.log`)); });
  tell(`the logs are in ${folder}`);
}

// Ends by process.exit(): left to itself, Node has been seen to spin for ever over a channel to a killed child.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const seed = Number(process.env.CHAOS_SEED || Math.floor(Math.random() * 1e9));
  try {
    await chaos({ seed, seconds: Number(process.env.CHAOS_SECONDS || 60), rate: Number(process.env.CHAOS_RATE || 150) });
    console.log(`nothing lost, nothing doubled, nothing out of order (seed ${seed})`);
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
