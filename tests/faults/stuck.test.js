// An event that is too large for a notification, and cannot be fetched: what is behind it waits, within bounds, and nobody is left
// in silence.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectClient, startAll, until } from '../lib/index.js';
import { auditIsClean, hearAll } from './lib/hear.js';

const { cluster, bridge } = await startAll({ audit_interval: '300ms', max_queue: '256MB', max_queue_time: '10min' });
const ear = await hearAll(bridge);
const LARGE = '€'.repeat(3000);
const send = (player, text) => cluster.query('SELECT unichat_send($1, $2)', [player, text]);
const resyncs = (client, reason) => client.events.filter(({ event, data }) => event === 'unichat:resync' && data.reason === reason).length;
const definition = cluster.psql(`SELECT pg_get_functiondef('unichat_event(text, bigint)'::regprocedure)`);

// Until mend(), what is fetched is this instead.
function spoil(body) {
  cluster.psql(`CREATE OR REPLACE FUNCTION unichat_event(player_id text, seq bigint) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN ${body} END $$`);
}
const mend = () => cluster.psql(`${definition};`);

test('an error that passes is waited for: nothing is skipped, and the order stays', async () => {
  spoil(`RAISE 'cache lookup failed' USING ERRCODE = 'XX000';`);
  await send('patient', LARGE);
  await send('patient', 'small');
  await until(() => /event=event_refused player="?patient"? seq=2/.test(bridge.log()), 'the log to say so');
  assert.deepEqual(ear.texts('patient'), []);
  mend();
  await ear.exactly(cluster, 'patient');
  assert.deepEqual(ear.texts('patient'), [LARGE, 'small']);
  assert.equal(await bridge.metric('unichat_events_skipped_total'), 0);
});

for (const [player, what, body] of [['gone', 'that is not there any more', 'RETURN NULL;'], ['garbled', 'that cannot be read', `RETURN '{}';`]]) {
  test(`an event ${what} is skipped: the staff and the player are told to load anew, and nobody else`, async (t) => {
    const clients = [];
    for (const name of [player, 'somebody']) {
      clients.push(await connectClient(bridge, { token: bridge.token('player', name), channels: [`private-player-${name}`] }));
      t.after(() => clients.at(-1).close());
    }
    const before = resyncs(ear.client, 'too_old');
    const skipped = await bridge.metric('unichat_events_skipped_total');
    spoil(body);
    await send(player, LARGE);
    await send(player, 'small');
    await until(() => ear.texts(player).includes('small'), 'what comes behind it');
    mend();
    assert.equal(resyncs(ear.client, 'too_old'), before + 1);
    await until(() => resyncs(clients[0], 'too_old') === 1, 'the player to be told');
    assert.equal(await bridge.metric('unichat_events_skipped_total'), skipped + 1);
    await send('somebody', 'hello');
    await clients[1].waitFor(({ data }) => data.message === 'hello', 'the message of somebody else');
    assert.equal(resyncs(clients[1], 'too_old'), 0);
  });
}

test('what waits behind it is bounded: beyond that everybody is told to load anew, and delivery goes on', async () => {
  const before = resyncs(ear.client, 'too_old');
  spoil(`RAISE 'no' USING ERRCODE = 'XX000';`);
  await send('flood', LARGE);
  await cluster.query(`INSERT INTO chat_messages (player_id, message_text) SELECT 'flood-' || n % 10, repeat('€', 2400) FROM generate_series(1, 6000) n`);
  await until(() => resyncs(ear.client, 'too_old') > before, 'the resync', 60000);
  assert.match(bridge.log(), /event=begun_anew/);
  mend();
  await send('dry', 'after the flood');
  await ear.exactly(cluster, 'dry');
  await until(async () => await bridge.metric('unichat_events_queued') === 0, 'nothing to wait');
});

test('and the audit has found nothing missing', () => auditIsClean(bridge, ear));
