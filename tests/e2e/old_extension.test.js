// A bridge that is newer than the extension in its database says so, and goes on as soon as that is put right.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startBridge, startCluster, until } from '../lib/index.js';

const cluster = await startCluster();
after(() => cluster.stop());

test('the log says which is older, and what to do; no restart is needed afterwards', async () => {
  cluster.psql(`ALTER EXTENSION unichat DROP FUNCTION unichat_listen(text[]);
    ALTER FUNCTION unichat_listen(text[]) RENAME TO not_there_yet; UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'unichat'`);
  const bridge = await startBridge(cluster, { reconnect_max: '1s' }, { wait: false });
  after(() => bridge.stop());
  await until(() => /db=listener .*the extension in this database \(0\.9\) .* is older than this bridge \([\d.]+\): .*ALTER EXTENSION unichat UPDATE/.test(bridge.log()), 'the log to say so');
  assert.equal((await bridge.api('GET', '/readyz')).status, 503);

  cluster.psql('ALTER FUNCTION not_there_yet(text[]) RENAME TO unichat_listen; ALTER EXTENSION unichat ADD FUNCTION unichat_listen(text[])');
  await until(async () => (await bridge.api('GET', '/readyz')).status === 200, 'it to listen');
});
