/** docs/definition.md keeps its word: every example of a function gives what stands there, and no function is left out. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { evaluated } from '../testing/evaluate.ts';
import { ownNames } from './index.ts';

const page = readFileSync(new URL('../../../../docs/definition.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| (`.*) \| .* \| `(.+)` → `(.+)` +\|$/gm)].map(([, calls = '', source = '', value = '']) => ({
  calls,
  source,
  value,
}));

const scope = {
  input: {
    name: 'Ada',
    nothing: null,
    tags: ['red', 'blue', 'red'],
    lines: [
      { sku: 'b', price: 1 },
      { sku: 'a', price: 22 },
      { sku: 'a', price: 1 },
    ],
  },
  now: '2026-01-31T09:00:00Z',
};

it.each(rows)('$source gives $value', ({ source, value }) => {
  expect(evaluated(source, scope)).toEqual(JSON.parse(value));
});

it('explains every function that CEL does not have', () => {
  const explained = rows.map(({ calls }) => calls).join(' ');
  expect(ownNames.filter((name) => !explained.includes(`${name}(`))).toEqual([]);
});
