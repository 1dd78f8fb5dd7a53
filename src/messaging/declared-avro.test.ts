/**
 * Avro in definitions against avsc: what avsc takes, as it is read into JSON, fits the JSON Schema that is made of the Avro schema; and
 * JSON that fits can be written by avsc.
 */
import avsc, { type Schema, type Type } from 'avsc';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileDeclared } from '../core/definition/declared-schema.ts';
import { defaultDefinitionLimits } from '../core/definition/limits.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { compileForeignAvro } from './foreign-avro.ts';

/** `name` and `fields` of the types that need them are given by `complete`. */
const tree = fc.letrec<{ type: Json }>((tie) => {
  const leaf = fc.oneof(
    fc.constantFrom<Json>('null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'),
    fc.constantFrom<Json>(
      { type: 'long', logicalType: 'timestamp-millis' },
      { type: 'int', logicalType: 'date' },
      { type: 'bytes', logicalType: 'x' },
    ),
    fc.record({ type: fc.constant('enum'), symbols: fc.uniqueArray(fc.constantFrom('A', 'B', 'C'), { minLength: 1 }) }),
    fc.record({ type: fc.constant('fixed'), size: fc.integer({ min: 0, max: 5 }) }),
    // A name that was given before.
    fc.constant({ type: 'again' }),
  );
  const inner = tie('type');
  const one = fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.record({ type: fc.constant('array'), items: inner }),
    fc.record({ type: fc.constant('map'), values: inner }),
    fc.record({ type: fc.constant('record'), fields: fc.array(inner, { maxLength: 3 }) }),
  );
  const kindOf = (type: Json): Json => (isJsonObject(type) ? (type.type ?? null) : type);
  const union = fc.uniqueArray(one, { minLength: 1, maxLength: 3, selector: kindOf });
  return { type: fc.oneof({ arbitrary: one, weight: 3 }, { arbitrary: union, weight: 1 }) as unknown as fc.Arbitrary<Json> };
}).type;

/** Gives names, and puts the name of the last type that is complete in the place of `again`. */
function complete(type: Json, names: { count: number; readonly done: string[] } = { count: 0, done: [] }): Json {
  if (Array.isArray(type)) {
    const branches = (type as readonly Json[]).map((branch) => complete(branch, names));
    // A name may stand there twice now.
    return branches.filter((branch, index) => branches.findIndex((each) => nameOf(each) === nameOf(branch)) === index);
  }
  if (!isJsonObject(type)) return type;
  const { type: kind } = type;
  if (kind === 'again') return names.done.at(-1) ?? 'string';
  if (kind === 'array') return { type: kind, items: complete(type.items ?? null, names) };
  if (kind === 'map') return { type: kind, values: complete(type.values ?? null, names) };
  if (kind !== 'record' && kind !== 'enum' && kind !== 'fixed') return type;
  const name = `${names.count % 3 === 0 ? 'shop.' : 'other.'}T${names.count++}`;
  const fields =
    kind !== 'record'
      ? {}
      : { fields: (type.fields as readonly Json[]).map((field, at) => ({ name: `f${at}`, type: complete(field, names) })) };
  names.done.push(name);
  return { ...type, name, ...fields };
}

function nameOf(type: Json): string {
  if (!isJsonObject(type)) return String(type);
  return typeof type.name === 'string' ? type.name : String(type.type);
}

const avroType = (schema: Json, options: object = {}): Type =>
  avsc.Type.forSchema(schema as unknown as Schema, { wrapUnions: true, omitRecordMethods: true, ...options });

function checkOf(schema: Json): (value: Json) => boolean {
  const compiled = compileDeclared({ avro: schema }, defaultDefinitionLimits.schema);
  if (!compiled.ok) throw new Error(`${JSON.stringify(schema)}: ${JSON.stringify(compiled.error)}`);
  return (value) => compiled.value.compiled.validate(value).length === 0;
}

/** JSON as avsc takes it; null where no type has such a value. */
function asAvro(type: Type, value: Json): { readonly value: unknown } | null {
  if (type instanceof avsc.types.BytesType || type instanceof avsc.types.FixedType) {
    const bytes = Buffer.from(typeof value === 'string' ? value : '', 'base64');
    return typeof value === 'string' && bytes.toString('base64') === value ? { value: bytes } : null;
  }
  // avsc looks a symbol up by whatever becomes its name: an array that holds it alone, too.
  if (type instanceof avsc.types.EnumType) return typeof value === 'string' ? { value } : null;
  if (type instanceof avsc.types.ArrayType) {
    if (!Array.isArray(value)) return null;
    const items = (value as readonly Json[]).map((item) => asAvro(type.itemsType, item));
    return items.includes(null) ? null : { value: items.map((item) => item?.value) };
  }
  if (type instanceof avsc.types.MapType) return isJsonObject(value) ? members(value, () => type.valuesType) : null;
  if (type instanceof avsc.types.RecordType)
    return isJsonObject(value) ? members(value, (key) => type.fields.find(({ name }) => name === key)?.type ?? null) : null;
  if (type instanceof avsc.types.WrappedUnionType) {
    for (const branch of type.types) {
      const read = asAvro(branch, value);
      if (read !== null && branch.isValid(read.value, { noUndeclaredFields: true } as object))
        return { value: read.value === null ? null : { [branch.branchName ?? '']: read.value } };
    }
    return null;
  }
  return { value };
}

function members(value: JsonObject, typeOf: (key: string) => Type | null): { readonly value: unknown } | null {
  const entries: [string, unknown][] = [];
  for (const [key, each] of Object.entries(value)) {
    const type = typeOf(key);
    const read = type === null ? null : asAvro(type, each);
    if (read === null) return null;
    entries.push([key, read.value]);
  }
  return { value: Object.fromEntries(entries) };
}

/** The value with something else in one place. */
function changed(value: Json, path: readonly number[], other: Json): Json {
  const [first, ...rest] = path;
  if (first === undefined) return other;
  if (Array.isArray(value) && value.length > 0) {
    const at = first % value.length;
    return (value as readonly Json[]).map((item, index) => (index === at ? changed(item, rest, other) : item));
  }
  if (!isJsonObject(value)) return other;
  const entries = Object.entries(value);
  const at = first % (entries.length + 2);
  // A member more, or one less.
  if (at === entries.length) return { ...value, f9: other };
  if (at > entries.length) return Object.fromEntries(entries.slice(1));
  return Object.fromEntries(entries.map(([key, each], index) => [key, index === at ? changed(each, rest, other) : each]));
}

test('what avsc takes fits, and what fits avsc takes, whatever the schema is', () => {
  const other = fc.constantFrom<Json>(null, true, 0, 1.5, 2 ** 31, -1, '', 'A', 'AA==', 'AAE=', 'x y', [], {}, [1], { f0: 1 });
  const change = fc.tuple(fc.array(fc.nat(6), { maxLength: 3 }), other);
  const seen = { fits: 0, refused: 0 };
  fc.assert(
    fc.property(tree, fc.array(change, { minLength: 5, maxLength: 5 }), (shape, changes) => {
      const schema = complete(shape);
      const type = avroType(schema);
      const fits = checkOf(schema);
      const read = compileForeignAvro(schema);
      for (let count = 0; count < 3; count++) {
        const value = JSON.parse(JSON.stringify(read(type.toBuffer(type.random())))) as Json;
        expect([schema, value, fits(value)]).toEqual([schema, value, true]);
        for (const [path, put] of changes) {
          const another = changed(value, path, put);
          const written = asAvro(type, another);
          const isTaken = written !== null && type.isValid(written.value, { noUndeclaredFields: true } as object);
          expect([schema, another, fits(another)]).toEqual([schema, another, isTaken]);
          seen[isTaken ? 'fits' : 'refused']++;
        }
      }
    }),
    { numRuns: 300 },
  );
  // Both happen, so that neither check is idle.
  expect(Math.min(seen.fits, seen.refused)).toBeGreaterThan(100);
}, 120_000);

test('records that hold themselves, and defaults', () => {
  const schema = {
    ...{ type: 'record', name: 'Node', namespace: 'shop' },
    fields: [
      { name: 'value', type: ['int', 'string'], default: 'none' },
      { name: 'next', type: ['null', 'Node'], default: null },
      { name: 'all', type: { type: 'map', values: 'shop.Node' } },
    ],
  };
  const javaSchema = { ...schema, fields: [{ name: 'value', type: ['string', 'int'], default: 'none' }, ...schema.fields.slice(1)] };
  const type = avroType(javaSchema);
  const read = compileForeignAvro(javaSchema);
  const fits = checkOf(schema);
  const given = { value: { int: 1 }, next: { 'shop.Node': { all: {} } }, all: { a: { value: { string: 'x' }, all: { b: { all: {} } } } } };
  const value = read(type.toBuffer(given));
  expect(value).toEqual({
    value: 1,
    next: { value: 'none', next: null, all: {} },
    all: { a: { value: 'x', next: null, all: { b: { value: 'none', next: null, all: {} } } } },
  });
  expect(fits(value)).toBe(true);
  expect(fits({ all: {} })).toBe(true);
  for (const wrong of [{}, { all: { a: {} } }, { all: {}, next: {} }, { all: {}, value: null }]) {
    expect(fits(wrong)).toBe(false);
    expect(asAvro(type, wrong)?.value ?? null).not.toSatisfy((each: unknown) => type.isValid(each));
  }
});

test('decimals, UUIDs and times', () => {
  const decimals = fc.record({
    size: fc.integer({ min: 1, max: 9 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    unscaled: fc.bigInt({ min: 0n, max: 2n ** 72n }),
  });
  fc.assert(
    fc.property(decimals, ({ size, share, unscaled }) => {
      const precision = String(2n ** BigInt(8 * size - 1) - 1n).length - 1;
      const scale = Math.floor(share * precision);
      const decimal = { logicalType: 'decimal', precision, scale };
      const number = BigInt.asIntN(8 * size, unscaled);
      const isWithin = String(number < 0n ? -number : number).length <= precision || number === 0n;
      const bytes = Buffer.from(
        BigInt.asUintN(8 * size, number)
          .toString(16)
          .padStart(2 * size, '0'),
        'hex',
      );
      for (const schema of [
        { type: 'bytes', ...decimal },
        { type: 'fixed', name: 'D', size, ...decimal },
      ]) {
        const value = compileForeignAvro(schema)(avroType(schema).toBuffer(bytes));
        expect([schema, value, checkOf(schema)(value)]).toEqual([schema, value, isWithin]);
      }
    }),
    { numRuns: 100 },
  );
  const uuid = { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' };
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      expect(checkOf(uuid)(compileForeignAvro(uuid)(Buffer.from(bytes)))).toBe(true);
    }),
    { numRuns: 30 },
  );
  for (const [type, logicalType, most] of [
    ['int', 'time-millis', 86_399_999],
    ['long', 'time-micros', 86_399_999_999],
    ['long', 'timestamp-micros', 1_767_225_600_000_000],
  ] as const) {
    const schema = { type, logicalType };
    for (const value of [0, most]) expect(checkOf(schema)(compileForeignAvro(schema)(avroType(schema).toBuffer(value)))).toBe(true);
  }
});
