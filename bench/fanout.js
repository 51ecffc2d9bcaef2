// What a delivery costs the server, and how long the last client waits: the bridge beside rawcast, in turn.
// DELIVERY=worker: notified by the delivery worker, and not in the writer's transaction.
import { closeStage, measure, median, openStage, quick, report, spread, startRawcast } from './stage.js';

const ROUNDS = quick ? 3 : 5;
const PHASES = [
  { subscribers: 1000, channel: 'staff-portal', messages: 100, window: 1 },
  { subscribers: 1000, channel: 'staff-portal', messages: 320, window: 16 },
  { subscribers: 1000, channel: 'staff-portal', messages: 1280, window: 64 },
  { subscribers: 5000, channel: 'staff-portal', messages: 20, window: 1 },
  { subscribers: 5000, channel: 'staff-portal', messages: 64, window: 16 },
  { subscribers: 5000, channel: 'player-fan#', messages: 2000, window: 1 },
  { subscribers: 5000, channel: 'player-fan#', messages: 2000, window: 16 },
];

const stage = await openStage({ delivery: process.env.DELIVERY || 'transaction' });
const { bridge, cluster, floorDsn, token } = stage;
const bridgeSide = [cluster.dsn, bridge.port, bridge.pid, bridge.key, token];

const [[probe]] = await measure('fanout', [1, 'staff-portal', 8, 1, 1, ...bridgeSide]);
const rawcast = await startRawcast(floorDsn, probe.frame_bytes);
const rawSide = [floorDsn, rawcast.port, rawcast.pid, 'bench', '-'];

const cpuPerMillion = (side) => side.cpu_seconds / side.deliveries * 1e6;
const rows = [], raw = [];
for (const phase of PHASES) {
  const rounds = await measure('fanout', [phase.subscribers, phase.channel, phase.messages, phase.window, ROUNDS,
    ...bridgeSide, ...rawSide]);
  raw.push({ ...phase, rounds });
  const of = (side, value) => median(rounds.map((round) => value(round[side])));
  const ratio = (value) => spread(rounds.map((round) => value(round[0]) / value(round[1])));
  rows.push({ channel: phase.channel, subscribers: phase.subscribers, 'under way': phase.window,
    'raw CPU s/M': of(1, cpuPerMillion).toFixed(2), 'bridge CPU s/M': of(0, cpuPerMillion).toFixed(2),
    'CPU ratio': ratio(cpuPerMillion),
    'raw to last ms': of(1, (side) => side.to_last_p50_ms).toFixed(2),
    'bridge to last ms': of(0, (side) => side.to_last_p50_ms).toFixed(2), 'to last ratio': ratio((side) => side.to_last_p50_ms),
    'raw deliveries/s': Math.round(of(1, (side) => side.deliveries / side.seconds)),
    'bridge deliveries/s': Math.round(of(0, (side) => side.deliveries / side.seconds)) });
}
report('fanout', cluster, rows, { frame_bytes: probe.frame_bytes, phases: raw });
rawcast.stop();
await closeStage(stage);
