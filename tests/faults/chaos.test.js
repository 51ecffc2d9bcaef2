// A short chaos run with a new seed each time; `make chaos` runs as long as one likes.
import { test } from 'node:test';
import { chaos } from './chaos.js';

const seed = Number(process.env.CHAOS_SEED || Math.floor(Math.random() * 1e9));

test(`nothing is lost, doubled or out of order under load and faults (CHAOS_SEED=${seed})`, { timeout: 480000 }, async (t) => {
  await chaos({ seed, seconds: Number(process.env.CHAOS_SECONDS || 60), say: (line) => t.diagnostic(line) });
});
