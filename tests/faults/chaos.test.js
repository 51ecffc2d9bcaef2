// A short chaos run with a new seed each time; `make chaos` runs as long as one likes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { top } from '../lib/index.js';

const seed = process.env.CHAOS_SEED || String(Math.floor(Math.random() * 1e9));

test(`nothing is lost, doubled or out of order under load and faults (CHAOS_SEED=${seed})`, (t) => {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [`${top}/tests/faults/chaos.js`],
    { env: { ...process.env, CHAOS_SEED: seed, NODE_TEST_CONTEXT: '' }, encoding: 'utf8', timeout: 480000, maxBuffer: 1 << 28 });
  for (const line of stdout.trim().split('\n')) t.diagnostic(line);
  assert.equal(status, 0, `${signal ?? ''}\n${stderr}`);
});
