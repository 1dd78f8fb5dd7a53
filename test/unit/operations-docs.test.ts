/** docs/operations.md names every metric that the code makes, and none that it does not. */
import { expect, test } from 'vitest';
import { readFiles } from '../support/files.ts';

const made = readFiles('{src,connect}/**/*.ts')
  .filter(({ path }) => !path.endsWith('.test.ts'))
  .flatMap(({ text }) => [...text.matchAll(/\b(?:counter|gauge|histogram)\(\s*'([a-z][a-z_]+)'/g)].map(([, what]) => `millrace_${what}`));

const documented = readFiles('docs/operations.md').flatMap(({ text }) =>
  [...text.matchAll(/^\| `(millrace_[a-z_]+)`\s*\|/gm)].map(([, name]) => name),
);

test('each metric has one row', () => {
  expect(made).toContain('millrace_outbox_oldest_age_seconds');
  expect([...documented].sort()).toEqual([...new Set(made)].sort());
});
