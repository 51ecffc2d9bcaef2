// What every push test needs: a provider, a bridge that sends to it, and words for what happens in the database.
import { startBridge, until } from '../lib/index.js';
import { startOneSignal } from '../lib/onesignal-server.js';

// Waiting periods as short as a test wants them; the volume is out of the way.
const QUICK = {
  push_retry_base: '20ms', push_retry_max: '100ms', push_poll_interval: '200ms', push_timeout: '2s', push_lease: '4s',
  push_volume: 100000, push_breaker_pause: '50ms',
};

// An empty queue, a provider and a bridge on the cluster. The test's `t` ends them.
export async function startScene(t, cluster, settings = {}, provider = {}) {
  await cluster.query('TRUNCATE push_notifications, push_attempts');
  const onesignal = await startOneSignal(provider);
  t.after(() => onesignal.stop());
  const bridge = await startBridge(cluster, { ...QUICK, ...onesignal.settings, ...settings });
  t.after(() => bridge.stop());
  return { cluster, onesignal, bridge, settings: { ...QUICK, ...onesignal.settings, ...settings } };
}

let players = 0;

// A player whom no test has used yet.
export const newPlayer = () => `player-${process.pid}-${++players}`;

// A player's message; the row that unichat_send returns.
export async function send(cluster, playerId, text, { name = null, urgency = null } = {}) {
  const [row] = await cluster.query(
    'SELECT * FROM unichat_send($1, $2, player_name => $3, urgency => $4)', [playerId, text, name, urgency]);
  return row;
}

// The push row of a request.
export async function pushOf(cluster, requestId, kind = 'new_chat') {
  const [row] = await cluster.query('SELECT * FROM push_notifications WHERE request_id = $1 AND kind = $2', [requestId, kind]);
  return row;
}

// Waits until a request's push is in a state, and returns the row.
export function pushIn(cluster, requestId, state, kind = 'new_chat') {
  return until(async () => {
    const row = await pushOf(cluster, requestId, kind);
    if (row?.state === state) return row;
    throw new Error(`it is ${row?.state}: ${row?.last_error}`);
  }, `the push of request ${requestId} to be ${state}`);
}

// The attempts of a push, in order.
export function attemptsOf(cluster, pushId) {
  return cluster.query('SELECT * FROM push_attempts WHERE push_id = $1 ORDER BY attempt', [pushId]);
}

export const keys = (requests) => requests.map((one) => one.body.idempotency_key);
