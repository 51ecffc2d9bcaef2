// How large an event, and how many of them at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditIsClean } from './lib/hear.js';
import { inBothWays } from './lib/ways.js';

inBothWays({ settings: { audit_interval: '1s', max_queue: '256MB', max_queue_time: '10min' } }, (world) => {
  // A message of this many bytes of NOTIFY payload: text is stretched by what is missing.
  async function sendWithPayload(player, bytes, filler) {
    const measure = `SELECT octet_length(unichat_event($1, 2)) AS bytes`;
    await world.cluster.query(`SELECT unichat_send($1, 'x')`, [`${player}-0`]);
    const [{ bytes: empty }] = await world.cluster.query(measure, [`${player}-0`]);
    const missing = bytes - empty + 1 - 'x'.length;
    const size = Buffer.byteLength(filler);
    const text = filler.repeat(Math.floor(missing / size)) + '.'.repeat(missing % size + ('x'.length - 1));
    await world.cluster.query('SELECT unichat_send($1, $2)', [`${player}-1`, text]);
    const [{ bytes: got }] = await world.cluster.query(measure, [`${player}-1`]);
    return { player: `${player}-1`, text, got };
  }

  // 4,000 characters of one byte are not that many.
  for (const filler of ['é', '€', '𝄞']) {
    for (const bytes of [7897, 7898, 7899, 7900, 7901, 7902, 7999, 8000, 8001]) {
      test(`a payload of about ${bytes} bytes, of ${filler}`, async () => {
        const { player, text, got } = await sendWithPayload(`size-${bytes}-${filler.codePointAt(0)}`, bytes, filler);
        assert.ok(Math.abs(got - bytes) <= 4, `${got} bytes`);
        await world.ear.exactly(world.cluster, player);
        assert.deepEqual(world.ear.texts(player), [text]);
      });
    }
  }

  test('a message of 1 MB is refused whole, and what follows goes on', async () => {
    await assert.rejects(world.cluster.query('SELECT unichat_send($1, $2)', ['huge', 'x'.repeat(1 << 20)]), { code: 'UC001' });
    await world.cluster.query(`SELECT unichat_send('huge', 'small')`);
    await world.ear.exactly(world.cluster, 'huge');
    assert.deepEqual(world.ear.texts('huge'), ['small']);
  });

  test('100,000 messages of 1,000 players in one transaction', { timeout: 600000 }, async () => {
    await world.cluster.query(`INSERT INTO chat_messages (player_id, message_text)
      SELECT 'many-' || n % 1000, 'message ' || n FROM generate_series(1, 100000) n`);
    await world.ear.exactly(world.cluster, 'many-999', { deadline: 300000 });
    for (let n = 0; n < 1000; n++) assert.equal(await world.ear.exactly(world.cluster, `many-${n}`), 101);
  });

  test('and the audit has found nothing missing', () => auditIsClean(world.bridge, world.ear));
});
