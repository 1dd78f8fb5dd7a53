/** Avro in definitions: the JSON Schema that it becomes, what values it takes, and what is told of a schema that is wrong. */
import { describe, expect, it } from 'vitest';
import { breakingChanges } from '../definition/index.ts';
import { errorsOf, graphOf, nodeOf, step } from '../definition/testing/documents.ts';
import { masked } from '../definition/typed/marks.ts';
import { mayHoldMarks } from '../definition/typed/marks-in-schemas.ts';
import { ofSchema } from '../definition/typed/shape.ts';
import type { Json, JsonObject } from '../json.ts';
import { declared, field, logical, record, refusals, schemaOf, takes } from './testing/schemas.ts';

const INT = { type: 'integer', minimum: -2_147_483_648, maximum: 2_147_483_647 };
const LONG = { type: 'integer', minimum: -9_007_199_254_740_991, maximum: 9_007_199_254_740_991 };

describe('An Avro schema becomes', () => {
  it.each<[Json, Json]>([
    ['null', { type: 'null' }],
    ['boolean', { type: 'boolean' }],
    ['int', INT],
    ['long', LONG],
    ['float', { type: 'number' }],
    ['double', { type: 'number' }],
    ['string', { type: 'string' }],
    ['bytes', { type: 'string', format: 'base64' }],
    [{ type: 'string' }, { type: 'string' }],
    [{ type: { type: 'string' } }, { type: 'string' }],
    [
      { type: 'array', items: 'int' },
      { type: 'array', items: INT },
    ],
    [
      { type: 'map', values: 'boolean' },
      { type: 'object', additionalProperties: { type: 'boolean' } },
    ],
    [
      { type: 'enum', name: 'E', symbols: ['A', 'B'], doc: 'd' },
      { type: 'string', enum: ['A', 'B'], description: 'd' },
    ],
    [
      { type: 'fixed', name: 'F', size: 16 },
      { type: 'string', format: 'base64', minLength: 24, maxLength: 24, pattern: '[^=]==$' },
    ],
    [logical('int', 'date'), INT],
    [logical('int', 'time-millis'), { type: 'integer', minimum: 0, maximum: 86_399_999 }],
    [logical('long', 'time-micros'), { type: 'integer', minimum: 0, maximum: 86_399_999_999 }],
    [logical('long', 'timestamp-millis'), LONG],
    [logical('long', 'local-timestamp-micros'), LONG],
    [logical('string', 'uuid'), { type: 'string', format: 'uuid', maxLength: 36 }],
    [logical('bytes', 'decimal', { precision: 5, scale: 2 }), { type: 'string', pattern: '^-?(0|[1-9][0-9]{0,2})\\.[0-9]{2}$' }],
    [logical('string', 'of-our-own'), { type: 'string' }],
    [['null', 'string'], { type: ['string', 'null'] }],
    [['null', 'int', 'string'], { ...INT, type: ['integer', 'string', 'null'] }],
    [['null', { type: 'enum', name: 'E', symbols: ['A'] }], { type: ['string', 'null'], enum: ['A', null] }],
    [['int', 'double'], { anyOf: [INT, { type: 'number' }] }],
    [['string'], { type: 'string' }],
  ])('%j: %j', (avro, expected) => expect(schemaOf(avro)).toEqual(expected));

  it('an object with the fields of a record and no others, where a default makes a field optional', () => {
    const avro = record(
      'Order',
      [
        field('id', 'string', { doc: 'Of the shop.' }),
        field('note', ['null', 'string'], { default: null }),
        field('raw', 'bytes', { default: '\u00ffA' }),
        field('cents', logical('bytes', 'decimal', { precision: 4, scale: 2 }), { default: '\u0004\u00d2' }),
        field('gift', ['null', 'boolean']),
      ],
      { doc: 'An order.', aliases: ['Old'], 'x-owner': 'us' },
    );
    expect(schemaOf(avro)).toEqual({
      type: 'object',
      properties: {
        id: { type: 'string', description: 'Of the shop.' },
        note: { type: ['string', 'null'], default: null },
        raw: { type: 'string', format: 'base64', default: '/0E=' },
        cents: { type: 'string', pattern: '^-?(0|[1-9][0-9]{0,1})\\.[0-9]{2}$', default: '12.34' },
        gift: { type: ['boolean', 'null'] },
      },
      required: ['id', 'gift'],
      additionalProperties: false,
      description: 'An order.',
    });
    expect(takes(avro, { id: 'a', gift: null })).toBe(true);
    expect(takes(avro, { id: 'a' })).toBe(false);
    expect(takes(avro, { id: 'a', gift: null, other: 1 })).toBe(false);
  });

  it('definitions for what is named and stands there more than once, also for what holds itself', () => {
    const money = record('Money', [field('cents', 'long')], { namespace: 'shop' });
    expect(schemaOf(record('shop.Order', [field('net', money), field('gross', ['null', 'Money']), field('tax', 'shop.Money')]))).toEqual({
      $defs: { Money: { type: 'object', properties: { cents: LONG }, required: ['cents'], additionalProperties: false } },
      type: 'object',
      properties: {
        net: { $ref: '#/$defs/Money' },
        gross: { anyOf: [{ $ref: '#/$defs/Money' }, { type: 'null' }] },
        tax: { $ref: '#/$defs/Money' },
      },
      required: ['net', 'gross', 'tax'],
      additionalProperties: false,
    });
    const node = record('Node', [field('next', ['null', 'Node']), field('all', { type: 'array', items: 'Node' })]);
    expect(takes(node, { next: { next: null, all: [] }, all: [{ next: null, all: [] }] })).toBe(true);
    expect(declared(node).compiled.validate({ next: { next: 1, all: [] }, all: [] })).toEqual([
      { pointer: '/next/next', message: 'This must be an object.' },
      { pointer: '/next/next', message: 'This must be null.' },
      { pointer: '/next/next', message: 'This fits none of the shapes that are allowed here.' },
    ]);
    expect(declared(node).compiled.validate({ next: { next: null, al: [] }, all: [] })).toEqual([
      { pointer: '/next', message: 'The property "all" is missing.' },
      { pointer: '/next/al', message: 'The property "al" is not known here.' },
    ]);
  });

  it('definitions with whole names where the short ones are the same', () => {
    const a = (namespace: string): JsonObject => record('A', [field('x', 'int')], { namespace });
    const schema = schemaOf(record('R', [field('a', a('one')), field('b', 'one.A'), field('c', a('two')), field('d', 'two.A')]));
    expect(Object.keys((schema as { readonly $defs: JsonObject }).$defs)).toEqual(['one.A', 'two.A']);
  });

  it('types that are read in the namespace around them, or in none', () => {
    const inner = record('Inner', [
      field('a', { type: 'enum', name: 'Color', symbols: ['RED'] }),
      field('b', 'Color'),
      field('c', 'x.Color'),
    ]);
    expect(refusals(record('x.Outer', [field('inner', inner), field('color', 'Color')]))).toEqual([]);
    const other = record('Inner', [field('b', 'x.Color')], { namespace: '' });
    expect(refusals(record('x.Outer', [field('c', { type: 'enum', name: 'Color', symbols: ['RED'] }), field('i', other)]))).toEqual([]);
  });
});

describe('"sensitive" marks', () => {
  it.each<[string, Json, readonly string[]]>([
    ['a field', record('R', [field('a', 'string', { sensitive: true }), field('b', 'string')]), ['a']],
    [
      'a type',
      record('R', [field('a', { type: 'string', sensitive: true }), field('b', ['null', { type: 'int', sensitive: true }])]),
      ['a', 'b'],
    ],
    ['a type in a type', record('R', [field('a', { type: { type: 'string' }, sensitive: true }), field('b', 'string')]), ['a']],
    [
      'a named type wherever it stands',
      record('R', [field('a', { type: 'fixed', name: 'F', size: 1, sensitive: true }), field('b', ['null', 'F'])]),
      ['a', 'b'],
    ],
  ])('%s', (_, avro, marked) => {
    const shape = ofSchema(schemaOf(avro));
    expect(masked(shape, { a: 'x', b: 'y' })).toEqual({ a: 'x', b: 'y', ...Object.fromEntries(marked.map((name) => [name, '***'])) });
    expect(mayHoldMarks({ avro })).toBe(true);
  });
});

describe('A value', () => {
  const cents = logical('bytes', 'decimal', { precision: 4, scale: 2 });
  it.each<[Json, readonly Json[], readonly Json[]]>([
    ['int', [0, -2_147_483_648, 2_147_483_647], [2_147_483_648, 1.5, '1', null]],
    ['long', [2 ** 53 - 1, -(2 ** 53) + 1], [2 ** 53, 1.5]],
    ['double', [1, 1.5], ['1', null]],
    ['bytes', ['', 'AA==', 'AAE=', 'AAEC'], ['A', 'AA', 'AB==', 'AAF=', 'AA==AA==', 'AA\nA', '----', 1]],
    [{ type: 'fixed', name: 'F', size: 1 }, ['AA=='], ['', 'AAE=', 'AAEC', 'AA==AA==']],
    [{ type: 'fixed', name: 'F', size: 2 }, ['AAE='], ['AA==', 'AAEC']],
    [{ type: 'fixed', name: 'F', size: 3 }, ['AAEC'], ['AA==', 'AAE=', 'AAECAAEC']],
    [{ type: 'fixed', name: 'F', size: 0 }, [''], ['AA==']],
    [cents, ['0.00', '-12.34', '99.99'], ['1', '1.2', '1.234', '01.00', '100.00', '+1.00', 1.23, '.50', '1.00\n']],
    [logical('bytes', 'decimal', { precision: 2, scale: 2 }), ['0.12', '-0.99'], ['1.00', '0.1']],
    [logical('bytes', 'decimal', { precision: 2, scale: 1 }), ['0.1', '9.9'], ['10.0']],
    [logical('bytes', 'decimal', { precision: 2 }), ['0', '-99'], ['100', '1.0', '00']],
    [logical('string', 'uuid'), ['f81d4fae-7dec-11d0-a765-00a0c91e6bf6'], ['x', 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6']],
    [logical('int', 'time-millis'), [0, 86_399_999], [-1, 86_400_000]],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, ['A'], ['B', 0]],
    [{ type: 'map', values: 'int' }, [{}, { a: 1 }], [[], { a: 'x' }]],
    [
      ['null', 'string', 'int'],
      [null, 'x', 1],
      [true, 1.5, []],
    ],
    [['string', { type: 'enum', name: 'E', symbols: ['A'] }], ['A', 'B'], [1]],
    [
      [record('A', [field('a', 'int')]), record('B', [field('b', 'int')])],
      [{ a: 1 }, { b: 1 }],
      [{}, { a: 1, b: 1 }],
    ],
  ])('of %j', (avro, good, bad) => {
    for (const value of good) expect([value, takes(avro, value)]).toEqual([value, true]);
    for (const value of bad) expect([value, takes(avro, value)]).toEqual([value, false]);
  });
});

describe('A deploy', () => {
  const address = record('Address', [field('city', 'string'), field('zip', ['null', 'string'])]);
  const order = record('Order', [
    field('bill', address),
    field('ship', ['null', 'Address']),
    field('lines', { type: 'array', items: record('Line', [field('sku', 'string')]) }),
  ]);

  it('holds expressions and what is written out against it', () => {
    const told = (output: Json, more: JsonObject = {}) =>
      errorsOf(graphOf({ a: { ...step, output, ...more } }, [], { input: { avro: order } })).map(
        ({ pointer, message }) => `${pointer} ${message}`,
      );
    expect(told(['${ input.bill.town }', '${ input.ship.zipp }', '${ input.lines[0].sku }', '${ input.lines.map(l, l.price) }'])).toEqual([
      '/nodes/a/output/0 "input.bill" has no member "town" by its schema; it has only city, zip.',
      '/nodes/a/output/1 "input.ship" has no member "zipp" by its schema; it has only city, zip. Did you mean "zip"?',
    ]);
    const outputSchema = { avro: order };
    expect(
      told(
        { bill: { city: '${ input.bill.city }', zip: null }, ship: { city: 1, zip: '${ now }' }, lines: [{ sku: 'x' }] },
        { outputSchema },
      ),
    ).toEqual(['/nodes/a/output/ship/city This does not fit the schema that the node declares. This must be a string.']);
    expect(told({ bill: '${ input.bill }', ship: null, lines: [] }, { outputSchema })).toEqual([]);
  });

  it('refuses what breaks callers, at the place in Avro', () => {
    const changed = (before: Json, after: Json) =>
      breakingChanges({ avro: before }, { avro: after }).map(({ pointer, message }) => `${pointer} ${message}`);
    const withZip = record('Address', [field('city', 'string'), field('zip', 'string')]);
    const next = record('Order', [
      field('bill', withZip),
      field('ship', ['null', 'Address']),
      field('lines', { type: 'array', items: record('Line', [field('sku', 'string'), field('n', 'int')]) }),
    ]);
    expect(changed(order, next)).toEqual([
      '/input/avro/fields/0/type/fields/1/type A value of type null is refused now.',
      '/input/avro/fields/2/type/items The property "n" is required now.',
    ]);
    expect(changed(order, order)).toEqual([]);
    expect(changed(record('R', [field('a', 'int')]), record('R', [field('a', 'long'), field('b', 'int', { default: 0 })]))).toEqual([]);
    expect(changed(record('R', [field('a', 'long')]), record('R', [field('a', 'int')]))).toHaveLength(2);
    expect(changed(record('R', [field('a', 'int')]), record('R', []))).toEqual(['/input/avro The property "a" is refused now.']);
    const color = (...symbols: readonly string[]) => ({ type: 'enum', name: 'Color', symbols });
    expect(changed(color('RED', 'BLUE'), color('RED', 'GREEN'))).toEqual(['/input/avro "BLUE" is refused now.']);
    expect(changed(['null', color('RED', 'BLUE')], color('RED'))).toEqual(['/input/avro "BLUE", null are refused now.']);
    expect(changed(color('RED'), ['null', color('RED', 'BLUE')])).toEqual([]);
    expect(changed(color('RED'), 'string')).toEqual([]);
    expect(changed(color('RED'), 'int')).toEqual(['/input/avro A value of type string is refused now.']);
    expect(changed('string', 'bytes')).toEqual(['/input/avro "format" refuses values now that were allowed.']);
    expect(changed({ type: 'map', values: 'double' }, { type: 'map', values: 'int' })).toEqual([
      '/input/avro/values A value of type number is refused now.',
      expect.any(String),
      expect.any(String),
    ]);
    // And between the two languages.
    expect(breakingChanges({ type: 'object' }, { avro: record('R', []) })).toMatchObject([{ pointer: '/input/avro' }]);
    expect(breakingChanges({ avro: 'int' }, { type: 'string' })).toEqual([
      { pointer: '/input/type', message: 'A value of type integer is refused now.' },
    ]);
    const decimal = (precision: number, scale: number, more: JsonObject = {}): JsonObject => ({
      ...{ type: 'bytes', logicalType: 'decimal', precision, scale },
      ...more,
    });
    const money = (type: Json) => record('Money', [field('sum', type)]);
    expect(changed(money(decimal(10, 2)), money(decimal(8, 2)))).toEqual([
      '/input/avro/fields/0/type A decimal of precision 10 and scale 2 is refused now: this one has precision 8 and scale 2.',
    ]);
    expect(changed(money(['null', decimal(10, 2)]), money(['null', decimal(12, 3)]))).toEqual([
      '/input/avro/fields/0/type A decimal of precision 10 and scale 2 is refused now: this one has precision 12 and scale 3.',
    ]);
    expect(changed(money(decimal(3, 0)), money({ type: 'string', logicalType: 'uuid' }))).toContain(
      '/input/avro/fields/0/type A decimal of precision 3 and scale 0 is refused now.',
    );
    expect(changed(money(decimal(3, 3)), money(decimal(2, 2)))).toHaveLength(1);
    expect(changed(money(decimal(2, 1)), money(decimal(1, 1)))).toHaveLength(1);
    const fixed = decimal(10, 2, { type: 'fixed', name: 'Sum', size: 8 });
    for (const wider of [decimal(10, 2), decimal(12, 2), fixed, 'string', ['null', decimal(10, 2)]])
      expect(changed(money(decimal(10, 2)), money(wider))).toEqual([]);
    const node = (type: Json) => record('Node', [field('value', type), field('next', ['null', 'Node'])]);
    expect(changed(node(['null', 'int']), node('int'))).toEqual(['/input/avro/fields/0/type A value of type null is refused now.']);
  });

  it('takes any part of a node that has a schema', () => {
    expect(
      errorsOf(
        nodeOf({
          type: 'http',
          method: 'GET',
          url: 'https://h.example',
          outputSchema: { avro: { type: 'map', values: ['int', 'string'] } },
        }),
      ),
    ).toEqual([]);
  });
});
