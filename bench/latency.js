// From the call of unichat_send() to the message in a client's hands: through the bridge, and a bare libpq LISTEN; with NOTIFY in
// the writer's transaction, and with the delivery worker.
import { closeStage, measure, openStage, percentile, quick, report } from './stage.js';

// Messages a second, for how many seconds on each side, and how long a side's turn is.
const PHASES = [
  { rate: 1, seconds: quick ? 5 : 60, slice: 1000 },
  { rate: 100, seconds: quick ? 4 : 20, slice: 500 },
  { rate: 1000, seconds: quick ? 4 : 10, slice: 500 },
];

const micros = (samples, share) => Math.round(percentile(samples, share));
const rows = [], raw = [];

async function run({ bridge, cluster, floorDsn, token }, delivery) {
  for (const { rate, seconds, slice } of PHASES) {
    const one = await measure('latency', [cluster.dsn, floorDsn, bridge.port, bridge.key, token, rate, seconds, slice]);
    raw.push({ delivery, ...one });
    const ratio = (share) => (percentile(one.bridge, share) / percentile(one.floor, share)).toFixed(2);
    rows.push({ delivery, 'messages/s': rate, 'messages each': one.messages,
      'floor p50 µs': micros(one.floor, 0.5), 'bridge p50 µs': micros(one.bridge, 0.5), 'p50 ratio': ratio(0.5),
      'floor p99 µs': micros(one.floor, 0.99), 'bridge p99 µs': micros(one.bridge, 0.99), 'p99 ratio': ratio(0.99) });
  }
}

const first = await openStage();
await run(first, 'transaction');
await closeStage(first);
const second = await openStage({ delivery: 'worker' });
await run(second, 'worker');
report('latency', second.cluster, rows, raw);
await closeStage(second);
