// What notifying costs the writers: pgbench at 1, 8, 32 and 64 clients, every way in turn, a bridge connected.
//
//   bare         INSERT into a table of three columns with one index, for scale
//   unchained    unichat_send(), nobody is told and nothing hashed (unichat.delivery = none, unichat.chain = off)
//   none         unichat_send(), and nobody is told (unichat.delivery = none)
//   transaction  unichat_send(), NOTIFY in the writer's transaction
//   worker       unichat_send(), notified by the background worker
import fs from 'node:fs';
import path from 'node:path';
import { run, scratchFolder, top } from '../tests/lib/index.js';
import { closeStage, median, openStage, quick, report, spread } from './stage.js';

const ROUNDS = quick ? 1 : 3;
const SECONDS = quick ? 2 : 3;
const CLIENTS = [1, 8, 32, 64];
const RATIOS = [['worker', 'none'], ['worker', 'transaction'], ['worker', 'bare'], ['transaction', 'bare'], ['none', 'bare'],
  ['none', 'unchained']];
const PLAYERS = 10000;
const TEXT = 'I cannot log in since the update, what shall I do?';

// The bridge's audit is off, because it would find, and forward, what the way "none" tells nobody of.
const stage = await openStage({ config: { shared_preload_libraries: 'unichat' }, settings: { audit_interval: '1h' } });
const { cluster } = stage;
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

// One pgbench run: transactions a second, and bytes of WAL for each.
function pgbench(way, clients) {
  const env = { ...process.env, PGOPTIONS: OPTIONS[way] };
  const before = position();
  const text = run(path.join(top, 'scripts/as-postgres.sh'), [path.join(cluster.bin, 'pgbench'), '-n', '-M', 'prepared',
    '-c', String(clients), '-j', '2', '-T', String(SECONDS), '-f', way === 'bare' ? bareScript : sendScript,
    '-h', cluster.folder, '-p', String(cluster.port), '-U', 'postgres', cluster.database], { env });
  const transactions = Number(/processed: (\d+)/.exec(text)[1]);
  return { tps: Number(/^tps = ([\d.]+)/m.exec(text)[1]), wal: Number(position() - before) / transactions };
}

const rows = [], raw = [];
for (const clients of CLIENTS) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(Object.fromEntries(ways.map((way) => [way, pgbench(way, clients)])));
  raw.push({ clients, rounds });
  const row = { clients };
  for (const way of ways) row[`${way} tps`] = Math.round(median(rounds.map((round) => round[way].tps)));
  for (const [a, b] of RATIOS) row[`${a}/${b}`] = spread(rounds.map((round) => round[a].tps / round[b].tps));
  for (const way of ['bare', 'unchained', 'none']) row[`${way} WAL bytes`] = Math.round(median(rounds.map((round) => round[way].wal)));
  rows.push(row);
}
report('commit', cluster, rows, raw);
await closeStage(stage);
