// How the product's statements fare as the tables grow: pgbench, one client, a database with 2,000 messages and one with
// 1,000,000 in turn (bench/scale/fill.sql). Both write to and read from requests and pages of the same size.
import fs from 'node:fs';
import path from 'node:path';
import { run, scratchFolder, startCluster, top } from '../tests/lib/index.js';
import { median, quick, report, spread } from './stage.js';

const ROUNDS = quick ? 1 : 5;
const SECONDS = quick ? 2 : 4;
const SIZES = { small: 100, large: quick ? 5000 : 50000 }; // players, each with 20 messages
const OPEN = 'random(1, :players / 10) * 10'; // every tenth player has an open request
const STATEMENTS = {
  send: [OPEN, "SELECT unichat_send('player-' || :p::text, 'I cannot log in since the update', client_message_id => gen_random_uuid()::text)"],
  'plain INSERT': [OPEN, "INSERT INTO chat_messages (player_id, message_text) VALUES ('player-' || :p::text, 'I cannot log in')"],
  'newest page of 20': ['random(1, :players)', "SELECT * FROM unichat_messages('player-' || :p::text, max_rows => 20)"],
  'page after a seq': ['random(1, :players)', "SELECT * FROM unichat_messages('player-' || :p::text, 10)"],
  'queue, first 10': ['1', 'SELECT * FROM unichat_requests(max_rows => 10)'],
};

const cluster = await startCluster({ config: { shared_buffers: '1GB', max_wal_size: '4GB', autovacuum: 'off', synchronous_commit: 'off' } });
const folder = scratchFolder('scale');
fs.chmodSync(folder, 0o755);
const asPostgres = path.join(top, 'scripts/as-postgres.sh');
const connect = ['-h', cluster.folder, '-p', String(cluster.port), '-U', 'postgres'];
const fill = fs.readFileSync(path.join(top, 'bench/scale/fill.sql'), 'utf8');
fs.writeFileSync(path.join(folder, 'fill.sql'), fill);
for (const [name, players] of Object.entries(SIZES)) {
  run(asPostgres, [path.join(cluster.bin, 'createdb'), ...connect, name]);
  run(asPostgres, [path.join(cluster.bin, 'psql'), '-XqAt', ...connect, '-v', 'ON_ERROR_STOP=1', '-v', `players=${players}`,
    '-c', 'CREATE EXTENSION unichat', '-f', path.join(folder, 'fill.sql'), name]);
}

// Milliseconds of one statement, on average over a run.
function latency(size, statement) {
  const [player, sql] = STATEMENTS[statement];
  const file = path.join(folder, 'statement.sql');
  fs.writeFileSync(file, `\\set p ${player}\n${sql};\n`);
  const text = run(asPostgres, [path.join(cluster.bin, 'pgbench'), '-n', '-M', 'prepared', '-c', '1', '-T', String(SECONDS),
    '-D', `players=${SIZES[size]}`, '-f', file, ...connect, size]);
  return Number(/^latency average = ([\d.]+) ms/m.exec(text)[1]);
}

const rows = [], raw = [];
for (const statement of Object.keys(STATEMENTS)) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push({ small: latency('small', statement), large: latency('large', statement) });
  raw.push({ statement, rounds });
  const ms = (size) => median(rounds.map((round) => round[size])).toFixed(3);
  rows.push({ statement, [`${SIZES.small * 20} messages, ms`]: ms('small'), [`${SIZES.large * 20} messages, ms`]: ms('large'),
    ratio: spread(rounds.map((round) => round.large / round.small)) });
}
report('scale', cluster, rows, raw);
await cluster.stop();
