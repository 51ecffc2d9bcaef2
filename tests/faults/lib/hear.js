// What one client of the staff hears, and whether it is all that the database holds.
import assert from 'node:assert/strict';
import { connectClient, until } from '../../lib/index.js';

export const STAFF = 'private-staff-portal';

// The client does not resume: what is sent while its connection is away is not heard, so one that was away fails the test.
// options: of connectClient; without `channels` it listens to the staff's.
export async function hearAll(bridge, options = {}) {
  const client = await connectClient(bridge, { token: bridge.token('staff', 'ear'), channels: [STAFF], ...options });
  const heard = new Map(); // playerId -> its events
  const newest = new Map(); // playerId -> seq, since the last resync
  const wrong = []; // what came again, or out of order
  let read = 0;
  const take = ({ event, data }) => {
    if (event === 'unichat:resync') newest.clear(); // what comes then may have come before
    if (!data?.playerId) return;
    const { playerId, seq } = data;
    if (seq <= newest.get(playerId)) wrong.push(`${playerId} ${seq} after ${newest.get(playerId)}`);
    newest.set(playerId, seq);
    if (!heard.has(playerId)) heard.set(playerId, []);
    heard.get(playerId).push(data);
  };
  const of = (player) => {
    for (; read < client.events.length; read++) take(client.events[read]);
    return heard.get(player) || [];
  };
  const wasHeld = () => assert.deepEqual(client.states.filter((state) => state !== 'connecting'), ['connected'], "the ear's own connection");
  return {
    client,
    of,
    texts: (player) => of(player).filter(({ kind }) => kind === 'message').map(({ message }) => message),
    // Waits until the player's newest event is here, then: every event, once, in order, and as unichat_event gives it; and
    // of nobody has anything come twice so far. content: false where what is stored has been changed since.
    async exactly(cluster, player, { deadline, content = true } = {}) {
      const stored = await cluster.query(`SELECT seq::int, unichat_event(player_id, seq)::jsonb - 'xid' AS event FROM chat_events
        WHERE player_id = $1 ORDER BY seq`, [player]);
      const last = stored.at(-1)?.seq ?? 0;
      await until(() => of(player).at(-1)?.seq >= last, `event ${last} of ${player}`, deadline).finally(wasHeld);
      assert.deepEqual(of(player).map(({ seq }) => seq), Array.from({ length: last }, (_, n) => n + 1), player);
      if (content) of(player).forEach((event, n) => assert.deepEqual({ ...event, position: undefined }, { ...stored[n].event, position: undefined }, `${player} ${n + 1}`));
      assert.deepEqual(wrong, []);
      return last;
    },
    // What came twice up to now, of anybody.
    repeats: () => { of(''); return wrong; },
    close: () => client.close(),
  };
}

// Two audits more have compared everything with the table, what they found has been heard of since, and nothing was missing.
// ears: and none of them has heard anything twice.
export async function auditIsClean(bridge, ...ears) {
  await waitForAudits(bridge, 2);
  await until(async () => await bridge.metric('unichat_events_suspect') === 0, 'nothing to wait for its notification');
  assert.equal(await bridge.metric('unichat_events_missed_total'), 0);
  for (const ear of ears) assert.deepEqual(ear.repeats(), []);
}

// Until so many have ended. One may have begun before.
export async function waitForAudits(bridge, count) {
  const before = await bridge.metric('unichat_audits_total');
  await until(async () => await bridge.metric('unichat_audits_total') >= before + count, `${count} audits`);
}
