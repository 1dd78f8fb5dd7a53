import avsc, { type Schema } from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJsonStrict } from '../core/strict-json.ts';
import { UnsafeNumber } from './avro-bytes.ts';
import { compileForeignAvro, foreignNameOf } from './foreign-avro.ts';

const long = (value: bigint): Buffer => {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; left >= 0x80n; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(left)]);
};
const text = (value: string) => Buffer.concat([long(BigInt(Buffer.byteLength(value))), Buffer.from(value)]);
const double = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
};
const read = (schema: unknown, ...parts: readonly Buffer[]) => compileForeignAvro(schema)(Buffer.concat(parts));
const record = (name: string, ...fields: readonly object[]) => ({ type: 'record', name, fields });

test('reads what avsc writes', () => {
  const schema = record(
    'All',
    { name: 'no', type: 'null' },
    { name: 'flag', type: 'boolean' },
    { name: 'int', type: 'int' },
    { name: 'long', type: 'long' },
    { name: 'double', type: 'double' },
    { name: 'string', type: 'string' },
    { name: 'items', type: { type: 'array', items: 'string' } },
    { name: 'map', type: { type: 'map', values: 'int' } },
    { name: 'maybe', type: ['null', 'string'] },
    { name: 'color', type: { type: 'enum', name: 'Color', symbols: ['RED', 'BLUE'] } },
    { name: 'next', type: ['null', 'All'] },
  );
  const type = avsc.Type.forSchema(schema as Schema, { wrapUnions: 'never' });
  const reader = compileForeignAvro(schema);
  const flat = {
    no: fc.constant(null),
    flag: fc.boolean(),
    int: fc.integer(),
    long: fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }),
    double: fc.double({ noNaN: true, min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }).map((value) => value + 0),
    string: fc.string({ unit: 'grapheme' }),
    items: fc.array(fc.string()),
    map: fc.dictionary(fc.string(), fc.integer()),
    maybe: fc.option(fc.string()),
    color: fc.constantFrom('RED', 'BLUE'),
  };
  const values = fc.record({ ...flat, next: fc.option(fc.record({ ...flat, next: fc.constant(null) })) });
  fc.assert(
    fc.property(values, (value) => {
      expect(JSON.parse(JSON.stringify(reader(type.toBuffer(value))))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

describe("schemas that Java's producers write", () => {
  test('a union of records', () => {
    const schema = [record('Card', { name: 'number', type: 'string' }), record('Cash', { name: 'amount', type: 'long' })];
    expect(read(schema, long(0n), text('4711'))).toEqual({ number: '4711' });
    expect(read(schema, long(1n), long(5n))).toEqual({ amount: 5 });
  });

  test('a union of numbers', () => {
    expect(read(['int', 'double'], long(0n), long(7n))).toBe(7);
    expect(read(['int', 'double'], long(1n), double(1.5))).toBe(1.5);
  });

  test('a default of another branch, and one of another type', () => {
    const schema = record('R', { name: 'a', type: ['null', 'string'], default: '' }, { name: 'b', type: 'int', default: 'none' });
    expect(read(schema, long(1n), text('x'), long(1n))).toEqual({ a: 'x', b: 1 });
  });

  test('names that code could not have', () => {
    const inner = { ...record('Inner', { name: 'order-id', type: 'string' }), namespace: 'com.my-shop.événements' };
    const schema = record('com.my-shop.Order', { name: 'a', type: inner }, { name: '__proto__', type: 'com.my-shop.événements.Inner' });
    expect(JSON.stringify(read(schema, text('1'), text('2')))).toBe('{"a":{"order-id":"1"},"__proto__":{"order-id":"2"}}');
    expect(foreignNameOf(schema)).toBe('com.my-shop.Order');
  });

  test('names within the namespace that stands around them, or in none', () => {
    const color = { type: 'enum', name: 'Color', symbols: ['RED'] };
    const schema = {
      ...record('Order', { name: 'a', type: color }, { name: 'b', type: 'Color' }, { name: 'c', type: 'shop.Color' }),
      namespace: 'shop',
    };
    expect(read(schema, long(0n), long(0n), long(0n))).toEqual({ a: 'RED', b: 'RED', c: 'RED' });
  });

  test('references to other schemas', () => {
    const money = { ...record('Money', { name: 'cents', type: 'long' }), namespace: 'shop' };
    const line = { ...record('Line', { name: 'price', type: 'Money' }), namespace: 'shop' };
    const reader = compileForeignAvro({ type: 'array', items: 'shop.Line' }, [money, line]);
    expect(reader(Buffer.concat([long(1n), long(150n), long(0n)]))).toEqual([{ price: { cents: 150 } }]);
    expect(() => compileForeignAvro({ type: 'array', items: 'shop.Line' })).toThrow();
  });

  test('blocks of arrays and maps that say their bytes', () => {
    expect(read({ type: 'array', items: 'int' }, long(-2n), long(2n), long(1n), long(2n), long(0n))).toEqual([1, 2]);
    expect(read({ type: 'map', values: 'int' }, long(-1n), long(3n), text('__proto__'), long(2n), long(0n))).toEqual(
      Object.fromEntries([['__proto__', 2]]),
    );
  });
});

describe('numbers', () => {
  test.each([6_000_000_000_000_000n, -6_000_000_000_000_001n, 2n ** 53n - 1n, -(2n ** 53n) + 1n])('the long %s is exact', (value) => {
    expect(read('long', long(value))).toBe(Number(value));
    // And can be read again after it was written, since everything else reads JSON.
    expect(parseJsonStrict(String(value))).toEqual({ ok: true, value: Number(value) });
  });

  test.each([2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)])(
    'the long %s is refused',
    (value) => {
      expect(() => read('long', long(value))).toThrow(UnsafeNumber);
      expect(parseJsonStrict(String(value))).toMatchObject({ reason: 'unsafeNumber' });
    },
  );

  test.each([2 ** 53, 1e20, -1e300])('the double %s is refused, as in JSON', (value) => {
    expect(() => read('double', double(value))).toThrow(UnsafeNumber);
    expect(parseJsonStrict(JSON.stringify(value))).toMatchObject({ reason: 'unsafeNumber' });
  });

  test('that are not finite are refused', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) expect(() => read('double', double(value))).toThrow(UnsafeNumber);
    expect(JSON.stringify(read('double', double(-0)))).toBe('0');
  });
});

describe('logical types', () => {
  const decimal = (scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision: 20, scale });
  const bytes = (...values: readonly number[]) => [long(BigInt(values.length)), Buffer.from(values)];

  test.each([
    [[0x04, 0xd2], 2, '12.34'],
    [[0xfb, 0x2e], 2, '-12.34'],
    [[0x04, 0xce], 2, '12.30'],
    [[0x05], 2, '0.05'],
    [[0xfb], 2, '-0.05'],
    [[], 2, '0.00'],
    [[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 0, '2361183241434822606847'],
  ] as const)('a decimal of the bytes %j with scale %i is %s', (values, scale, expected) => {
    expect(read(decimal(scale), ...bytes(...values))).toBe(expected);
  });

  test('a decimal may be fixed, or stand in a union', () => {
    const fixed = { type: 'fixed', name: 'Price', size: 2, logicalType: 'decimal', precision: 4, scale: 2 };
    expect(read(['null', fixed], long(1n), Buffer.from([0x04, 0xd2]))).toBe('12.34');
    expect(read(['null', decimal(2)], long(1n), ...bytes(0x04, 0xd2))).toBe('12.34');
  });

  test('a UUID is its text, times and dates are the numbers that they are written as', () => {
    const uuid = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
    expect(read({ type: 'string', logicalType: 'uuid' }, text(uuid))).toBe(uuid);
    expect(read({ type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' }, Buffer.from(uuid.replaceAll('-', ''), 'hex'))).toBe(uuid);
    expect(read({ type: 'long', logicalType: 'timestamp-micros' }, long(1_767_225_600_000_000n))).toBe(1_767_225_600_000_000);
    expect(read({ type: 'long', logicalType: 'timestamp-millis' }, long(1_767_225_600_000n))).toBe(1_767_225_600_000);
    expect(read({ type: 'int', logicalType: 'date' }, long(20_454n))).toBe(20_454);
    expect(read({ type: 'bytes', logicalType: 'unknown' }, ...bytes(1, 2))).toBe('AQI=');
  });
});

describe('bytes and schemas of an attacker', () => {
  test.each([
    ['an array of more items than bytes', { type: 'array', items: 'null' }, [long(2n ** 40n)]],
    ['blocks of items without bytes', { type: 'array', items: 'null' }, Array.from({ length: 1_000 }, () => long(9_000n))],
    ['a string that is cut', 'string', [long(5n), Buffer.from('ab')]],
    ['a negative length', 'string', [long(-5n)]],
    ['bytes behind the value', 'int', [long(1n), long(1n)]],
    ['a branch that is not there', ['null'], [long(1n)]],
    ['a number without an end', 'long', [Buffer.alloc(20, 0xff)]],
    ['a record in itself', record('R', { name: 'self', type: 'R' }), []],
    ['a decimal of a megabyte', { type: 'bytes', logicalType: 'decimal', scale: 0 }, [long(1_000_000n), Buffer.alloc(1_000_000)]],
  ])('%s is an error', (_, schema, parts) => {
    expect(() => read(schema, ...parts)).toThrow();
  });

  // Two to the power of forty records, of no bytes at all.
  test('records that double at each level end', () => {
    let schema: object = record('R0');
    for (let level = 1; level <= 40; level++) {
      schema = record(`R${level}`, { name: 'a', type: schema }, { name: 'b', type: `R${level - 1}` });
    }
    expect(() => read(schema)).toThrow('more values than bytes');
  });
});
