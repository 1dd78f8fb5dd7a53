/**
 * Reads Avro that others wrote, by their own schema, as JSON. It is used in place of avsc, which compiles code from names, refuses
 * unions and defaults that Java producers write, and wraps values of unions. Defaults, aliases and the syntax of names are
 * ignored: they matter only when reading with another schema. docs/events.md says what logical types become.
 */
import { decimalBytesMax, decimalText, fullNameOf, namespaceOf, uuidText } from '../core/avro/index.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { AvroBytes, UnsafeNumber } from './avro-bytes.ts';

/**
 * Reads one value. Throws `UnsafeNumber` for a number that JSON cannot hold exactly, and other errors for bytes that do not fit
 * the schema.
 */
export type ForeignReader = (bytes: Buffer) => Json;

type Read = (from: AvroBytes, depth: number) => Json;
type Names = Map<string, Read>;

/** Deeper values are refused, and with them recursive records that never end. */
const depthMax = 200;

/** @param referenced schemas that this one refers to by name, each after those that it refers to itself. Throws on what is no Avro. */
export function compileForeignAvro(schema: unknown, referenced: readonly unknown[] = []): ForeignReader {
  const names: Names = new Map();
  for (const each of referenced) compile(each, '', names);
  const read = compile(schema, '', names);
  return (bytes) => {
    const from = new AvroBytes(bytes);
    const value = read(from, 0);
    from.assertEnd();
    return value;
  };
}

/** The full name of a schema, or its type where it has no name. */
export function foreignNameOf(schema: unknown): string {
  if (typeof schema === 'string') return schema;
  if (Array.isArray(schema) || !isObject(schema)) return 'union';
  const { name, type } = schema;
  return typeof name === 'string' ? fullNameOf(name, namespaceOf(schema, '')) : foreignNameOf(type);
}

function compile(schema: unknown, namespace: string, names: Names): Read {
  if (typeof schema === 'string') return primitives.get(schema) ?? named(schema, namespace, names);
  if (Array.isArray(schema)) return unionOf(schema.map((branch) => compile(branch, namespace, names)));
  if (!isObject(schema)) throw new Error('a schema that is no string, array or object');
  const { type } = schema;
  switch (type) {
    case 'record':
    case 'error':
      return recordOf(schema, namespace, names);
    case 'enum':
      return enumOf(schema, namespace, names);
    case 'fixed':
      return fixedOf(schema, namespace, names);
    case 'array':
      return arrayOf(compile(schema.items, namespace, names));
    case 'map':
      return mapOf(compile(schema.values, namespace, names));
    case 'bytes':
      return schema.logicalType === 'decimal' ? decimalOf(schema, (from) => from.bytes()) : compile('bytes', namespace, names);
    default:
      // A name, or a schema in a schema.
      return compile(type, namespace, names);
  }
}

const primitives: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['null', (from) => from.spend(null)],
  ['boolean', (from) => from.boolean()],
  ['int', (from) => from.long()],
  ['long', (from) => from.long()],
  ['float', (from) => finite(from.float())],
  ['double', (from) => finite(from.double())],
  ['bytes', (from) => from.bytes().toString('base64')],
  ['string', (from) => from.bytes().toString('utf8')],
]);

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new UnsafeNumber('a number that is not finite');
  // As in JSON, which nobody could read after it was written.
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new UnsafeNumber('a number beyond 2^53');
  // JSON has no negative zero.
  return value === 0 ? 0 : value;
}

/** Looked up when read: a record may refer to itself. */
function named(name: string, namespace: string, names: Names): Read {
  const fullName = [fullNameOf(name, namespace), name].find((each) => names.has(each));
  if (fullName === undefined) throw new Error('a name of a type that is nowhere defined');
  return (from, depth) => {
    const read = names.get(fullName);
    if (read === undefined) throw new Error('Bug: a named type is gone');
    return read(from, depth);
  };
}

function unionOf(branches: readonly Read[]): Read {
  return (from, depth) => {
    const read = branches[from.index()];
    if (read === undefined) throw new Error('a branch that its union does not have');
    return read(from, depth);
  };
}

function recordOf(schema: JsonLike, outer: string, names: Names): Read {
  const { fields } = schema;
  if (!Array.isArray(fields)) throw new Error('a record without fields');
  const namespace = namespaceOf(schema, outer);
  const members: (readonly [string, Read])[] = [];
  const read: Read = (from, depth) => {
    if (depth > depthMax) throw new Error(`deeper than ${depthMax} levels`);
    from.spend(null);
    // Not by assignment: a field `__proto__` is data like any other.
    return Object.fromEntries(members.map(([name, member]) => [name, member(from, depth + 1)]));
  };
  define(schema, namespace, names, read);
  for (const field of fields as readonly unknown[]) {
    if (!isObject(field) || typeof field.name !== 'string') throw new Error('a field without a name');
    members.push([field.name, compile(field.type, namespace, names)]);
  }
  return read;
}

function enumOf(schema: JsonLike, outer: string, names: Names): Read {
  const { symbols } = schema;
  if (!Array.isArray(symbols)) throw new Error('an enum without symbols');
  return define(schema, namespaceOf(schema, outer), names, (from) => {
    const symbol: unknown = symbols[from.index()];
    if (typeof symbol !== 'string') throw new Error('a symbol that its enum does not have');
    return symbol;
  });
}

function fixedOf(schema: JsonLike, outer: string, names: Names): Read {
  const { size, logicalType } = schema;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw new Error('fixed without a size');
  const bytes = (from: AvroBytes): Buffer => from.take(size);
  const read: Read =
    logicalType === 'decimal'
      ? decimalOf(schema, bytes)
      : logicalType === 'uuid' && size === 16
        ? (from) => uuidText(bytes(from).toString('hex'))
        : (from) => bytes(from).toString('base64');
  return define(schema, namespaceOf(schema, outer), names, read);
}

/** As a string, which keeps every digit, also the zeros at the end: `12.30`. */
function decimalOf({ scale = 0 }: JsonLike, bytesOf: (from: AvroBytes) => Buffer): Read {
  if (typeof scale !== 'number' || !Number.isInteger(scale) || scale < 0 || scale > 1_000) throw new Error('a decimal without a scale');
  return (from) => {
    const bytes = bytesOf(from);
    if (bytes.length > decimalBytesMax) throw new Error(`a decimal of more than ${decimalBytesMax} bytes`);
    return decimalText(bytes.toString('hex'), scale);
  };
}

function arrayOf(item: Read): Read {
  return (from, depth) => {
    if (depth > depthMax) throw new Error(`deeper than ${depthMax} levels`);
    const items: Json[] = [];
    for (let left = from.blockLength(); left > 0; left = from.blockLength()) {
      while (left-- > 0) items.push(item(from, depth + 1));
    }
    return from.spend(items);
  };
}

function mapOf(value: Read): Read {
  return (from, depth) => {
    if (depth > depthMax) throw new Error(`deeper than ${depthMax} levels`);
    const entries: [string, Json][] = [];
    for (let left = from.blockLength(); left > 0; left = from.blockLength()) {
      while (left-- > 0) entries.push([from.bytes().toString('utf8'), value(from, depth + 1)]);
    }
    return from.spend(Object.fromEntries(entries) as JsonObject);
  };
}

type JsonLike = { readonly [key: string]: unknown };

function isObject(schema: unknown): schema is JsonLike {
  return typeof schema === 'object' && schema !== null;
}

function define(schema: JsonLike, namespace: string, names: Names, read: Read): Read {
  const { name } = schema;
  if (typeof name !== 'string') throw new Error('a record, enum or fixed without a name');
  names.set(fullNameOf(name, namespace), read);
  return read;
}
