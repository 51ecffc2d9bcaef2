// An answer of the database arrives in as many pieces as the network likes. The bridge goes on wherever it is cut.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startBridge, startCluster, until } from '../lib/index.js';
import { auditIsClean, hearAll } from './lib/hear.js';
import { startSplitter } from './lib/split.js';
import { HEARING } from './lib/topology.js';

const cluster = await startCluster();
after(() => cluster.stop());

async function startSplit(t, settings, pauseMs) {
  const splitter = await startSplitter({ host: '127.0.0.1', port: cluster.port, noDelay: true }, { pauseMs });
  t.after(() => splitter.stop());
  const bridge = await startBridge(cluster, {
    ...HEARING, ...settings, database: `host=127.0.0.1 port=${splitter.port} dbname=chat user=postgres sslmode=disable gssencmode=disable` });
  t.after(() => bridge.stop());
  return { splitter, bridge };
}

test('the end of a statement comes after its answer: the bridge listens, catches up and delivers', async (t) => {
  const { bridge } = await startSplit(t);
  const ear = await hearAll(bridge);
  const send = (text) => cluster.query('SELECT unichat_send($1, $2)', ['split', text]);
  for (let n = 0; n < 3; n++) {
    await send(`live ${n}`);
    await cluster.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'unichat-bridge listener'`);
    for (let m = 0; m < 5; m++) await send(`missed ${n} ${m}`);
    await ear.exactly(cluster, 'split');
  }
  await auditIsClean(bridge, ear);
  ear.close();
});

test('the next probe waits for the end of the one before: the session is not given up', async (t) => {
  const { splitter, bridge } = await startSplit(t, { probe_interval: '100ms' }, 300);
  const before = splitter.probes();
  await until(() => splitter.probes() >= before + 4, 'some probes');
  assert.equal(await bridge.metric('unichat_listen_sessions_total'), 1);
});

for (const statement of ['unichat_listen', 'unichat_revocations', 'unichat_events_since']) {
  test(`a session that falls silent before it is live, at ${statement}, is given up in time`, async (t) => {
    const { splitter, bridge } = await startSplit(t, { statement_timeout: '500ms' });
    const ear = await hearAll(bridge);
    splitter.swallow(statement);
    await cluster.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'unichat-bridge listener'`);
    await until(() => splitter.swallowed(), 'the session to fall silent');
    await cluster.query(`SELECT unichat_send('silent', 'at ' || $1)`, [statement]);
    await until(() => ear.texts('silent').includes(`at ${statement}`), 'the message', 20000);
    await auditIsClean(bridge, ear);
    ear.close();
  });
}
