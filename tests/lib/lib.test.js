// The harness itself: a cluster that is stopped, killed and gone, and no child that outlives its test.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, test } from 'node:test';
import { spawn } from 'node:child_process';
import { startCluster, top, until } from './index.js';

const cluster = await startCluster({ schema: null, config: { work_mem: '7MB' } });
after(() => cluster.stop());

test('a cluster takes SQL over psql and over its own connection, with the given configuration', async () => {
  assert.equal(cluster.psql('SELECT 1 + 1').trim(), '2');
  assert.deepEqual(await cluster.query('SHOW work_mem'), [{ work_mem: '7MB' }]);
});

test('data that was committed survives restarts and a killed postmaster', async () => {
  cluster.psql('CREATE TABLE kept AS SELECT 42 AS n');
  await cluster.restart('immediate');
  await cluster.kill9();
  await cluster.start();
  assert.deepEqual(await cluster.query('SELECT n FROM kept'), [{ n: 42 }]);
});

test('until() says what it awaited', async () => {
  await assert.rejects(until(() => false, 'the moon', 20), /waited 20 ms for the moon/);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL']) {
  test(`a test that ends by ${signal} leaves no server behind`, async () => {
    const code = `import { startCluster } from '${top}/tests/lib/index.js';
      const c = await startCluster({ schema: null }); console.log(c.server.pid + ' ' + c.folder); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise((resolve) => { child.stdout.once('data', (data) => resolve(String(data))); });
    const [pid, folder] = line.trim().split(' ');
    assert.ok(fs.existsSync(`/proc/${pid}`));
    child.kill(signal);
    await until(() => !fs.existsSync(`/proc/${pid}/cwd`) || /State:\s+Z/.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8')), 'the server to end');
    if (signal === 'SIGKILL') fs.rmSync(folder, { recursive: true });
    else await until(() => !fs.existsSync(folder), 'its folder to be removed');
  });
}
