// The usual beginning of a test file: a cluster and a bridge, gone when the file's tests are over.
import { after } from 'node:test';
import { startBridge } from './bridge.js';
import { startCluster } from './cluster.js';

export async function startAll(settings = {}, { cluster: clusterOptions, ...bridgeOptions } = {}) {
  const cluster = await startCluster(clusterOptions);
  after(() => cluster.stop());
  const bridge = await startBridge(cluster, settings, bridgeOptions);
  after(() => bridge.stop());
  return { cluster, bridge };
}
