// Two-phase commit: PostgreSQL refuses to PREPARE a transaction that has notified, so what was sent in it is refused whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAll } from '../lib/index.js';
import { auditIsClean, hearAll } from './lib/hear.js';

const { cluster, bridge } = await startAll({ audit_interval: '300ms' }, { cluster: { config: { max_prepared_transactions: 10 } } });
const ear = await hearAll(bridge);

test('PREPARE TRANSACTION after a send: refused and nothing stored, or delivered at COMMIT PREPARED, also across a restart', async () => {
  const client = await cluster.connect();
  await client.query('BEGIN');
  await client.query(`SELECT unichat_send('two-phase', 'prepared')`);
  const refused = await client.query(`PREPARE TRANSACTION 'gid'`).then(() => null, (error) => error);
  await client.end();
  if (refused) {
    assert.equal(refused.code, '0A000');
    assert.deepEqual(await cluster.query(`SELECT FROM chat_events WHERE player_id = 'two-phase'`), []);
  } else {
    await cluster.restart('immediate');
    assert.deepEqual(ear.of('two-phase'), []);
    await cluster.query(`COMMIT PREPARED 'gid'`);
    await ear.exactly(cluster, 'two-phase');
  }
  await cluster.query(`SELECT unichat_send('two-phase', 'after')`);
  await ear.exactly(cluster, 'two-phase');
  await auditIsClean(bridge);
});
