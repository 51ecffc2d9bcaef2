// Child processes and scratch folders that never outlive the test: the one place that knows how to clean up.
//
// Whatever is started here is stopped and whatever folder is made here is removed when the test process ends, however it
// ends: normally, by an exception, by SIGINT, SIGTERM or SIGHUP. Against SIGKILL the children carry a parent-death
// signal. UNICHAT_KEEP=1 keeps the folders, for reading logs afterwards.
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const top = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
export const isRoot = process.getuid() === 0;

const running = new Set();
const folders = new Set();

function cleanUp() {
  for (const child of running) child.kill(child.orphaned);
  if (process.env.UNICHAT_KEEP) return;
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.on('exit', cleanUp);
// Node 20 now and then never ends by itself: freeing its environment it waits, spinning, for a request on a connection that
// was cut. process.exit() frees nothing. It is the last listener, so that the test runner's own have reported.
process.once('beforeExit', () => process.on('exit', () => process.exit()));
for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]])
  process.on(signal, () => process.exit(128 + number));

// A new folder, 0700, owned by the server's user (postgres when we are root), with a short path: a Unix socket's name
// may have 107 bytes only.
export function scratchFolder(purpose) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `unichat-${purpose}-`));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder) {
  if (!process.env.UNICHAT_KEEP) fs.rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

// Runs to the end and returns its standard output; throws with everything that it said when it fails.
export function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (done.error) throw done.error;
  if (done.status !== 0 && !options.mayFail)
    throw new Error(`${command} ${args.join(' ')}: exit ${done.status ?? done.signal}\n${done.stdout}${done.stderr}`);
  return options.mayFail ? done : done.stdout;
}

// Starts a server in the foreground. user: the operating system's user, where we are root. orphaned: the signal it gets
// when we end before it. Returns the ChildProcess with `exited`, a promise of {code, signal}. Output goes to logFile.
export function serve(command, args, { logFile, env = process.env, user, orphaned = 'KILL' } = {}) {
  const log = fs.openSync(logFile, 'a');
  const how = ['--pdeathsig', orphaned];
  if (user && isRoot) how.push('--reuid', user, '--regid', groupOf(user), '--init-groups');
  const child = spawn('setpriv', [...how, '--', command, ...args], { env, cwd: '/', stdio: ['ignore', log, log] });
  fs.closeSync(log);
  child.orphaned = `SIG${orphaned}`;
  running.add(child);
  child.exited = new Promise((resolve) => {
    child.on('error', (error) => { running.delete(child); resolve({ code: null, signal: null, error }); });
    child.on('exit', (code, signal) => { running.delete(child); resolve({ code, signal }); });
  });
  return child;
}

function groupOf(user) {
  return run('id', ['-g', user]).trim();
}

// A TCP port of 127.0.0.1 that is free now. It is below the range from which the kernel takes the ports of outgoing
// connections, so that a server which is down for a moment does not lose it to a client.
export async function freePort() {
  for (;;) {
    const port = 10000 + Math.floor(Math.random() * 22000);
    const server = createServer();
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}
