/** docs/errors.md and the code name the same errors: each code has one row, and each row a code. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

/** Codes in quotes in the sources of a folder, tests aside. */
function codesIn(folder: string): Set<string> {
  const files = readdirSync(new URL(folder, root), { recursive: true, withFileTypes: true }).filter(
    ({ name, parentPath }) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !/\/(testing|generated)(\/|$)/.test(parentPath),
  );
  return new Set(
    files.flatMap(({ parentPath, name }) =>
      [...readFileSync(`${parentPath}/${name}`, 'utf8').matchAll(/['"`](MR_[A-Z][A-Z_]*)['"`]/g)].map(([, code = '']) => code),
    ),
  );
}

const codes = new Set([...codesIn('src/'), ...codesIn('connect/')]);
const rows = [...readFileSync(new URL('docs/errors.md', root), 'utf8').matchAll(/^\| *`(MR_[A-Z_]+)` *\|(.+)\|$/gm)].map(
  ([, code = '', rest = '']) => ({ code, cells: rest.split('|').map((cell) => cell.trim()) }),
);
const documented = new Set(rows.map(({ code }) => code));

describe('docs/errors.md', () => {
  it('has a row for every code', () => {
    expect(codes.size).toBeGreaterThan(50);
    expect([...codes].filter((code) => !documented.has(code))).toEqual([]);
  });

  it('has no row for what is no code', () => {
    expect([...documented].filter((code) => !codes.has(code))).toEqual([]);
  });

  it('says once of each what it means and what to do', () => {
    expect(rows.map(({ code }) => code)).toEqual([...documented]);
    for (const { code, cells } of rows) {
      const [status = '', meaning = '', remedy = ''] = cells;
      expect({ code, cells: cells.length }).toEqual({ code, cells: 3 });
      expect(status, code).toMatch(/^(–|[45]\d\d(, [45]\d\d)*)$/);
      expect(meaning, code).toMatch(/\.$/);
      expect(remedy, code).toMatch(/\.$/);
    }
  });
});
