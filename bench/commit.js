// What notifying costs the writers: pgbench at 1, 8, 32 and 64 clients, a bridge connected.
//
//   bare         INSERT into a table of three columns with one index, for scale
//   unchained    unichat_send(), nobody is told and nothing hashed (unichat.delivery = none, unichat.chain = off)
//   none         unichat_send(), and nobody is told (unichat.delivery = none)
//   transaction  unichat_send(), NOTIFY in the writer's transaction
//   worker       unichat_send(), notified by the background worker
//
// A disk has moods that last for seconds, so the rounds are short, there are many, and a ratio is taken within a round: the median of
// these ratios, and in brackets the interval that holds the true median with 95 %. Each round begins with another way. CPU is that of
// all the server's processes for a message, which other work on the machine changes little.
import fs from 'node:fs';
import path from 'node:path';
import { run, scratchFolder, top } from '../tests/lib/index.js';
import { closeStage, median, openStage, printTable, quick, report } from './stage.js';

// What many clients do in their first second is to fill their caches.
const ROUNDS = (clients) => (quick ? 1 : clients < 32 ? 25 : 7);
const SECONDS = (clients) => (clients < 32 ? 1 : quick ? 3 : 10);
const CLIENTS = [1, 8, 32, 64];
const RATIOS = [['worker', 'none'], ['worker', 'transaction'], ['worker', 'bare'], ['transaction', 'bare'], ['none', 'bare'],
  ['none', 'unchained']];
const PLAYERS = 10000;
const TEXT = 'I cannot log in since the update, what shall I do?';

// The bridge's audit is off, because it would find, and forward, what the way "none" tells nobody of.
const stage = await openStage({ config: { shared_preload_libraries: 'unichat', track_wal_io_timing: 'on' }, settings: { audit_interval: '1h' } });
const { bridge, cluster } = stage;
const folder = scratchFolder('pgbench');
fs.chmodSync(folder, 0o755);

cluster.psql(`CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, player_id text, message_text text);
  SELECT count(*) FROM generate_series(1, ${PLAYERS}) i, unichat_send('bench-' || i, 'first');`);
const OPTIONS = { bare: '', unchained: '-c unichat.delivery=none -c unichat.chain=off', none: '-c unichat.delivery=none',
  transaction: '-c unichat.delivery=transaction', worker: '-c unichat.delivery=worker' };
const ways = Object.keys(OPTIONS);

function script(name, sql) {
  const file = path.join(folder, `${name}.sql`);
  fs.writeFileSync(file, `\\set p random(1, ${PLAYERS})\n${sql};\n`);
  return file;
}
const bareScript = script('bare', `INSERT INTO bare (player_id, message_text) VALUES ('bench-' || :p::text, '${TEXT}')`);
const sendScript = script('send', `SELECT seq FROM unichat_send('bench-' || :p::text, '${TEXT}')`);

const position = () => BigInt(cluster.psql("SELECT pg_current_wal_insert_lsn() - '0/0'").trim());
const flushes = () => cluster.psql('SELECT wal_sync, wal_sync_time FROM pg_stat_wal').trim().split('|').map(Number);

// CPU seconds of a process and of those children that have ended.
function cpuOf(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ').slice(11, 15);
  return fields.reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}
// A child that ends meanwhile is the postmaster's from then on: once more.
function serverCpu() {
  for (;;) {
    try {
      return sumOfServer();
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    }
  }
}
function sumOfServer() {
  const postmaster = fs.readFileSync(path.join(cluster.data, 'postmaster.pid'), 'utf8').split('\n')[0];
  const children = fs.readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ');
  return [postmaster, ...children].reduce((sum, pid) => sum + cpuOf(pid), 0);
}

// One pgbench run: transactions a second; for each, bytes of WAL and microseconds of CPU.
function pgbench(way, clients) {
  const env = { ...process.env, PGOPTIONS: OPTIONS[way] };
  const before = { wal: position(), flushes: flushes(), server: serverCpu(), bridge: cpuOf(bridge.pid) };
  const text = run(path.join(top, 'scripts/as-postgres.sh'), [path.join(cluster.bin, 'pgbench'), '-n', '-M', 'prepared',
    '-c', String(clients), '-j', '2', '-T', String(SECONDS(clients)), '-f', way === 'bare' ? bareScript : sendScript,
    '-h', cluster.folder, '-p', String(cluster.port), '-U', 'postgres', cluster.database], { env });
  const transactions = Number(/processed: (\d+)/.exec(text)[1]);
  const [syncs, ms] = flushes().map((now, i) => now - before.flushes[i]);
  return {
    tps: Number(/^tps = ([\d.]+)/m.exec(text)[1]), wal: Number(position() - before.wal) / transactions, flush: ms / syncs,
    server: (serverCpu() - before.server) / transactions * 1e6, bridge: (cpuOf(bridge.pid) - before.bridge) / transactions * 1e6,
  };
}

// "median (lowest to highest)" of where the true median is, with 95 %: from the samples' order alone.
function interval(samples) {
  const sorted = [...samples].sort((a, b) => a - b), n = sorted.length;
  const rank = Math.max(0, Math.floor((n - 1.96 * Math.sqrt(n)) / 2));
  return `${median(sorted).toFixed(2)} (${sorted[rank].toFixed(2)} to ${sorted[n - 1 - rank].toFixed(2)})`;
}

function rotated(list, by) {
  return [...list.slice(by % list.length), ...list.slice(0, by % list.length)];
}

const rows = [], costs = [], raw = [];
for (const clients of CLIENTS) {
  const rounds = [];
  for (let round = 0; round < ROUNDS(clients); round++)
    rounds.push(Object.fromEntries(rotated(ways, round).map((way) => [way, pgbench(way, clients)])));
  raw.push({ clients, rounds });
  const middle = (way, what) => median(rounds.map((round) => round[way][what]));
  const row = { clients, 'flush ms': middle('none', 'flush').toFixed(2) };
  for (const way of ways) row[`${way} tps`] = Math.round(middle(way, 'tps'));
  for (const [a, b] of RATIOS) row[`${a}/${b}`] = interval(rounds.map((round) => round[a].tps / round[b].tps));
  rows.push(row);
  const cost = { clients };
  for (const way of ways) cost[`${way} CPU µs`] = Math.round(middle(way, 'server'));
  cost['bridge CPU µs, worker'] = Math.round(middle('worker', 'bridge'));
  for (const way of ['bare', 'unchained', 'none']) cost[`${way} WAL bytes`] = Math.round(middle(way, 'wal'));
  costs.push(cost);
}
report('commit', cluster, rows, raw);
console.log(`\nFor each message, the server's CPU (all its processes), the bridge's, and bytes of WAL:\n`);
printTable(costs);
await closeStage(stage);
