// Faults, at random moments, one after the other; two injectors run side by side so that faults of the database and of
// what stands before it overlap. A fault breaks something, waits, and heals it: fault(world, random, pause). It says
// whether it has really happened, by what it sees of it (a process that is gone or stopped, connections that broke, a line
// in the server's log); only that counts.
//
// The faults are dealt like cards: each kind once in an order of chance, then again, the heavier ones more often. A run ends
// only when every kind has happened.
import { sleep, until } from '../../lib/index.js';
import { frozen } from './freeze.js';

const TRIES = 10; // for one kind to happen

const pidsOf = (cluster, where) => cluster
  .psql(`SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND ${where}`, { mayFail: true })
  .stdout.trim().split('\n').filter(Boolean).map(Number);

const LISTENER = `application_name LIKE 'unichat-bridge listener%'`;
const BRIDGE = `application_name LIKE 'unichat-bridge%'`;
const WORKER = `backend_type = 'unichat delivery'`;

function terminate({ topology }, where) {
  return Number(topology.primary.psql(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE ${where}`, { mayFail: true }).stdout) > 0;
}

const recoveries = (server) => server.log().split('all server processes terminated; reinitializing').length - 1;

// A process of the server dies: the postmaster ends all others and recovers by itself.
async function crash({ topology: { primary } }, random, where) {
  const pids = await until(() => { const found = pidsOf(primary, where); return found.length > 0 && found; }, `a backend with ${where}`);
  const before = recoveries(primary);
  try { process.kill(random.pick(pids), 'SIGKILL'); } catch { return false; } // it has ended by itself
  await until(() => recoveries(primary) > before, 'PostgreSQL to notice', 60000);
  await until(() => primary.psql('SELECT 1', { mayFail: true }).status === 0, 'PostgreSQL to recover', 60000);
  return true;
}

async function restart(primary, stop, random) {
  await stop();
  await sleep(random.between(0, 800));
  await primary.start();
  return true;
}

async function endBridge({ topology }, random, signal, pause = () => {}) {
  const bridge = random.pick(topology.bridges);
  const { code, signal: by } = await bridge.kill(signal);
  await pause();
  await bridge.start(false);
  return signal === 'SIGKILL' ? by === 'SIGKILL' : code === 0;
}

async function breakNet(net, how, pause) {
  const broken = net.connections;
  if (how === 'silent') net.silence();
  else if (how === 'closed') await net.close();
  else net.cut();
  if (how !== 'cut') await pause();
  if (how !== 'cut') await net.restore();
  return broken > 0;
}

const clientNet = ({ topology }, random) => random.pick(topology.clientNets);
const databaseNet = ({ topology }) => topology.databaseNets[topology.primaryAt];

// name: [weight, fault]
export const DATABASE_FAULTS = {
  'listening session terminated': [4, (world) => terminate(world, LISTENER)],
  'all sessions of the bridges terminated': [2, (world) => terminate(world, BRIDGE)],
  'a backend SIGKILLed': [2, (world, random) => crash(world, random, `backend_type = 'client backend'`)],
  'restart fast': [2, ({ topology: { primary } }, random) => restart(primary, () => primary.down('fast'), random)],
  'restart immediate': [2, ({ topology: { primary } }, random) => restart(primary, () => primary.down('immediate'), random)],
  'postmaster SIGKILLed': [2, ({ topology: { primary } }, random) => restart(primary, () => primary.kill9(), random)],
  'failover to the standby': [1, ({ topology }) => topology.failOver()],
};

// Where the worker delivers.
export const WORKER_FAULTS = {
  'the delivery worker SIGKILLed': [2, (world, random) => crash(world, random, WORKER)],
  'the delivery worker terminated': [2, (world) => terminate(world, WORKER)],
};

export const FRONT_FAULTS = {
  'bridge SIGKILLed': [3, (world, random, pause) => endBridge(world, random, 'SIGKILL', pause)],
  'bridge SIGTERMed': [2, (world, random) => endBridge(world, random, 'SIGTERM')],
  'bridge stopped and continued': [3, ({ topology }, random, pause) => frozen(random.pick(topology.bridges).pid, pause)],
  'clients stopped and continued': [3, ({ clients }, random, pause) => frozen(random.pick(clients).pid, pause)],
  'clients moved to the other bridge': [2, async ({ clients }, random) => await random.pick(clients).move() > 0],
  'clients\' network silent': [3, (world, random, pause) => breakNet(clientNet(world, random), 'silent', pause)],
  'clients\' network cut': [3, (world, random, pause) => breakNet(clientNet(world, random), 'cut', pause)],
  'clients\' network closed': [2, (world, random, pause) => breakNet(clientNet(world, random), 'closed', pause)],
  'database network silent': [3, (world, random, pause) => breakNet(databaseNet(world), 'silent', pause)],
  'database network cut': [3, (world, random, pause) => breakNet(databaseNet(world), 'cut', pause)],
};

// Runs until stop(), and until each kind has happened. `counts` says how often each did. say(line) is told of each.
export function startInjector(faults, world, random, say) {
  const injector = new Injector(faults, world, random, say);
  injector.done = injector.run();
  return injector;
}

class Injector {
  constructor(faults, world, random, say) {
    Object.assign(this, { faults, world, random, say });
    this.weights = Object.fromEntries(Object.entries(faults).map(([name, [weight]]) => [name, weight]));
    this.counts = Object.fromEntries(Object.keys(faults).map((name) => [name, 0]));
    this.failures = {};
  }

  stop() {
    this.stopping = true;
    return this.done;
  }

  async run() {
    for (let name = this.deal(); name; name = this.deal()) {
      await this.inject(name);
      await sleep(this.random.between(100, 2000));
    }
  }

  deal() {
    const never = Object.fromEntries(Object.entries(this.weights).filter(([name]) => this.counts[name] === 0));
    if (Object.keys(never).length > 0) return this.random.weighted(never);
    return this.stopping ? null : this.random.weighted(this.weights);
  }

  async inject(name) {
    const length = this.random.between(100, this.random.next() < 0.2 ? 5000 : 1500);
    const happened = await this.faults[name][1](this.world, this.random, () => sleep(length));
    this.say(`${name} (${length} ms)${happened ? '' : ': has not happened'}`);
    if (happened) {
      this.counts[name]++;
      return;
    }
    this.failures[name] = (this.failures[name] || 0) + 1;
    if (this.counts[name] === 0 && this.failures[name] >= TRIES) throw new Error(`"${name}" does not happen, tried ${TRIES} times`);
  }
}
