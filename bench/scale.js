// How the product fares as its tables grow: a database with 2,000 messages and one with 1,000,000 in turn, filled by
// bench/scale/fill.sql; MESSAGES=10000000 for another size (7 GB). The same 100 players are at work in both, on requests and
// pages of the same size; the rest is history. The median of a statement (pgbench, one client, commit asynchronous), and from unichat_send() to a bridge's
// WebSocket client.
import fs from 'node:fs';
import path from 'node:path';
import { run, scratchFolder, startBridge, startCluster, top } from '../tests/lib/index.js';
import { measure, median, percentile, quick, report, spread } from './stage.js';

const ROUNDS = quick ? 1 : 5;
const SECONDS = quick ? 2 : 4;
const MESSAGES = Number(process.env.MESSAGES || (quick ? 100000 : 1000000));
const SIZES = { small: 100, large: MESSAGES / 20 }; // players, each with 20 messages
const ACTIVE = `random(1, ${SIZES.small})`;
const OPEN = `random(1, ${SIZES.small / 10}) * 10`; // every tenth player has an open request
// In this order: what is sent in seconds to ten requests is more than a request has in months, and all of it unread.
const STATEMENTS = {
  'queue, first 10': ['1', 'SELECT * FROM unichat_requests(max_rows => 10)'],
  'newest page of 20': [ACTIVE, "SELECT * FROM unichat_messages('player-' || :p::text, max_rows => 20)"],
  'page after a seq': [ACTIVE, "SELECT * FROM unichat_messages('player-' || :p::text, 10)"],
  send: [OPEN, "SELECT unichat_send('player-' || :p::text, 'I cannot log in since the update', client_message_id => gen_random_uuid()::text)"],
  'plain INSERT': [OPEN, "INSERT INTO chat_messages (player_id, message_text) VALUES ('player-' || :p::text, 'I cannot log in')"],
};

// What is created and filled in one transaction needs no WAL at this level.
const cluster = await startCluster({ schema: null, config: { shared_preload_libraries: 'unichat', shared_buffers: '1GB',
  max_wal_size: '4GB', wal_level: 'minimal', max_wal_senders: 0, autovacuum: 'off', synchronous_commit: 'off' } });
const folder = scratchFolder('scale');
fs.chmodSync(folder, 0o755);
const asPostgres = path.join(top, 'scripts/as-postgres.sh');
const connect = ['-h', cluster.folder, '-p', String(cluster.port), '-U', 'postgres'];
fs.copyFileSync(path.join(top, 'bench/scale/fill.sql'), path.join(folder, 'fill.sql'));

function createFilled(name, players) {
  run(asPostgres, [path.join(cluster.bin, 'createdb'), ...connect, name]);
  const psql = [path.join(cluster.bin, 'psql'), '-XqAt', ...connect, '-v', 'ON_ERROR_STOP=1', '-v', `players=${players}`, name];
  run(asPostgres, [...psql, '-1', '-c', 'CREATE EXTENSION unichat', '-f', path.join(folder, 'fill.sql')]);
  run(asPostgres, [...psql, '-c', 'VACUUM ANALYZE']);
}

const bridges = {};
for (const [name, players] of Object.entries(SIZES)) {
  createFilled(name, players);
  bridges[name] = await startBridge(cluster, { log_level: 'warning', database: cluster.dsnFor(name) });
}
createFilled('floor', SIZES.small);
cluster.psql('CHECKPOINT', { database: 'postgres' });

// The median of a statement, in milliseconds.
function statementTime(size, statement) {
  const [player, sql] = STATEMENTS[statement];
  const file = path.join(folder, 'statement.sql');
  const log = path.join(scratchFolder('pgbench'), 'log');
  fs.chmodSync(path.dirname(log), 0o777);
  fs.writeFileSync(file, `\\set p ${player}\n${sql};\n`);
  run(asPostgres, [path.join(cluster.bin, 'pgbench'), '-n', '-M', 'prepared', '-c', '1', '-T', String(SECONDS), '-l',
    `--log-prefix=${log}`, '-f', file, ...connect, size]);
  const name = fs.readdirSync(path.dirname(log))[0];
  const lines = fs.readFileSync(path.join(path.dirname(log), name), 'utf8').trim().split('\n');
  return median(lines.map((line) => Number(line.split(' ')[2]))) / 1000;
}

async function deliveryTime(size) {
  const bridge = bridges[size];
  const one = await measure('latency', [cluster.dsnFor(size), cluster.dsnFor('floor'), bridge.port, bridge.key,
    bridge.token('staff', 'bench', 'Bench'), 100, SECONDS, 500]);
  return percentile(one.bridge, 0.5) / 1000;
}

const rows = [], raw = [];
async function compare(what, time) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push({ small: await time('small'), large: await time('large') });
  raw.push({ what, rounds });
  const ms = (size) => median(rounds.map((round) => round[size])).toFixed(3);
  rows.push({ what, [`${SIZES.small * 20} messages, p50 ms`]: ms('small'), [`${SIZES.large * 20} messages, p50 ms`]: ms('large'),
    ratio: spread(rounds.map((round) => round.large / round.small)) });
}
for (const statement of Object.keys(STATEMENTS)) await compare(statement, (size) => statementTime(size, statement));
await compare('delivery', deliveryTime);

cluster.database = 'large';
report('scale', cluster, rows, raw);
for (const bridge of Object.values(bridges)) await bridge.stop();
await cluster.stop();
