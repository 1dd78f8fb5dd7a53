/** docs/rest.md lists the entries of histories as they are. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { entryTypes, failureTypes } from './entry-types.ts';

const page = readFileSync(new URL('../../../../docs/rest.md', import.meta.url), 'utf8');

it('every type of entry is on the page of REST, with its sentence', () => {
  const [, table = ''] = /^### Entries of a history\n(.*?)^#/ms.exec(page) ?? [];
  const rows = [...table.matchAll(/^\| `(\w+)` +\| (.*?) +\|$/gm)].map(([, type, sentence]) => [type, sentence]);
  expect(rows).toEqual(Object.entries(entryTypes));
});

it('what counts as a failure is on that page too', () => {
  const [, sentence = ''] = /^- \*\*Long histories\*\*: .*? of the types (.*?)\./ms.exec(page) ?? [];
  expect([...sentence.matchAll(/`(\w+)`/g)].map(([, type]) => type)).toEqual(failureTypes);
});
