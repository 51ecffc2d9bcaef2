// What a transaction may do before it commits, and what is heard of it: everything that committed, once, in the order of
// its commits; of the rest nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectClient, until } from '../lib/index.js';
import { auditIsClean, waitForAudits } from './lib/hear.js';
import { inBothWays } from './lib/ways.js';

inBothWays({ settings: { audit_interval: '300ms' } }, (world) => {
  const send = (client, player, text) => client.query('SELECT unichat_send($1, $2)', [player, text]);

  test('two transactions that commit in the other order than they began', async () => {
    const [first, second] = [await world.cluster.connect(), await world.cluster.connect()];
    await first.query('BEGIN');
    await send(first, 'order-1', 'begun first');
    await second.query('BEGIN');
    await send(second, 'order-2', 'begun second');
    await second.query('COMMIT');
    await world.ear.exactly(world.cluster, 'order-2');
    assert.deepEqual(world.ear.of('order-1'), []);
    await first.query('COMMIT');
    await world.ear.exactly(world.cluster, 'order-1');
    await Promise.all([first.end(), second.end()]);
  });

  test('of one player, the second sender waits for the first, and seq is the order of the commits', async () => {
    const [first, second] = [await world.cluster.connect(), await world.cluster.connect()];
    await first.query('BEGIN');
    await send(first, 'queue', 'first');
    const waiting = send(second, 'queue', 'second');
    await until(async () => (await world.cluster.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)).length, 'the second to wait');
    await first.query('COMMIT');
    await waiting;
    await world.ear.exactly(world.cluster, 'queue');
    assert.deepEqual(world.ear.texts('queue'), ['first', 'second']);
    await Promise.all([first.end(), second.end()]);
  });

  test('a transaction held open while thousands commit, and audits go by, is heard when it commits, and delays nobody', async () => {
    const slow = await world.cluster.connect();
    await slow.query('BEGIN');
    await send(slow, 'slow', 'held open');
    for (let n = 0; n < 30; n++)
      world.cluster.psql(Array.from({ length: 100 }, (_, m) => `SELECT unichat_send('fast-${m % 10}', '${n} ${m}');`).join('\n'));
    for (let n = 0; n < 10; n++) await world.ear.exactly(world.cluster, `fast-${n}`);
    assert.ok(await world.bridge.metric('unichat_events_total') >= 3000);
    await waitForAudits(world.bridge, 2);
    assert.deepEqual(world.ear.of('slow'), []);
    await slow.query('COMMIT');
    await world.ear.exactly(world.cluster, 'slow');
    await slow.end();
  });

  test('what was rolled back to a savepoint leaves neither an event nor a gap', async () => {
    world.cluster.psql(`BEGIN; SELECT unichat_send('savepoint', 'kept'); SAVEPOINT a; SELECT unichat_send('savepoint', 'dropped');
      ROLLBACK TO a; SELECT unichat_send('savepoint', 'kept too'); RELEASE a; COMMIT;`);
    await world.ear.exactly(world.cluster, 'savepoint');
    assert.deepEqual(world.ear.texts('savepoint'), ['kept', 'kept too']);
  });

  test('a deferred trigger that sends at commit', async () => {
    world.cluster.psql(`CREATE TABLE orders (id int);
      CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM unichat_send('deferred', 'order ' || NEW.id); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER tell AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell();`);
    world.cluster.psql('BEGIN; INSERT INTO orders VALUES (1), (2); COMMIT;');
    world.cluster.psql('BEGIN; INSERT INTO orders VALUES (3); ROLLBACK;');
    await world.ear.exactly(world.cluster, 'deferred');
    assert.deepEqual(world.ear.texts('deferred'), ['order 1', 'order 2']);
  });

  test('a function with an EXCEPTION block: what it has undone is not heard', async () => {
    world.cluster.psql(`DO $$ BEGIN
      PERFORM unichat_send('exception', 'before');
      BEGIN PERFORM unichat_send('exception', 'undone'); PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END;
      PERFORM unichat_send('exception', 'after');
    END $$`);
    await world.ear.exactly(world.cluster, 'exception');
    assert.deepEqual(world.ear.texts('exception'), ['before', 'after']);
  });

  test('a serializable transaction that fails at its commit is not heard, and is heard when it is done again', async () => {
    world.cluster.psql('CREATE TABLE duty (name text, here boolean); INSERT INTO duty VALUES (\'a\', true), (\'b\', true);');
    const [one, two] = [await world.cluster.connect(), await world.cluster.connect()];
    for (const [client, name] of [[one, 'a'], [two, 'b']]) {
      await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
      await client.query('SELECT count(*) FROM duty WHERE here');
      await client.query('UPDATE duty SET here = false WHERE name = $1', [name]);
    }
    await send(one, 'serial', 'a leaves');
    await one.query('COMMIT');
    await assert.rejects(async () => { await send(two, 'serial-2', 'b leaves'); await two.query('COMMIT'); }, { code: '40001' });
    await two.query('ROLLBACK');
    await send(two, 'serial-2', 'again');
    await world.ear.exactly(world.cluster, 'serial');
    await world.ear.exactly(world.cluster, 'serial-2');
    assert.deepEqual(world.ear.texts('serial-2'), ['again']);
    await Promise.all([one.end(), two.end()]);
  });

  test('COPY into chat_messages is heard line by line; a COPY that breaks off is not heard at all', async () => {
    world.cluster.psql(`COPY chat_messages (player_id, message_text) FROM STDIN;\n${Array.from({ length: 500 }, (_, n) => `copy-${n % 5}\tline ${n}`).join('\n')}\n\\.\n`);
    for (let n = 0; n < 5; n++) assert.equal(await world.ear.exactly(world.cluster, `copy-${n}`), 101);
    const broken = world.cluster.psql('COPY chat_messages (player_id, message_text) FROM STDIN;\ncopy-6\tgood\ncopy-6\t\n\\.\n', { mayFail: true });
    assert.notEqual(broken.status, 0);
    await world.cluster.query(`SELECT unichat_send('copy-7', 'marker')`);
    await world.ear.exactly(world.cluster, 'copy-7');
    assert.deepEqual(world.ear.of('copy-6'), []);
  });

  // What the transaction notifies by itself is what it has sent; the worker reads what is stored.
  test('a message erased before its delivery: its event is heard like any other, also by who resumes, then without its text', async () => {
    world.cluster.psql(`BEGIN; SELECT unichat_send('erased', 'secret'); SELECT unichat_erase_player('erased'); COMMIT;`);
    await until(() => world.ear.of('erased').some(({ kind }) => kind === 'erased'), 'the erasure');
    await world.cluster.query(`SELECT unichat_send('erased', 'new')`);
    const last = await world.ear.exactly(world.cluster, 'erased', { content: world.way === 'worker' });
    const channel = 'private-player-erased';
    const client = await connectClient(world.bridge, { token: world.bridge.token('player', 'erased') });
    client.pusher.send_event('unichat:resume', { channel, after: 0 });
    await client.subscribe(channel);
    await client.waitFor(({ event }) => event === 'unichat:resumed', 'the resume');
    const events = client.on(channel).filter(({ data }) => data.playerId).map(({ data }) => data);
    assert.deepEqual(events.map(({ seq }) => seq), Array.from({ length: last }, (_, n) => n + 1));
    assert.deepEqual(events.filter(({ kind }) => kind === 'message').map(({ message }) => message), [null, 'new']);
    client.close();
  });

  test('and the audit has found nothing missing', () => auditIsClean(world.bridge, world.ear));
});
