// What every bench stands on: a real cluster with two databases, a real bridge, the tools, the table and the JSON.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { startBridge, startCluster, top } from '../tests/lib/index.js';

export const quick = Boolean(process.env.QUICK);
const out = path.join(top, 'build/bench');
export const tool = (name) => path.join(out, name);

// As an operator would run it: durable, and enough memory that nothing else is measured.
const DURABLE = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', shared_buffers: '512MB', max_wal_size: '4GB',
  checkpoint_timeout: '30min', max_connections: 100, autovacuum: 'off' };

// delivery: who notifies, as in unichat.delivery; "worker" has the library preloaded.
// `chat`, which the bridge listens to, and `floor`, the same without a bridge: a notification wakes only the sessions that
// listen in its own database, so the two can be measured in turn.
export async function openStage({ config = {}, settings = {}, delivery = 'transaction' } = {}) {
  const preload = delivery === 'worker' ? { shared_preload_libraries: 'unichat' } : {};
  const cluster = await startCluster({ config: { ...DURABLE, ...preload, ...config } });
  cluster.psql('CREATE DATABASE floor', { database: 'postgres' });
  cluster.psql('CREATE EXTENSION unichat', { database: 'floor' });
  const bridge = await startBridge(cluster, { log_level: 'warning', ...settings });
  return { cluster, bridge, floorDsn: cluster.dsnFor('floor'), token: bridge.token('staff', 'bench', 'Bench') };
}

export async function closeStage({ cluster, bridge }) {
  await bridge.stop();
  await cluster.stop();
}

// Runs one of the tools; its standard output as JSON.
export async function measure(name, args) {
  const child = spawn(tool(name), args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  const code = child.exitCode ?? await new Promise((resolve) => { child.on('exit', resolve); });
  if (code !== 0) throw new Error(`${name} ${args.join(' ')}: exit ${code}`);
  return JSON.parse(text);
}

// The baseline server, listening to the database; {pid, port, stop()}.
export async function startRawcast(dsn, frameBytes) {
  const child = spawn(tool('rawcast'), [dsn, String(frameBytes)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const port = await new Promise((resolve, reject) => {
    lines.once('line', (line) => resolve(Number(line)));
    child.once('exit', (code) => reject(new Error(`rawcast ended with ${code}`)));
  });
  return { pid: child.pid, port, stop: () => child.kill('SIGKILL') };
}

export function percentile(samples, share) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
export const median = (samples) => percentile(samples, 0.5);

// "median (lowest to highest)" of the rounds' ratios.
export function spread(ratios) {
  return `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
}

function readVersions(cluster) {
  return {
    machine: `${os.cpus().length} x ${os.cpus()[0].model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release()}`,
    postgresql: cluster.psql('SHOW server_version').trim(),
    unichat: cluster.psql("SELECT extversion FROM pg_extension WHERE extname = 'unichat'").trim(),
    at: new Date().toISOString(), load: os.loadavg()[0],
  };
}

// The rows (objects with the same keys) as a Markdown table.
export function printTable(rows) {
  const heads = Object.keys(rows[0]);
  console.log(`| ${heads.join(' | ')} |\n|${heads.map(() => ' --- |').join('')}`);
  for (const row of rows) console.log(`| ${heads.map((head) => row[head]).join(' | ')} |`);
}

// Prints the rows as a table under a line of versions, and keeps everything as JSON.
export function report(name, cluster, rows, raw) {
  const versions = readVersions(cluster);
  console.log(`\nbench/${name}: ${versions.machine}; PostgreSQL ${versions.postgresql}; unichat ${versions.unichat}; ` +
    `load ${versions.load.toFixed(1)} at the end${quick ? '; QUICK' : ''}\n`);
  printTable(rows);
  fs.mkdirSync(out, { recursive: true });
  const file = path.join(out, `${name}.json`);
  fs.writeFileSync(file, `${JSON.stringify({ bench: name, ...versions, quick, table: rows, raw }, null, 1)}\n`);
  console.log(`\n${file}`);
}
