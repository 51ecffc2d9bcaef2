// Faults, at random moments, one after the other; two injectors run side by side so that faults of the database and of
// what stands before it overlap. A fault breaks something, waits, and heals it: fault(world, random, pause).
import { sleep, until } from '../../lib/index.js';

const pidsOf = (cluster, where) => cluster
  .psql(`SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND ${where}`, { mayFail: true })
  .stdout.trim().split('\n').filter(Boolean).map(Number);

const LISTENER = `application_name LIKE 'unichat-bridge listener%'`;
const BRIDGE = `application_name LIKE 'unichat-bridge%'`;

function terminate({ topology }, where) {
  topology.primary.psql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${where}`, { mayFail: true });
}

// A process of the server dies: the postmaster ends all others and recovers by itself.
async function crash({ topology: { primary } }, random, where) {
  const pids = pidsOf(primary, where);
  if (pids.length === 0) return;
  try { process.kill(random.pick(pids), 'SIGKILL'); } catch { return; } // it has ended by itself
  await until(() => primary.psql('SELECT 1', { mayFail: true }).status === 0, 'PostgreSQL to recover', 60000);
}

async function restart(primary, stop, random) {
  await stop();
  await sleep(random.between(0, 800));
  await primary.start();
}

async function breakNet(net, how, pause) {
  if (how === 'silent') net.silence();
  else if (how === 'closed') await net.close();
  else return net.cut();
  await pause();
  return net.restore();
}

// name: [weight, fault]
export const DATABASE_FAULTS = {
  'listening session terminated': [4, (world) => terminate(world, LISTENER)],
  'all sessions of the bridges terminated': [2, (world) => terminate(world, BRIDGE)],
  'a backend SIGKILLed': [2, (world, random) => crash(world, random, `backend_type = 'client backend'`)],
  'the notifier SIGKILLed': [2, (world, random) => crash(world, random, `backend_type LIKE '%unichat%'`)],
  'restart fast': [2, ({ topology: { primary } }, random) => restart(primary, () => primary.down('fast'), random)],
  'restart immediate': [2, ({ topology: { primary } }, random) => restart(primary, () => primary.down('immediate'), random)],
  'postmaster SIGKILLed': [2, ({ topology: { primary } }, random) => restart(primary, () => primary.kill9(), random)],
  'failover': [1, ({ topology }) => topology.failOver()],
};

export const FRONT_FAULTS = {
  'bridge SIGKILLed': [3, async ({ topology }, random, pause) => {
    const bridge = random.pick(topology.bridges);
    await bridge.kill('SIGKILL');
    await pause();
    await bridge.start(false);
  }],
  'bridge SIGTERMed': [2, async ({ topology }, random) => {
    const bridge = random.pick(topology.bridges);
    await bridge.kill('SIGTERM');
    await bridge.start(false);
  }],
  'bridge stopped and continued': [3, async ({ topology }, random, pause) => {
    const bridge = random.pick(topology.bridges);
    await bridge.kill('SIGSTOP', { end: false });
    await pause();
    await bridge.kill('SIGCONT', { end: false });
  }],
  'clients stopped and continued': [3, async ({ clients }, random, pause) => {
    const some = random.pick(clients);
    some.pause();
    await pause();
    some.resume();
  }],
  'clients\' network silent': [3, ({ topology }, random, pause) => breakNet(random.pick(topology.clientNets), 'silent', pause)],
  'clients\' network cut': [3, ({ topology }, random, pause) => breakNet(random.pick(topology.clientNets), 'cut', pause)],
  'clients\' network closed': [2, ({ topology }, random, pause) => breakNet(random.pick(topology.clientNets), 'closed', pause)],
  'database network silent': [3, ({ topology }, random, pause) => breakNet(topology.databaseNets[topology.primaryAt], 'silent', pause)],
  'database network cut': [3, ({ topology }, random, pause) => breakNet(topology.databaseNets[topology.primaryAt], 'cut', pause)],
};

// Runs until stop(). say(line) is told of each fault.
export function startInjector(faults, world, random, say) {
  const weights = Object.fromEntries(Object.entries(faults).map(([name, [weight]]) => [name, weight]));
  const counts = {};
  let stopping = false;
  const done = (async () => {
    while (!stopping) {
      const name = random.weighted(weights);
      const length = random.between(100, random.next() < 0.2 ? 5000 : 1500);
      say(`${name} (${length} ms)`);
      counts[name] = (counts[name] || 0) + 1;
      await faults[name][1](world, random, () => sleep(length));
      await sleep(random.between(100, 2000));
    }
  })();
  return { counts, done, stop: () => { stopping = true; return done; } };
}
