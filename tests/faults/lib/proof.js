// The proof: for every client, all of it, once, in order.
import assert from 'node:assert/strict';
import { until } from '../../lib/index.js';

// What is in the database in the end. `committed` was written by the writers in the transactions of the messages.
export async function readTruth(cluster) {
  const events = await cluster.query(`SELECT e.player_id, e.seq::int, e.kind, m.message_text AS message
    FROM chat_events e LEFT JOIN chat_messages m ON e.kind = 'message' AND m.player_id = e.player_id AND m.seq = e.seq
    ORDER BY e.player_id, e.seq`);
  const committed = await cluster.query('SELECT player_id, seq::int, message_text AS message FROM committed ORDER BY player_id, seq');
  const broken = await cluster.query(`SELECT p.player_id, v.* FROM chat_players p, unichat_verify(p.player_id) v WHERE NOT v.ok`);
  const players = new Map();
  for (const { player_id: player, seq, kind, message } of events) {
    if (!players.has(player)) players.set(player, []);
    players.get(player).push([player, seq, kind, message]);
  }
  return { players, committed, broken, events: events.length };
}

// The tables agree with what the writers noted: the same messages, a seq without a gap, and hashes that fit.
export function proveStored({ players, committed, broken }) {
  assert.deepEqual(broken, [], 'every history verifies');
  const stored = [...players.values()].flat().filter(([, , kind]) => kind === 'message');
  assert.equal(stored.length, committed.length, 'as many messages as were committed');
  const noted = new Map(committed.map((one) => [`${one.player_id} ${one.seq}`, one.message]));
  for (const [player, seq, , message] of stored) assert.equal(message, noted.get(`${player} ${seq}`), `message ${seq} of ${player}`);
  for (const [player, events] of players)
    events.forEach(([, seq], index) => assert.equal(seq, index + 1, `the seq of ${player} has no gap`));
}

// Has this client, by its own account, everything? last: {playerId: seq}.
export function hasAll({ players }, playerId, last) {
  const wanted = playerId ? [playerId] : [...players.keys()];
  return wanted.every((player) => (last[player] || 0) === (players.get(player) || []).length);
}

// Waits until nobody misses anything, then judges everybody. clients: processes (client-process.js). Returns the truth, the
// clients' reports, whether everything has arrived in time, what is wrong, as texts, and the first client that has it wrong.
export async function judgeAll(cluster, clients, deadline = 60000) {
  const truth = await until(() => readTruth(cluster), 'the database to answer');
  proveStored(truth);
  let reports;
  const arrived = await until(async () => {
    reports = (await Promise.all(clients.map((some) => some.reports()))).flat();
    return reports.every((one) => hasAll(truth, one.playerId, one.last));
  }, 'every client to have everything', deadline).then(() => true, () => false);
  const judged = reports.map((one) => ({ one, wrong: judge(truth, one).map((what) => `${one.name}: ${what}`) }));
  return { truth, reports, arrived, wrong: judged.flatMap(({ wrong }) => wrong), worst: judged.find(({ wrong }) => wrong.length > 0)?.one };
}

// One client's log against the truth. Returns what is wrong, as text; empty: nothing.
export function judge({ players }, report) {
  const wrong = [...report.violations];
  const shown = new Map();
  for (const entry of report.log) {
    if (!shown.has(entry[0])) shown.set(entry[0], []);
    shown.get(entry[0]).push(entry);
  }
  for (const player of report.playerId ? [report.playerId] : players.keys()) {
    const part = report.complete ? (list) => list : (list) => list.filter(([, , kind]) => kind === 'message');
    wrong.push(...compare(player, part(players.get(player) || []), part(shown.get(player) || [])));
  }
  return wrong;
}

function compare(player, expected, shown) {
  const at = expected.findIndex((entry, index) => !shown[index] || entry.some((value, field) => value !== shown[index][field]));
  const brief = (entry) => (entry ? `${entry[1]} ${entry[2]} ${String(entry[3]).slice(0, 30)}` : 'nothing');
  if (at >= 0) return [`${player}: at place ${at} stands (${brief(shown[at])}) and not (${brief(expected[at])})`];
  if (shown.length > expected.length) return [`${player}: (${brief(shown[expected.length])}) was never committed`];
  return [];
}
