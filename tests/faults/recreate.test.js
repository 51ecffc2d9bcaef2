// The extension dropped and created anew under a running bridge: another history, with the players and seqs of the old one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectClient, until } from '../lib/index.js';
import { HEARING } from './lib/topology.js';
import { inBothWays } from './lib/ways.js';

inBothWays({ settings: HEARING }, (world) => {
  const send = (player, text) => world.cluster.query('SELECT unichat_send($1, $2)', [player, text]);

  test('DROP and CREATE EXTENSION under a running bridge: everybody is told, and delivery goes on with the same players and seqs', async () => {
    await send('dropped', 'old');
    await world.ear.exactly(world.cluster, 'dropped');
    const staff = await connectClient(world.bridge, { token: world.bridge.token('staff', 'before') });
    const { position, epoch } = await staff.subscribe('private-staff-portal');
    staff.close();
    const resyncs = () => world.ear.client.events.filter(({ event, data }) => event === 'unichat:resync' && data.reason === 'epoch').length;
    const before = resyncs();
    world.cluster.psql('DROP EXTENSION unichat');
    world.cluster.psql('CREATE EXTENSION unichat');
    await send('dropped', 'new');
    await until(() => resyncs() > before, 'the resync', 30000);
    await until(async () => await world.bridge.metric('unichat_listening') === 1, 'the bridge to listen');
    await send('dropped', 'newer');
    await until(() => world.ear.texts('dropped').at(-1) === 'newer', 'the newer message');
    for (const [role, sub, channel, data] of [
      ['player', 'dropped', 'private-player-dropped', { after: 2, epoch }],
      ['staff', 'after', 'private-staff-portal', { after: position }],
    ]) {
      const client = await connectClient(world.bridge, { token: world.bridge.token(role, sub) });
      client.pusher.send_event('unichat:resume', { channel, ...data });
      await client.subscribe(channel);
      const answer = await client.waitFor(({ event }) => event.startsWith('unichat:'), 'an answer');
      assert.deepEqual([answer.event, answer.data.reason], ['unichat:resync', 'epoch'], role);
      client.close();
    }
  });
});
