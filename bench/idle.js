// Whether anything grows with what is idle: what one event to one client, and one client that comes and goes, cost the
// bridge beside so many connections, or so many channels, in which nothing happens.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { until } from '../tests/lib/index.js';
import { closeStage, measure, median, openStage, quick, report, tool } from './stage.js';

const ROUNDS = quick ? 1 : 5;
const MESSAGES = 1000, VISITS = 1000;
const PHASES = quick ? [{ connections: 0 }, { connections: 2000 }, { channels: 10000 }]
  : [{ connections: 0 }, { connections: 5000 }, { connections: 18000 }, { channels: 100000 }];

const stage = await openStage();
const { bridge, cluster, token } = stage;

// Connections that stay until stop().
async function settle(connections) {
  const child = spawn(tool('connections'), [connections, 'lobby', 256, bridge.port, bridge.pid, bridge.key].map(String),
    { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(createInterface({ input: child.stdout }), 'line');
  return async () => { child.stdin.end(); await once(child, 'exit'); };
}

// A cache channel that has kept an event is there without a subscriber.
async function fillChannels(count) {
  cluster.psql(`SELECT count(unichat_publish('cache-idle-' || n, 'kept', '{}')) FROM generate_series(1, ${count}) n`);
  await until(async () => await bridge.metric('unichat_channels') >= count, 'the channels', 60000);
}

async function round() {
  const [[events]] = await measure('fanout', [1, 'player-fan#', MESSAGES, 1, 1, cluster.dsn, bridge.port, bridge.pid, bridge.key, token]);
  const visits = await measure('connections', [VISITS, 'lobby', 64, bridge.port, bridge.pid, bridge.key]);
  return { event: events.cpu_seconds / events.deliveries * 1e6, visit: visits.visit_us_each };
}

const rows = [], raw = [];
for (const { connections = 0, channels = 0 } of PHASES) {
  await bridge.restart();
  const leave = connections > 0 ? await settle(connections) : () => {};
  await fillChannels(channels);
  const rounds = [];
  for (let n = 0; n < ROUNDS; n++) rounds.push(await round());
  await leave();
  raw.push({ connections, channels, rounds });
  rows.push({ 'idle connections': connections, 'idle channels': channels,
    'CPU µs an event': median(rounds.map(({ event }) => event)).toFixed(1),
    'CPU µs a client that comes and goes': median(rounds.map(({ visit }) => visit)).toFixed(1) });
}
report('idle', cluster, rows, raw);
await closeStage(stage);
