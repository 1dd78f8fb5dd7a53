/**
 * Each field of the language has a wrong value that is refused with a code, a place and a sentence (testing/wrong-fields.txt: a field, the
 * value, the code and the sentence in a line), and is named where docs/definition.md describes it.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorsOf } from '../core/definition/testing/documents.ts';
import type { Json } from '../core/json.ts';
import { fieldsOfLanguage } from './testing/fields.ts';
import { sectionOf } from './testing/reference-page.ts';
import { documentWithWrong } from './testing/wrong-fields.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

const rows = read('./testing/wrong-fields.txt')
  .trimEnd()
  .split('\n')
  .map((line) => {
    const [field = '', value = '', code = '', ...sentence] = line.split(' | ');
    return { field, value, code, message: sentence.join(' | ') };
  });

describe('A wrong value is refused', () => {
  it('of every field', () => {
    expect(rows.map(({ field }) => field)).toEqual(fieldsOfLanguage());
  });

  it.each(rows)('of $field: $value', ({ field, value, code, message }) => {
    const { document, pointer } = documentWithWrong(field, JSON.parse(value) as Json);
    expect(errorsOf(document)).toEqual([{ pointer, code, message }]);
  });
});

describe('The definition reference', () => {
  it.each(fieldsOfLanguage())('describes %s', (field) => {
    const [owner = '', ...path] = field.split('.');
    const text = sectionOf(owner);
    // A child of a forEach has the fields of a workflow node.
    const name = path.at(-1) ?? '';
    expect(text).toMatch(new RegExp(`[\`"]${name}[\`"]`));
  });
});
