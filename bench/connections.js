// How fast clients connect and subscribe, and what an idle subscribed one costs in memory.
import { closeStage, measure, median, openStage, quick, report, startRawcast } from './stage.js';

const ROUNDS = quick ? 1 : 3;
const OPENING = 256; // on their way at once
const PHASES = [
  { count: 1000, channel: 'lobby', token: false },
  { count: 5000, channel: 'lobby', token: false },
  { count: 5000, channel: 'player-storm#', token: true },
  { count: 10000, channel: 'lobby', token: false },
  { count: 10000, channel: 'lobby-#', token: false },
  { count: 18000, channel: 'lobby', token: false },
];

const stage = await openStage();
const { bridge, cluster, floorDsn, token } = stage;

async function storm(phase) {
  await bridge.restart(); // memory as after a start, not what an earlier round has left
  const signedIn = phase.token ? [token] : [];
  const ours = await measure('connections', [phase.count, phase.channel, OPENING, bridge.port, bridge.process.pid, bridge.key, ...signedIn]);
  const rawcast = await startRawcast(floorDsn, 100);
  const raw = await measure('connections', [phase.count, phase.channel, OPENING, rawcast.port, rawcast.pid, 'bench']);
  rawcast.stop();
  return { ours, raw };
}

const rows = [], all = [];
for (const phase of PHASES) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await storm(phase));
  all.push({ ...phase, rounds });
  const of = (side, value) => median(rounds.map((round) => round[side][value]));
  rows.push({ connections: phase.count, channel: phase.channel, token: phase.token ? 'yes' : 'no',
    'raw a second': of('raw', 'per_second'), 'bridge a second': of('ours', 'per_second'),
    'raw CPU µs each': of('raw', 'cpu_us_each'), 'bridge CPU µs each': of('ours', 'cpu_us_each'),
    'bridge bytes each': of('ours', 'bytes_each') });
}
report('connections', cluster, rows, all);
await closeStage(stage);
