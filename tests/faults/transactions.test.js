// What a transaction may do before it commits, and what is heard of it: everything that committed, once, in the order of
// its commits; of the rest nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAll, until } from '../lib/index.js';
import { auditIsClean, hearAll } from './lib/hear.js';

const { cluster, bridge } = await startAll({ audit_interval: '300ms' });
const ear = await hearAll(bridge);
const send = (client, player, text) => client.query('SELECT unichat_send($1, $2)', [player, text]);

test('two transactions that commit in the other order than they began', async () => {
  const [first, second] = [await cluster.connect(), await cluster.connect()];
  await first.query('BEGIN');
  await send(first, 'order-1', 'begun first');
  await second.query('BEGIN');
  await send(second, 'order-2', 'begun second');
  await second.query('COMMIT');
  await ear.exactly(cluster, 'order-2');
  assert.deepEqual(ear.of('order-1'), []);
  await first.query('COMMIT');
  await ear.exactly(cluster, 'order-1');
  await Promise.all([first.end(), second.end()]);
});

test('of one player, the second sender waits for the first, and seq is the order of the commits', async () => {
  const [first, second] = [await cluster.connect(), await cluster.connect()];
  await first.query('BEGIN');
  await send(first, 'queue', 'first');
  const waiting = send(second, 'queue', 'second');
  await until(async () => (await cluster.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)).length, 'the second to wait');
  await first.query('COMMIT');
  await waiting;
  await ear.exactly(cluster, 'queue');
  assert.deepEqual(ear.texts('queue'), ['first', 'second']);
  await Promise.all([first.end(), second.end()]);
});

test('a transaction held open while thousands commit is heard when it commits, and delays nobody', async () => {
  const slow = await cluster.connect();
  await slow.query('BEGIN');
  await send(slow, 'slow', 'held open');
  for (let n = 0; n < 30; n++)
    cluster.psql(Array.from({ length: 100 }, (_, m) => `SELECT unichat_send('fast-${m % 10}', '${n} ${m}');`).join('\n'));
  for (let n = 0; n < 10; n++) await ear.exactly(cluster, `fast-${n}`);
  const audits = await bridge.metric('unichat_events_total');
  assert.ok(audits >= 3000);
  assert.deepEqual(ear.of('slow'), []);
  await slow.query('COMMIT');
  await ear.exactly(cluster, 'slow');
  await slow.end();
});

test('what was rolled back to a savepoint leaves neither an event nor a gap', async () => {
  cluster.psql(`BEGIN; SELECT unichat_send('savepoint', 'kept'); SAVEPOINT a; SELECT unichat_send('savepoint', 'dropped');
    ROLLBACK TO a; SELECT unichat_send('savepoint', 'kept too'); RELEASE a; COMMIT;`);
  await ear.exactly(cluster, 'savepoint');
  assert.deepEqual(ear.texts('savepoint'), ['kept', 'kept too']);
});

test('a deferred trigger that sends at commit', async () => {
  cluster.psql(`CREATE TABLE orders (id int);
    CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM unichat_send('deferred', 'order ' || NEW.id); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER tell AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell();`);
  cluster.psql('BEGIN; INSERT INTO orders VALUES (1), (2); COMMIT;');
  cluster.psql('BEGIN; INSERT INTO orders VALUES (3); ROLLBACK;');
  await ear.exactly(cluster, 'deferred');
  assert.deepEqual(ear.texts('deferred'), ['order 1', 'order 2']);
});

test('a function with an EXCEPTION block: what it has undone is not heard', async () => {
  cluster.psql(`DO $$ BEGIN
    PERFORM unichat_send('exception', 'before');
    BEGIN PERFORM unichat_send('exception', 'undone'); PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END;
    PERFORM unichat_send('exception', 'after');
  END $$`);
  await ear.exactly(cluster, 'exception');
  assert.deepEqual(ear.texts('exception'), ['before', 'after']);
});

test('a serializable transaction that fails at its commit is not heard, and is heard when it is done again', async () => {
  cluster.psql('CREATE TABLE duty (name text, here boolean); INSERT INTO duty VALUES (\'a\', true), (\'b\', true);');
  const [one, two] = [await cluster.connect(), await cluster.connect()];
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
  await ear.exactly(cluster, 'serial');
  await ear.exactly(cluster, 'serial-2');
  assert.deepEqual(ear.texts('serial-2'), ['again']);
  await Promise.all([one.end(), two.end()]);
});

test('COPY into chat_messages is heard line by line; a COPY that breaks off is not heard at all', async () => {
  cluster.psql(`COPY chat_messages (player_id, message_text) FROM STDIN;\n${Array.from({ length: 500 }, (_, n) => `copy-${n % 5}\tline ${n}`).join('\n')}\n\\.\n`);
  for (let n = 0; n < 5; n++) assert.equal(await ear.exactly(cluster, `copy-${n}`), 101);
  const broken = cluster.psql('COPY chat_messages (player_id, message_text) FROM STDIN;\ncopy-6\tgood\ncopy-6\t\n\\.\n', { mayFail: true });
  assert.notEqual(broken.status, 0);
  await cluster.query(`SELECT unichat_send('copy-7', 'marker')`);
  await ear.exactly(cluster, 'copy-7');
  assert.deepEqual(ear.of('copy-6'), []);
});

test('a message erased between its commit and its delivery is not delivered', async () => {
  cluster.psql(`BEGIN; SELECT unichat_send('erased', 'secret'); SELECT unichat_erase_player('erased'); COMMIT;`);
  await until(() => ear.of('erased').some(({ kind }) => kind === 'erased'), 'the erasure');
  await cluster.query(`SELECT unichat_send('erased', 'new')`);
  await ear.exactly(cluster, 'erased');
});

test('and the audit has found nothing missing', () => auditIsClean(bridge));
