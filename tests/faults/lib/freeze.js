// A process that is stopped for a while, as a laptop that sleeps.
import fs from 'node:fs';
import { until } from '../../lib/index.js';

// What /proc says of a process: T is stopped.
const stateOf = (pid) => fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1][0];

// Runs body while the process is stopped; says whether it was to the end.
export async function frozen(pid, body) {
  process.kill(pid, 'SIGSTOP');
  try {
    await until(() => stateOf(pid) === 'T', 'the process to be stopped');
    await body();
    return stateOf(pid) === 'T';
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}
