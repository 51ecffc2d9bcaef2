// What a database across a network is: PostgreSQL behind a link that can be taken down, so that the kernels at both ends know nothing
// of each other any more, and nobody resets anything.
//
//     this network namespace ── 10.231.0.2 ══ link ══ 10.231.0.1 ── a namespace of its own: a relay ── PostgreSQL's Unix socket
//
// Needs a network namespace that is the test's own: inOwnNetwork().
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { run } from '../../lib/index.js';

const RELAY = `
  const [path, port] = process.argv.slice(1);
  require('node:net').createServer((near) => {
    const far = require('node:net').connect(path);
    near.on('error', () => far.destroy()).pipe(far).on('error', () => near.destroy()).pipe(near);
  }).listen(Number(port), '0.0.0.0', () => console.log('listening'));`;

// Runs this test file once more in a network namespace. Returns nothing when all passed, and throws with what it said when not.
export function inOwnNetwork(file) {
  const env = { ...process.env, UNICHAT_OWN_NETWORK: '1' };
  delete env.NODE_TEST_CONTEXT;
  run('unshare', ['-n', 'sh', '-c', 'ip link set lo up && exec "$0" --test "$1"', process.execPath, file], { env });
}

export const isInOwnNetwork = Boolean(process.env.UNICHAT_OWN_NETWORK);
export const canHaveOwnNetwork = run('unshare', ['-n', 'ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far'], { mayFail: true }).status === 0;

export async function moveFar(cluster) {
  const relay = spawn('unshare', ['-n', process.execPath, '-e', RELAY, `${cluster.folder}/.s.PGSQL.${cluster.port}`, '5432'], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => relay.kill('SIGKILL'));
  await once(relay.stdout, 'data');
  const there = (...args) => run('nsenter', ['-t', String(relay.pid), '-n', 'ip', ...args]);
  run('ip', ['link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', String(relay.pid)]);
  run('ip', ['addr', 'add', '10.231.0.2/30', 'dev', 'near']);
  run('ip', ['link', 'set', 'near', 'up']);
  there('addr', 'add', '10.231.0.1/30', 'dev', 'far');
  there('link', 'set', 'far', 'up');
  return {
    dsn: `host=10.231.0.1 port=5432 dbname=${cluster.database} user=chat_bridge`,
    cut: () => there('link', 'set', 'far', 'down'),
    mend: () => there('link', 'set', 'far', 'up'),
    stop: () => relay.kill('SIGKILL'),
  };
}
