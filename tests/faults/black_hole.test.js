// The network swallows everything, and only the kernel can notice: TCP's keepalives, and how long it may wait for an acknowledgement. All
// that the bridge itself would notice by (the probe, the audit, the statement timeout) is set to minutes.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';
import { startBridge, startCluster, until, within } from '../lib/index.js';
import { canHaveOwnNetwork, inOwnNetwork, isInOwnNetwork, moveFar } from './lib/far.js';
import { hearAll } from './lib/hear.js';

const BLIND = { probe_interval: '1h', probe_timeout: '10min', audit_interval: '1h', statement_timeout: '10min', activity_timeout: '1h' };
const NOTICED = 60000; // 10 s of silence before the first keepalive, and tcp_user_timeout

if (!isInOwnNetwork) {
  test('a black hole between the bridge and its database', { skip: canHaveOwnNetwork ? false : 'no network namespace can be made' },
    () => inOwnNetwork(fileURLToPath(import.meta.url)));
} else {
  test('what waits for an answer is given up, and the session that only listens too; then nothing is missing', async () => {
    const cluster = await startCluster();
    after(() => cluster.stop());
    const link = await moveFar(cluster);
    after(() => link.stop());
    const bridge = await startBridge(cluster, { ...BLIND, database: link.dsn, tcp_user_timeout: '3s', connect_timeout: '2s', reconnect_max: '500ms' });
    after(() => bridge.stop());
    const requests = () => bridge.api('GET', '/api/unified-chat/requests', { token: bridge.token('staff', 'sue') });
    const ear = await hearAll(bridge);
    await cluster.query(`SELECT unichat_send('ann', 'before')`);
    await ear.exactly(cluster, 'ann');

    link.cut();
    await cluster.query(`SELECT unichat_send('ann', 'into the black hole')`);
    const answer = await within(requests(), 'an answer', NOTICED);
    assert.equal(answer.status, 503, JSON.stringify(answer.body));
    await until(() => /db=listener .*database_lost/.test(bridge.log()), 'the listening session to be given up', NOTICED);

    link.mend();
    assert.equal(await ear.exactly(cluster, 'ann'), 3);
    await until(async () => (await requests()).status === 200, 'the pool to be back');
  });
}
