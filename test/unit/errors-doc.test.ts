/** docs/errors.md and the table of codes say the same, and no source names a code that is not in the table. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blameOf, errorCodes, httpStatusesOf, isErrorCode } from '../../src/core/error-codes.ts';

const root = new URL('../../', import.meta.url);

/** Codes in quotes in the sources of a folder, tests and the table aside. */
function codesIn(folder: string): Set<string> {
  const files = readdirSync(new URL(folder, root), { recursive: true, withFileTypes: true }).filter(
    ({ name, parentPath }) =>
      name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'error-codes.ts' && !/\/(testing|generated)(\/|$)/.test(parentPath),
  );
  return new Set(
    files.flatMap(({ parentPath, name }) =>
      [...readFileSync(`${parentPath}/${name}`, 'utf8').matchAll(/['"`](MR_[A-Z][A-Z_]*)['"`]/g)].map(([, code = '']) => code),
    ),
  );
}

const used = new Set([...codesIn('src/'), ...codesIn('connect/')]);
const codes = Object.keys(errorCodes).filter(isErrorCode);
const rows = [...readFileSync(new URL('docs/errors.md', root), 'utf8').matchAll(/^\| *`(MR_[A-Z_]+)` *\|(.+)\|$/gm)].map(
  ([, code = '', rest = '']) => ({ code, cells: rest.split('|').map((cell) => cell.trim()) }),
);

describe('the table of codes', () => {
  it('holds every code that a source names, and none that no source names', () => {
    expect(used.size).toBeGreaterThan(50);
    expect([...used].filter((code) => !isErrorCode(code))).toEqual([]);
    expect(codes.filter((code) => !used.has(code) && !sentByTable.has(code))).toEqual([]);
  });
});

/** Named without quotes: keys of a table of details. */
const sentByTable = new Set<string>(['MR_CURSOR_INVALID']);

describe('docs/errors.md', () => {
  it('has one row for every code', () => {
    expect(rows.map(({ code }) => code).sort()).toEqual([...codes].sort());
  });

  it('says of each its statuses, whom to blame, what it means and what to do', () => {
    const said = rows.map(({ code, cells: [http, blame] }) => ({ code, http, blame }));
    const known = rows.flatMap(({ code }) =>
      isErrorCode(code) ? [{ code, http: httpStatusesOf(code).join(', ') || '–', blame: blameOf(code) }] : [],
    );
    expect(said).toEqual(known);
    for (const { code, cells } of rows) {
      const [, , meaning = '', remedy = ''] = cells;
      expect({ code, cells: cells.length }).toEqual({ code, cells: 4 });
      expect(meaning, code).toMatch(/\.$/);
      expect(remedy, code).toMatch(/\.$/);
    }
  });
});
