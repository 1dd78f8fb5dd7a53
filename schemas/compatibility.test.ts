import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { incompatibilities } from './compatibility.ts';
import { readFrozen, unfrozen } from './freeze.ts';
import { type AvroRecord, generate, generatedFile, readSchemas } from './generate.ts';

const schemas = readSchemas();
const frozen = readFrozen();

test('the generated types are those of the schemas', () => {
  expect(readFileSync(generatedFile, 'utf8'), 'run npm run schemas:generate').toBe(generate(schemas));
});

test('every current schema is frozen', () => {
  expect(
    unfrozen(schemas, frozen).map(({ name }) => name),
    'run npm run schemas:freeze',
  ).toEqual([]);
});

test('no record that landed went away', () => {
  expect(schemas.map(({ name }) => name)).toEqual(expect.arrayContaining([...new Set(frozen.map(({ record }) => record))]));
});

test.each(frozen.map((each) => [`${each.record} ${each.version}`, each] as const))(
  '%s reads and is read by every other version',
  (_, each) => {
    const versions = [
      ...frozen.filter(({ record }) => record === each.record).map(({ schema }) => schema),
      ...schemas.filter(({ name }) => name === each.record),
    ];
    expect(versions.flatMap((version) => incompatibilities(version, each.schema))).toEqual([]);
  },
);

describe('a change', () => {
  const base: AvroRecord = {
    type: 'record',
    name: 'Thing',
    namespace: 'millrace.test',
    doc: 'A thing.',
    fields: [
      { name: 'id', doc: 'Its id.', type: 'string' },
      { name: 'note', doc: 'A note.', type: ['null', 'string'], default: null },
    ],
  };
  const changed = (fields: AvroRecord['fields'], name = 'Thing'): AvroRecord => ({ ...base, name, fields });
  const [id, note] = base.fields;
  if (id === undefined || note === undefined) throw new Error('unreachable: the record above has two fields');

  test('of words only goes', () => {
    expect(incompatibilities(changed([{ ...id, doc: 'Other words.' }, note]), base)).toEqual([]);
  });

  test('that adds a nullable field with a default goes', () => {
    expect(incompatibilities(changed([id, note, { name: 'more', doc: 'More.', type: ['null', 'long'], default: null }]), base)).toEqual([]);
  });

  test.each([
    ['adds a field without a default', [id, note, { name: 'more', doc: 'More.', type: 'string' }], 'added without a default'],
    ['removes a field without a default', [note], 'removed and had no default'],
    ['changes a type', [{ ...id, type: 'long' }, note], 'changed its type'],
    ['makes a field nullable', [{ ...id, type: ['null', 'string'], default: null }, note], 'changed its type'],
  ] as const)('that %s is refused', (_, fields, reason) => {
    expect(incompatibilities(changed(fields as unknown as AvroRecord['fields']), base).join('\n')).toContain(reason);
  });

  test('of the name is refused', () => {
    expect(incompatibilities(changed(base.fields, 'Other'), base)).toEqual(['millrace.test.Thing became millrace.test.Other']);
  });
});

describe('the generator refuses', () => {
  const record = (field: AvroRecord['fields'][number]): AvroRecord[] => [
    { type: 'record', name: 'Thing', namespace: 'millrace.test', doc: 'A thing.', fields: [field] },
  ];
  test.each([
    ['a field without doc', { name: 'a', type: 'string' }, 'has no doc'],
    ['a union that is not ["null", T]', { name: 'a', doc: 'x', type: ['string', 'long'], default: null }, 'a union must be'],
    ['a nullable field without a default', { name: 'a', doc: 'x', type: ['null', 'string'] }, 'needs "default": null'],
    ['a type that our records do not use', { name: 'a', doc: 'x', type: 'float' }, 'is not one that our records use'],
    ['an enum', { name: 'a', doc: 'x', type: { type: 'enum', logicalType: 'none' } }, 'is not one that our records use'],
  ] as const)('%s', (_, field, message) => {
    expect(() => generate(record(field as unknown as AvroRecord['fields'][number]))).toThrow(message);
  });
});
