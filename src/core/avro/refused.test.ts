/** What is told of an Avro schema that is wrong, and where. */
import { describe, expect, it } from 'vitest';
import { errorsOf, graphOf } from '../definition/testing/documents.ts';
import type { Json, JsonObject } from '../json.ts';
import { field, logical, record, refusals, schemaOf } from './testing/schemas.ts';

describe('A schema is refused', () => {
  const decimal = (more: JsonObject) => logical('bytes', 'decimal', more);
  it.each<[Json, readonly string[]]>([
    [3, ['/avro A type must be a name such as "string", an object with "type", or an array of types.']],
    [
      'strng',
      [
        '/avro There is no type "strng": use one of null, boolean, int, long, float, double, bytes, string, or a record, enum or fixed that is defined before. Did you mean "string"?',
      ],
    ],
    ['record', ['/avro The type "record" is written as an object: { "type": "record", … } in the place of its name.']],
    [{}, ['/avro A type that is an object needs "type".']],
    [{ type: 'text' }, [expect.stringContaining('/avro/type There is no type "text"')]],
    [{ type: 'array' }, ['/avro The type "array" needs "items": the type of its items.']],
    [{ type: 'map' }, ['/avro The type "map" needs "values": the type of its values.']],
    [{ type: 'array', items: { type: 'map', values: 'x' } }, [expect.stringContaining('/avro/items/values There is no type "x"')]],
    [[], ['/avro A union needs at least one type.']],
    [['null', ['string']], ['/avro/1 A union cannot stand in a union: put its types into the outer one.']],
    [['string', 'string'], ['/avro/1 The type "string" is in the union already.']],
    [['bytes', decimal({ precision: 1 })], ['/avro/1 The type "bytes" is in the union already.']],
    [
      [
        { type: 'map', values: 'int' },
        { type: 'map', values: 'string' },
      ],
      ['/avro/1 The type "map" is in the union already.'],
    ],
    [{ type: 'record' }, ['/avro The type "record" needs a "name".']],
    [{ type: 'enum', name: 3, symbols: ['A'] }, ['/avro/name A name must be a string.']],
    [record('a-b', []), ['/avro/name "a-b" is no name of Avro: a letter or _, then letters, digits and _.']],
    [record('a..b', []), [expect.stringContaining('/avro/name "a..b" is no name of Avro')]],
    [record('A', [], { namespace: 'my-shop' }), [expect.stringContaining('/avro/namespace A namespace must be names with dots')]],
    [record('string', []), ['/avro/name "string" is a type of Avro itself: take another name.']],
    [
      record('A', [field('x', { type: 'fixed', name: 'A', size: 1 })]),
      [
        '/avro/fields/0/type/name A type with the name "A" is defined before: write that name in the place of the whole type, or take another one.',
      ],
    ],
    [record('A', [field('a', 'B'), field('b', record('B', []))]), [expect.stringContaining('/avro/fields/0/type There is no type "B"')]],
    [{ type: 'record', name: 'A' }, ['/avro A record needs "fields": an array of its fields.']],
    [{ type: 'record', name: 'A', fields: {} }, ['/avro/fields A record needs "fields": an array of its fields.']],
    [record('A', ['x' as unknown as JsonObject]), ['/avro/fields/0 A field must be an object with "name" and "type".']],
    [record('A', [{}]), ['/avro/fields/0 A field needs a "name".', '/avro/fields/0 A field needs a "type".']],
    [
      record('A', [field('order-id', 'x')]),
      [
        "/avro/fields/0/name A field's name must be a name: a letter or _, then letters, digits and _.",
        expect.stringContaining('/avro/fields/0/type There is no type "x"'),
      ],
    ],
    [record('A', [field('__proto__', 'int')]), ['/avro/fields/0/name A field cannot be called "__proto__" here.']],
    [record('A', [field('a', 'int'), field('a', 'int')]), ['/avro/fields/1/name The field "a" is there twice.']],
    [record('A', [field('a', 'int', { doc: 3 })]), ['/avro/fields/0/doc "doc" must be a string.']],
    [
      record('A', [field('a', 'long', { logicalType: 'timestamp-millis' })]),
      [expect.stringContaining('/avro/fields/0/logicalType Avro ignores "logicalType" of a field')],
    ],
    [
      record('A', [field('a', 'A')]),
      ['/avro/fields/0/type A record "A" would hold another one without end: let the field "a" be a union with "null".'],
    ],
    [{ type: 'enum', name: 'E' }, ['/avro An enum needs "symbols": an array of one or more names.']],
    [{ type: 'enum', name: 'E', symbols: [] }, ['/avro/symbols An enum needs "symbols": an array of one or more names.']],
    [
      { type: 'enum', name: 'E', symbols: ['A', 'a-b', 'A'] },
      [
        '/avro/symbols/1 A symbol must be a name: a letter or _, then letters, digits and _.',
        '/avro/symbols/2 The symbol "A" is there twice.',
      ],
    ],
    [{ type: 'enum', name: 'E', symbols: ['A'], default: 'B' }, ['/avro/default The default of an enum must be one of its symbols.']],
    [{ type: 'fixed', name: 'F' }, ['/avro A fixed needs a "size": its bytes, an integer from 0 to 1048576.']],
    [{ type: 'fixed', name: 'F', size: 1.5 }, ['/avro/size A fixed needs a "size": its bytes, an integer from 0 to 1048576.']],
    [decimal({}), ['/avro A decimal needs a "precision": how many digits it has, an integer of at least 1.']],
    [decimal({ precision: 0 }), ['/avro/precision This must be a "precision": how many digits it has, an integer of at least 1.']],
    [decimal({ precision: 617 }), ['/avro/precision A decimal has at most 616 digits, but the precision is 617.']],
    [decimal({ precision: 2, scale: 3 }), ['/avro/scale The scale must be an integer from 0 to the precision, which is 2.']],
    [
      { type: 'fixed', name: 'F', size: 2, logicalType: 'decimal', precision: 5 },
      ['/avro/precision A fixed of 2 bytes holds at most 4 digits, but the precision is 5.'],
    ],
    [logical('string', 'decimal', { precision: 2 }), ['/avro/logicalType "decimal" stands on the type "bytes" or on a fixed only.']],
    [logical('string', 'date'), ['/avro/logicalType "date" stands on the type "int" only.']],
    [logical('int', 'uuid'), ['/avro/logicalType "uuid" stands on the type "string", or on a fixed of 16 bytes.']],
    [logical('bytes', 'duration'), ['/avro/logicalType "duration" stands on a fixed of 12 bytes only.']],
    [
      logical('long', 'timestamp-nanos'),
      ['/avro/logicalType JSON cannot hold the numbers of "timestamp-nanos" exactly: use "timestamp-micros".'],
    ],
    [{ type: 'int', sensitive: 1 }, ['/avro/sensitive "sensitive" must be true or false.']],
    [record('A', [field('a', 'int', { sensitive: 'x' })]), ['/avro/fields/0/sensitive "sensitive" must be true or false.']],
    [{ type: 'int', logicalType: 3 }, ['/avro/logicalType "logicalType" must be a string.']],
  ])('%j', (avro, expected) => expect(refusals(avro)).toEqual(expected));

  it.each<[Json, Json, string]>([
    ['int', 'x', ' The default must be an integer from -2147483648 to 2147483647.'],
    ['int', 2 ** 31, ' The default must be an integer from -2147483648 to 2147483647.'],
    [logical('int', 'time-millis'), -1, ' The default must be an integer from 0 to 86399999.'],
    ['double', 'NaN', ' The default must be a number.'],
    ['null', 0, ' The default must be null.'],
    ['boolean', 'true', ' The default must be true or false.'],
    ['string', null, ' The default must be a string.'],
    [logical('string', 'uuid'), 'x', ' The default must be a UUID.'],
    ['bytes', '\u0100', ' The default must be a string with a character for each byte, from \\u0000 to \\u00ff.'],
    [{ type: 'fixed', name: 'F', size: 2 }, 'a', ' The default must have 2 characters: one for each byte.'],
    [logical('bytes', 'decimal', { precision: 1 }), '\u007f', ' The default has more than 1 digits.'],
    [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'C', ' The default must be one of the symbols A, B.'],
    [['null', 'string'], 1, ' The default fits none of the types of its union.'],
    [{ type: 'array', items: 'int' }, {}, ' The default of an array must be an array.'],
    [{ type: 'array', items: 'int' }, [1, 'x'], '/1 The default must be an integer from -2147483648 to 2147483647.'],
    [{ type: 'map', values: 'int' }, [], ' The default of a map must be an object.'],
    [{ type: 'map', values: 'int' }, { 'a/b': null }, '/a~1b The default must be an integer from -2147483648 to 2147483647.'],
    [record('A', [field('x', 'int')]), 1, ' The default of a record must be an object with its fields.'],
    [record('A', [field('x', 'int')]), {}, ' The default of a record must have its field "x".'],
    [record('A', []), { y: 1 }, '/y The record has no such field.'],
  ])('for a default of %j that is %j', (type, given, expected) => {
    expect(refusals(record('R', [field('f', type, { default: given })]))).toEqual([`/avro/fields/0/default${expected}`]);
  });

  it.each<[Json, Json, Json]>([
    [['null', 'string'], 'x', 'x'],
    [['string', 'null'], null, null],
    [{ type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' }, '\u00f8'.repeat(16), 'f8f8f8f8-f8f8-f8f8-f8f8-f8f8f8f8f8f8'],
    [{ type: 'map', values: 'bytes' }, { a: 'b' }, { a: 'Yg==' }],
    [record('A', [field('x', 'int', { default: 1 }), field('y', 'bytes')]), { y: '' }, { y: '' }],
    [logical('bytes', 'decimal', { precision: 2 }), '\u00ff', '-1'],
  ])('but not for a default of %j that is %j', (type, given, expected) => {
    expect(
      (schemaOf(record('R', [field('f', type, { default: given })])) as unknown as { properties: { f: JsonObject } }).properties.f.default,
    ).toEqual(expected);
  });

  it('when it is too large, with the place in Avro', () => {
    const fields = (count: number, typeOf: (n: number) => Json) => Array.from({ length: count }, (_, n) => field(`f${n}`, typeOf(n)));
    expect(
      refusals(
        record(
          'R',
          fields(299, () => ['null', 'int']),
        ),
      ),
    ).toEqual([]);
    expect(
      refusals(
        record(
          'R',
          fields(300, () => ['null', 'int']),
        ),
      ),
    ).toEqual(['/avro/fields/299/type The schema holds more than 300 schemas.']);
    const nested = (n: number) =>
      record(
        `R${n}`,
        Array.from({ length: 400 }, (_, index) => field(`f${index}`, 'Empty')),
      );
    const large = refusals(record('R', [field('e', record('Empty', [])), ...fields(3, nested)]));
    expect(large).toContainEqual('/avro/fields/1/type/fields/296/type The schema holds more than 300 schemas.');
    const decimals = refusals(
      record(
        'R',
        fields(20, () => logical('bytes', 'decimal', { precision: 600 })),
      ),
    );
    expect(decimals).toEqual([
      expect.stringMatching(/^\/avro\/fields\/\d+\/type The patterns of the schema are too large together: use fewer, or shorter ones.$/),
    ]);
    let deep: Json = 'int';
    for (let level = 0; level < 70; level++) deep = { type: 'array', items: deep };
    expect(refusals(deep)).toEqual(['/avro The schema is nested deeper than 64 levels.']);
    expect(refusals({ type: 'string', doc: 'x'.repeat(131_072) })).toEqual(['/avro The schema has more than 131072 characters.']);
  });

  it('when something stands beside it, with the pointer into the document', () => {
    const task = { type: 'task', task: 't', outputSchema: { avro: 'int', title: 'x' }, inputSchema: { avro: ['null', 'nul'] } };
    const errors = errorsOf(
      graphOf({ a: task, b: { type: 'human', title: 'x', assignees: { users: ['a'] }, form: { avro: {} } } }, ['a>b'], {
        input: { avro: null },
      }),
    );
    expect(errors.map(({ pointer, code, message }) => `${code} ${pointer} ${message.slice(0, 90)}`)).toEqual([
      'MR_DEF_SCHEMA /input/avro The Avro schema cannot be used: A type must be a name such as "string", an object with "ty',
      'MR_DEF_SCHEMA /nodes/a/inputSchema/avro/1 The Avro schema cannot be used: There is no type "nul": use one of null, boolean, int, lon',
      'MR_DEF_SCHEMA /nodes/a/outputSchema/title Nothing may stand beside "avro": the schema is all in it.',
      'MR_DEF_SCHEMA /nodes/b/form/avro The Avro schema cannot be used: A type that is an object needs "type".',
    ]);
  });
});
