// Two bridges on one database: each hears everything for itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectClient, startBridge } from '../lib/index.js';
import { auditIsClean, hearAll } from './lib/hear.js';
import { inBothWays } from './lib/ways.js';

const settings = { audit_interval: '300ms', jwt_secret: 'a secret that both bridges share, 32+' };

async function more(world) {
  const second = await startBridge(world.cluster, settings);
  world.bridges = [world.bridge, second];
  world.stop = () => second.stop();
}

inBothWays({ settings, more }, (world) => {
  test('what is sent through one is heard once by the clients of both, in the same order', async () => {
    const ears = await Promise.all(world.bridges.map((bridge) => hearAll(bridge)));
    await Promise.all(Array.from({ length: 60 }, (_, n) => world.bridges[n % 2].api('POST', '/api/unified-chat/send',
      { token: world.bridges[n % 2].token('player', 'both'), body: { message: `message ${n}` } })));
    for (const ear of ears) await ear.exactly(world.cluster, 'both');
    assert.deepEqual(ears[0].texts('both'), ears[1].texts('both'));
    for (const bridge of world.bridges) await auditIsClean(bridge);
  });

  test('one is killed and started again: the other does not notice, and the clients of both have everything', async () => {
    const ear = await hearAll(world.bridges[1]);
    await world.cluster.query(`SELECT unichat_send('alone', '1')`);
    await world.bridges[0].kill('SIGKILL');
    await world.cluster.query(`SELECT unichat_send('alone', '2')`);
    await world.bridges[0].start();
    const late = await hearAll(world.bridges[0]);
    await world.cluster.query(`SELECT unichat_send('alone', '3')`);
    await ear.exactly(world.cluster, 'alone');
    await late.client.waitFor(({ data }) => data.message === '3', 'the new message');
    assert.deepEqual(late.texts('alone'), ['3']);
    assert.equal(ear.client.states.filter((state) => state === 'connected').length, 1);
  });

  test('a position that one bridge gave is good at the other', async () => {
    const channel = 'private-staff-portal';
    const token = world.bridges[0].token('staff', 'eve');
    const first = await connectClient(world.bridges[0], { token });
    await first.subscribe(channel);
    await world.cluster.query(`SELECT unichat_send('moves', 'seen')`);
    const { data: { position } } = await first.waitFor(({ data }) => data.message === 'seen', 'the message');
    first.close();
    await world.cluster.query(`SELECT unichat_send('moves', 'missed')`);
    const second = await connectClient(world.bridges[1], { token });
    second.pusher.send_event('unichat:resume', { channel, after: position });
    await second.subscribe(channel);
    await second.waitFor(({ event }) => event === 'unichat:resumed', 'the resume');
    await world.cluster.query(`SELECT unichat_send('moves', 'live')`);
    await second.waitFor(({ data }) => data.message === 'live', 'the live message');
    const seqs = second.on(channel).filter(({ data }) => data.playerId === 'moves').map(({ data }) => data.seq);
    assert.deepEqual(seqs.slice(-2), [3, 4]);
    assert.deepEqual(seqs, seqs.map((_, n) => seqs[0] + n), 'repeats at most, without a gap');
    second.close();
  });
});
