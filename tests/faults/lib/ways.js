// The two ways in which a commit is notified: by its own transaction, and by the delivery worker, which needs the library preloaded.
// What holds for one holds for the other, so tests of what is heard run in both.
//
//     inBothWays({ settings: { audit_interval: '300ms' } }, (world) => { test('…', async () => { … world.cluster … }); });
import { after, before, describe } from 'node:test';
import { startBridge, startCluster } from '../../lib/index.js';
import { hearAll } from './hear.js';

export const WAYS = { transaction: {}, worker: { shared_preload_libraries: 'unichat' } };

// world: cluster, bridge and ear, of the way that is tested; there when the tests run. more(world): what else is to be started.
export function inBothWays({ settings = {}, config = {}, more = () => {} }, tests) {
  for (const [way, preload] of Object.entries(WAYS)) {
    describe(`the ${way} notifies`, () => {
      const world = { way };
      before(async () => {
        world.cluster = await startCluster({ config: { ...config, ...preload } });
        world.bridge = await startBridge(world.cluster, settings);
        world.ear = await hearAll(world.bridge);
        await more(world);
      });
      after(async () => {
        await world.stop?.();
        await world.bridge?.stop();
        await world.cluster?.stop();
      });
      tests(world);
    });
  }
}
