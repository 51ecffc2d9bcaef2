// A process of its own for some of the clients, so that it can be stopped and continued like a laptop that sleeps.
// Started by startClients() below with fork(); speaks {id, ask} -> {id, answer} over the IPC channel.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { within } from '../../lib/index.js';
import { startWatcher } from './clients.js';

// In the parent: a process with these clients.
export async function startClients(specs) {
  const child = fork(fileURLToPath(import.meta.url), ['watch'], { serialization: 'advanced' });
  const waiting = new Map();
  const gone = new Promise((_, reject) => { child.once('exit', (code, signal) => reject(new Error(`the clients ended: ${code ?? signal}`))); });
  gone.catch(() => {});
  const stop = () => child.kill('SIGKILL');
  process.on('exit', stop);
  child.on('message', ({ id, answer }) => { waiting.get(id)?.(answer); waiting.delete(id); });
  let serial = 0;
  const ask = (what, argument) => within(Promise.race([gone, new Promise((resolve) => {
    waiting.set(++serial, resolve);
    child.send({ id: serial, ask: what, argument });
  })]), `the clients to answer "${what}"`, 60000);
  await ask('start', specs);
  return {
    count: specs.length,
    pid: child.pid,
    move: () => ask('move'), // all of them to the next bridge; how many
    reports: () => ask('reports'),
    stop: () => { process.off('exit', stop); child.kill('SIGKILL'); },
  };
}

// In the child.
const watchers = [];
const answers = {
  start: async (specs) => { watchers.push(...await Promise.all(specs.map(startWatcher))); return true; },
  move: async () => { await Promise.all(watchers.map((one) => one.move())); return watchers.length; },
  reports: () => watchers.map((one) => one.report()),
};
if (process.argv[2] === 'watch' && process.send) {
  process.on('message', async ({ id, ask, argument }) => process.send({ id, answer: await answers[ask](argument) }));
  process.on('disconnect', () => process.exit());
}
