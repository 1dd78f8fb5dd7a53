/**
 * The JSON Schema of the JSON that values of an Avro schema are: the rules are those by which Avro of others is read (docs/events.md). A
 * record has its fields and no others; a field with a default may be left out. What is named and stands there more than once is in `$defs`.
 */
import type { Json, JsonObject } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import { decimalPattern } from './decimal-pattern.ts';
import { jsonDefault } from './defaults.ts';
import { intRange, longRange } from './logical.ts';
import type { AvroField, AvroSchema, AvroType, Logical, NamedType, Notes, PrimitiveName } from './types.ts';

export type Translated = {
  readonly schema: JsonObject;
  /** The place in the Avro schema of which a place in the JSON Schema was made. */
  readonly placeOf: (pointer: string) => string;
};

export function jsonSchemaOf(avro: AvroSchema): Translated {
  const translator = new Translator(avro);
  const schema = translator.whole();
  const placeOf = (pointer: string): string => {
    for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
      const place = translator.places.get(at);
      if (place !== undefined) return place;
    }
    return '';
  };
  return { schema, placeOf };
}

class Translator {
  readonly places = new Map<string, string>();
  readonly #avro: AvroSchema;
  /** Names in `$defs` by full names; the short one where it is the only one. */
  readonly #defs = new Map<string, string>();

  constructor(avro: AvroSchema) {
    this.#avro = avro;
    const short = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
    const count = new Map<string, number>();
    for (const name of avro.shared) count.set(short(name), (count.get(short(name)) ?? 0) + 1);
    for (const name of avro.shared) this.#defs.set(name, count.get(short(name)) === 1 ? short(name) : name);
  }

  whole(): JsonObject {
    const root = this.#type(this.#avro.root, '');
    if (this.#defs.size === 0) return root;
    const defs = [...this.#defs].map(([name, key]) => [key, this.#named(this.#namedType(name), pointerTo('/$defs', key))] as const);
    return { $defs: Object.fromEntries(defs), ...root };
  }

  #type(type: AvroType, at: string): JsonObject {
    const schema = this.#unmarked(type, at);
    return type.isSensitive === true ? { ...schema, sensitive: true } : schema;
  }

  #unmarked(type: AvroType, at: string): JsonObject {
    this.places.set(at, type.pointer);
    switch (type.kind) {
      case 'primitive':
        return ofPrimitive(type.name, type.logical);
      case 'array':
        return { type: 'array', items: this.#type(type.items, `${at}/items`) };
      case 'map':
        return { type: 'object', additionalProperties: this.#type(type.values, `${at}/additionalProperties`) };
      case 'union':
        return this.#union(type.branches, type.pointer, at);
      default: {
        const key = this.#defs.get(type.name);
        return key === undefined ? this.#named(this.#namedType(type.name), at) : { $ref: `#${pointerTo('/$defs', key)}` };
      }
    }
  }

  /** One schema of several types where the types tell which part of it a value must fit; else a choice. Null comes last, as people say it. */
  #union(branches: readonly AvroType[], pointer: string, at: string): JsonObject {
    if (!this.#isOneSchema(branches)) {
      const sorted = [...branches].sort((a, b) => Number(isNull(a)) - Number(isNull(b)));
      return { anyOf: sorted.map((branch, index) => this.#type(branch, `${at}/anyOf/${index}`)) };
    }
    const schemas = branches.map((branch) => this.#type(branch, at));
    this.places.set(at, pointer);
    const [first = {}] = schemas;
    if (schemas.length === 1) return first;
    const types = schemas.map(({ type }) => String(type)).sort((a, b) => Number(a === 'null') - Number(b === 'null'));
    const values = schemas.flatMap((schema) => (Array.isArray(schema.enum) ? [...(schema.enum as readonly Json[]), null] : []));
    return { ...Object.assign({}, ...schemas), type: types, ...(values.length === 0 ? {} : { enum: values }) };
  }

  #isOneSchema(branches: readonly AvroType[]): boolean {
    const types = branches.map((branch) => this.#jsonType(branch));
    const isEnum = branches.some((branch) => branch.kind === 'named' && this.#namedType(branch.name).kind === 'enum');
    // The symbols of an enum, and the description of a record, are for values of every type.
    const plain = types.filter((type) => type !== 'null');
    return !types.includes(null) && new Set(types).size === types.length && (!isEnum || plain.length === 1);
  }

  /** null where a schema is referred to. */
  #jsonType(type: AvroType): string | null {
    if (type.kind === 'array') return 'array';
    if (type.kind === 'map') return 'object';
    if (type.kind === 'union') return null;
    if (type.kind === 'primitive') return jsonTypes[type.name];
    if (this.#defs.has(type.name)) return null;
    return this.#namedType(type.name).kind === 'record' ? 'object' : 'string';
  }

  #named(type: NamedType, at: string): JsonObject {
    const described = notesOf(type);
    if (type.kind === 'enum') return { type: 'string', enum: type.symbols, ...described };
    if (type.kind === 'fixed') return { ...ofFixed(type.size, type.logical), ...described };
    const properties = type.fields.map((field) => [field.name, this.#field(field, pointerTo(`${at}/properties`, field.name))] as const);
    const required = type.fields.filter(({ default: given }) => given === undefined).map(({ name }) => name);
    const members = { type: 'object', properties: Object.fromEntries(properties), ...(required.length === 0 ? {} : { required }) };
    return { ...members, additionalProperties: false, ...described };
  }

  #field(field: AvroField, at: string): JsonObject {
    const schema = this.#type(field.type, at);
    const read = field.default === undefined ? null : jsonDefault(this.#avro, field.type, field.default);
    return { ...schema, ...notesOf(field), ...(read?.ok === true ? { default: read.value } : {}) };
  }

  #namedType(name: string): NamedType {
    const type = this.#avro.named.get(name);
    if (type === undefined) throw new Error(`Bug: the type ${name} was not read`);
    return type;
  }
}

function isNull(type: AvroType): boolean {
  return type.kind === 'primitive' && type.name === 'null';
}

function notesOf({ doc, isSensitive }: Notes): JsonObject {
  return { ...(doc === null ? {} : { description: doc }), ...(isSensitive ? { sensitive: true } : {}) };
}

/** Integers are numbers: a union of both is a choice. */
const jsonTypes: { readonly [name in PrimitiveName]: string } = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  bytes: 'string',
  string: 'string',
};

function ofPrimitive(name: PrimitiveName, logical: Logical | null): JsonObject {
  switch (name) {
    case 'int':
    case 'long': {
      const { min, max } = logical?.kind === 'time' ? logical : name === 'int' ? intRange : longRange;
      return { type: 'integer', minimum: min, maximum: max };
    }
    case 'float':
    case 'double':
      return { type: 'number' };
    case 'bytes':
      return logical?.kind === 'decimal' ? ofDecimal(logical) : { type: 'string', format: 'base64' };
    case 'string':
      return logical?.kind === 'uuid' ? UUID : { type: 'string' };
    default:
      return { type: name };
  }
}

/** The format alone takes `urn:uuid:…` too. */
const UUID: JsonObject = { type: 'string', format: 'uuid', maxLength: 36 };

function ofFixed(size: number, logical: Logical | null): JsonObject {
  if (logical?.kind === 'uuid') return UUID;
  if (logical?.kind === 'decimal') return ofDecimal(logical);
  const length = Math.ceil(size / 3) * 4;
  if (size === 0) return { type: 'string', maxLength: 0 };
  // The end tells how many bytes the last four characters are.
  const end = ['[^=]$', '[^=]==$', '[^=]=$'][size % 3] ?? '$';
  return { type: 'string', format: 'base64', minLength: length, maxLength: length, pattern: end };
}

function ofDecimal({ precision, scale }: Extract<Logical, { readonly kind: 'decimal' }>): JsonObject {
  return { type: 'string', pattern: decimalPattern({ precision, scale }) };
}
