// The pages: each names all its modules, so that the browser fetches them at once and not one import after the other.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('..', import.meta.url));

function modulesOf(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  if (file.includes('/vendor/')) return found;
  const imports = fs.readFileSync(file, 'utf8').matchAll(/^(?:import|export)[^'";]*?from '([^']+)'/gm);
  for (const [, name] of imports) modulesOf(path.resolve(path.dirname(file), name), found);
  return found;
}

for (const role of ['player', 'staff']) {
  const page = fs.readFileSync(path.join(web, role, 'index.html'), 'utf8');

  test(`${role}: every module is preloaded, and nothing else`, () => {
    const entry = path.join(web, role, 'app.js');
    const wanted = [...modulesOf(entry)].filter((file) => file !== entry).map((file) => path.relative(path.join(web, role), file));
    const named = [...page.matchAll(/<link rel="modulepreload" href="([^"]+)">/g)].map(([, href]) => href);
    assert.deepEqual(named.sort(), wanted.sort());
  });

  test(`${role}: no inline script, style or handler`, () => {
    assert.doesNotMatch(page, /<style|<script>|style=|\son[a-z]+=/);
  });
}
