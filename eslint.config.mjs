// JavaScript style: ESLint's recommended rules over the tests (Node.js) and the portals (browser). Run: make lint
import { createRequire } from 'node:module';

const require = createRequire(new URL('./tests/', import.meta.url));
const js = require('@eslint/js');
const globals = require('globals');

export default [
  { ignores: ['build/', '**/node_modules/', 'results/', 'output_iso/'] },
  js.configs.recommended,
  { languageOptions: { ecmaVersion: 2022, sourceType: 'module' }, rules: {
    'no-empty': ['error', { allowEmptyCatch: true }],
    'no-unused-vars': ['error', { args: 'after-used', argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }],
  } },
  { files: ['tests/**', 'scripts/**', 'bench/**', '*.mjs'], languageOptions: { globals: globals.node } },
  { files: ['tests/browser/**', 'tests/pusher/chromium.test.js'], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
  { files: ['web/**'], languageOptions: { globals: globals.browser } },
  { files: ['web/**/*.test.js', 'web/tests/**'], languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs', globals: globals.node } },
];
