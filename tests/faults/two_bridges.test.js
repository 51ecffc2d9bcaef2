// Two bridges on one database: each hears everything for itself.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectClient, startBridge, startCluster } from '../lib/index.js';
import { auditIsClean, hearAll } from './lib/hear.js';

const cluster = await startCluster();
const secrets = { audit_interval: '300ms', jwt_secret: 'a secret that both bridges share, 32+' };
const bridges = [await startBridge(cluster, secrets), await startBridge(cluster, secrets)];
after(async () => { for (const bridge of bridges) await bridge.stop(); await cluster.stop(); });

test('what is sent through one is heard once by the clients of both, in the same order', async () => {
  const ears = await Promise.all(bridges.map((bridge) => hearAll(bridge)));
  await Promise.all(Array.from({ length: 60 }, (_, n) => bridges[n % 2].api('POST', '/api/unified-chat/send',
    { token: bridges[n % 2].token('player', 'both'), body: { message: `message ${n}` } })));
  for (const ear of ears) await ear.exactly(cluster, 'both');
  assert.deepEqual(ears[0].texts('both'), ears[1].texts('both'));
  for (const bridge of bridges) await auditIsClean(bridge);
});

test('one is killed and started again: the other does not notice, and the clients of both have everything', async () => {
  const ear = await hearAll(bridges[1]);
  await cluster.query(`SELECT unichat_send('alone', '1')`);
  await bridges[0].kill('SIGKILL');
  await cluster.query(`SELECT unichat_send('alone', '2')`);
  await bridges[0].start();
  const late = await hearAll(bridges[0]);
  await cluster.query(`SELECT unichat_send('alone', '3')`);
  await ear.exactly(cluster, 'alone');
  await late.client.waitFor(({ data }) => data.message === '3', 'the new message');
  assert.deepEqual(late.texts('alone'), ['3']);
  assert.equal(ear.client.states.filter((state) => state === 'connected').length, 1);
});

test('a position that one bridge gave is good at the other', async () => {
  const channel = 'private-staff-portal';
  const token = bridges[0].token('staff', 'eve');
  const first = await connectClient(bridges[0], { token });
  await first.subscribe(channel);
  await cluster.query(`SELECT unichat_send('moves', 'seen')`);
  const { data: { position } } = await first.waitFor(({ data }) => data.message === 'seen', 'the message');
  first.close();
  await cluster.query(`SELECT unichat_send('moves', 'missed')`);
  const second = await connectClient(bridges[1], { token });
  second.pusher.send_event('unichat:resume', { channel, after: position });
  await second.subscribe(channel);
  await second.waitFor(({ event }) => event === 'unichat:resumed', 'the resume');
  await cluster.query(`SELECT unichat_send('moves', 'live')`);
  await second.waitFor(({ data }) => data.message === 'live', 'the live message');
  const seqs = second.on(channel).filter(({ data }) => data.playerId === 'moves').map(({ data }) => data.seq);
  assert.deepEqual(seqs.slice(-2), [3, 4]);
  assert.deepEqual(seqs, seqs.map((_, n) => seqs[0] + n), 'repeats at most, without a gap');
  second.close();
});
