// Two-phase commit: PostgreSQL refuses to PREPARE a transaction that has notified, so what was sent in it is refused whole. Where the
// delivery worker notifies, it is delivered when it is committed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditIsClean } from './lib/hear.js';
import { inBothWays } from './lib/ways.js';

inBothWays({ settings: { audit_interval: '300ms' }, config: { max_prepared_transactions: 10 } }, (world) => {
  test('PREPARE TRANSACTION after a send: refused and nothing stored, or delivered at COMMIT PREPARED, also across a restart', async () => {
    const { cluster, bridge, ear } = world;
    const client = await cluster.connect();
    await client.query('BEGIN');
    await client.query(`SELECT unichat_send('two-phase', 'prepared')`);
    const refused = await client.query(`PREPARE TRANSACTION 'gid'`).then(() => null, (error) => error);
    await client.end();
    assert.equal(refused?.code, world.way === 'transaction' ? '0A000' : undefined);
    if (refused) {
      assert.deepEqual(await cluster.query(`SELECT FROM chat_events WHERE player_id = 'two-phase'`), []);
    } else {
      await cluster.restart('immediate');
      assert.deepEqual(ear.of('two-phase'), []);
      await cluster.query(`COMMIT PREPARED 'gid'`);
      await ear.exactly(cluster, 'two-phase');
    }
    await cluster.query(`SELECT unichat_send('two-phase', 'after')`);
    assert.equal(await ear.exactly(cluster, 'two-phase'), refused ? 2 : 3);
    await auditIsClean(bridge, ear);
  });
});
