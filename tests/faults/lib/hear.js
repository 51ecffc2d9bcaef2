// What one client of the staff hears, and whether it is all that the database holds.
import assert from 'node:assert/strict';
import { connectClient, until } from '../../lib/index.js';

export const STAFF = 'private-staff-portal';

export async function hearAll(bridge, options = {}) {
  const client = await connectClient(bridge, { token: bridge.token('staff', 'ear'), channels: [STAFF], ...options });
  const heard = new Map(); // playerId -> its events
  let read = 0;
  const of = (player) => {
    for (; read < client.events.length; read++) {
      const { data } = client.events[read];
      if (!data?.playerId) continue;
      if (!heard.has(data.playerId)) heard.set(data.playerId, []);
      heard.get(data.playerId).push(data);
    }
    return heard.get(player) || [];
  };
  return {
    client,
    of,
    texts: (player) => of(player).filter(({ kind }) => kind === 'message').map(({ message }) => message),
    // Waits until the player's newest event is here, then: every event, once, in order, and as unichat_event gives it.
    async exactly(cluster, player, deadline) {
      const [{ last }] = await cluster.query('SELECT coalesce(max(last_seq), 0)::int AS last FROM chat_players WHERE player_id = $1', [player]);
      await until(() => of(player).at(-1)?.seq >= last, `event ${last} of ${player}`, deadline);
      assert.deepEqual(of(player).map(({ seq }) => seq), Array.from({ length: last }, (_, n) => n + 1), player);
      return last;
    },
    close: () => client.close(),
  };
}

// The audit has compared everything with the table and found nothing missing.
export async function auditIsClean(bridge) {
  assert.equal(await bridge.metric('unichat_events_missed_total'), 0);
}
