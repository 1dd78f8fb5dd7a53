/**
 * Defaults of fields: whether they fit, and what they are in the JSON that travels. In a schema, bytes are a string with a character
 * for each; everything else is as in JSON. A default of a union may be of any of its types.
 */
import { isJsonObject, type Json } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import { own } from '../record.ts';
import { err, ok, type Result } from '../result.ts';
import type { SchemaError } from '../schema/types.ts';
import { decimalText, uuidText } from './decimal-text.ts';
import { intRange, longRange } from './logical.ts';
import type { AvroSchema, AvroType, Logical, NamedType, PrimitiveName } from './types.ts';

type Read = Result<Json, SchemaError>;

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export function checkDefaults(schema: AvroSchema): readonly SchemaError[] {
  return [...schema.named.values()].flatMap((type) =>
    type.kind !== 'record'
      ? []
      : type.fields.flatMap((field) => {
          const read =
            field.default === undefined ? ok(null) : jsonDefault(schema, field.type, field.default, pointerTo(field.pointer, 'default'));
          return read.ok ? [] : [read.error];
        }),
  );
}

/** The default as the JSON of a value. */
export function jsonDefault(schema: AvroSchema, type: AvroType, value: Json, pointer = ''): Read {
  switch (type.kind) {
    case 'primitive':
      return primitive(type.name, type.logical, value, pointer);
    case 'array':
      if (!Array.isArray(value)) return refused(pointer, 'The default of an array must be an array.');
      return listed(value.map((item: Json, index) => jsonDefault(schema, type.items, item, pointerTo(pointer, index))));
    case 'map':
      if (!isJsonObject(value)) return refused(pointer, 'The default of a map must be an object.');
      return membered(Object.entries(value).map(([key, each]) => [key, jsonDefault(schema, type.values, each, pointerTo(pointer, key))]));
    case 'union': {
      const read = type.branches.map((branch) => jsonDefault(schema, branch, value, pointer));
      const [only] = read;
      if (read.length === 1 && only !== undefined) return only;
      return read.find(({ ok: fits }) => fits) ?? refused(pointer, 'The default fits none of the types of its union.');
    }
    default: {
      const named = schema.named.get(type.name);
      return named === undefined ? refused(pointer, 'The type of this default is not known.') : ofNamed(schema, named, value, pointer);
    }
  }
}

function ofNamed(schema: AvroSchema, named: NamedType, value: Json, pointer: string): Read {
  if (named.kind === 'enum')
    return typeof value === 'string' && named.symbols.includes(value)
      ? ok(value)
      : refused(pointer, `The default must be one of the symbols ${named.symbols.slice(0, 20).join(', ')}.`);
  if (named.kind === 'fixed') return bytes(value, named.size, named.logical, pointer);
  if (!isJsonObject(value)) return refused(pointer, 'The default of a record must be an object with its fields.');
  const read: [string, Read][] = [];
  for (const field of named.fields) {
    const given = own(value, field.name);
    if (given !== undefined) read.push([field.name, jsonDefault(schema, field.type, given, pointerTo(pointer, field.name))]);
    else if (field.default === undefined) return refused(pointer, `The default of a record must have its field "${field.name}".`);
  }
  const unknown = Object.keys(value).find((key) => !named.fields.some(({ name }) => name === key));
  return unknown === undefined ? membered(read) : refused(pointerTo(pointer, unknown), 'The record has no such field.');
}

function primitive(name: PrimitiveName, logical: Logical | null, value: Json, pointer: string): Read {
  switch (name) {
    case 'null':
      return value === null ? ok(value) : refused(pointer, 'The default must be null.');
    case 'boolean':
      return typeof value === 'boolean' ? ok(value) : refused(pointer, 'The default must be true or false.');
    case 'int':
    case 'long': {
      const { min, max } = logical?.kind === 'time' ? logical : name === 'int' ? intRange : longRange;
      if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return ok(value);
      return refused(pointer, `The default must be an integer from ${min} to ${max}.`);
    }
    case 'float':
    case 'double':
      return typeof value === 'number' ? ok(value) : refused(pointer, 'The default must be a number.');
    case 'bytes':
      return bytes(value, null, logical, pointer);
    default:
      if (typeof value !== 'string') return refused(pointer, 'The default must be a string.');
      return logical?.kind === 'uuid' && !UUID.test(value) ? refused(pointer, 'The default must be a UUID.') : ok(value);
  }
}

function bytes(value: Json, size: number | null, logical: Logical | null, pointer: string): Read {
  if (typeof value !== 'string' || [...value].some((character) => character > 'ÿ'))
    return refused(pointer, 'The default must be a string with a character for each byte, from \\u0000 to \\u00ff.');
  if (size !== null && value.length !== size) return refused(pointer, `The default must have ${size} characters: one for each byte.`);
  const hex = Array.from(value, (character) => character.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  if (logical?.kind === 'uuid') return ok(uuidText(hex));
  if (logical?.kind !== 'decimal') return ok(btoa(value));
  const text = decimalText(hex, logical.scale);
  const digits = text.replaceAll(/[-.]/g, '').replace(/^0+/, '').length;
  return digits <= logical.precision ? ok(text) : refused(pointer, `The default has more than ${logical.precision} digits.`);
}

function listed(read: readonly Read[]): Read {
  const values: Json[] = [];
  for (const each of read) {
    if (!each.ok) return each;
    values.push(each.value);
  }
  return ok(values);
}

function membered(read: readonly (readonly [string, Read])[]): Read {
  const values = listed(read.map(([, value]) => value));
  if (!values.ok) return values;
  // Not by assignment: a key `__proto__` is data like any other.
  return ok(Object.fromEntries(read.map(([key, value]) => [key, value.ok ? value.value : null])));
}

function refused(pointer: string, message: string): Read {
  return err({ pointer, message });
}
