/**
 * Reads an Avro schema as its specification has it, and tells everything that is wrong with it, each with its place. Attributes that
 * the specification does not know are metadata, and ignored, but for `sensitive`; so are aliases and `order`, since nothing is read with another schema.
 */
import { shown, suggest } from '../definition/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import { own } from '../record.ts';
import { err, ok, type Result } from '../result.ts';
import type { SchemaError } from '../schema/types.ts';
import { checkDefaults } from './defaults.ts';
import { checkEnds } from './ends.ts';
import { type Refuse, readLogical } from './logical.ts';
import { fullNameOf, isAvroName, isNamespace, namespaceOf } from './names.ts';
import { type AvroField, type AvroSchema, type AvroType, type NamedType, type Notes, type PrimitiveName, primitiveNames } from './types.ts';

const COMPLEX = ['record', 'error', 'enum', 'fixed', 'array', 'map'];
const NAMED = new Set(['record', 'error', 'enum', 'fixed']);
const FIXED_SIZE_MAX = 1_048_576;
/** Comparing a name with all others takes time. */
const HINTED_MAX = 20;

/** To be called with what is bounded in size and depth. Errors are in the order in which the schema is read. */
export function readAvro(schema: Json): Result<AvroSchema, readonly SchemaError[]> {
  const reader = new AvroReader();
  const root = reader.type(schema, '', '');
  if (root === null || reader.errors.length > 0) return err(reader.errors);
  const read: AvroSchema = { root, named: reader.named, shared: reader.shared };
  const errors = [...checkDefaults(read), ...checkEnds(read)];
  return errors.length === 0 ? ok(read) : err(errors);
}

class AvroReader {
  readonly errors: SchemaError[] = [];
  readonly named = new Map<string, NamedType>();
  readonly shared = new Set<string>();
  /** Also those whose definition is wrong or not read to its end. */
  readonly #known = new Set<string>();

  /** null where an error was noted. */
  type(schema: Json | undefined, pointer: string, namespace: string): AvroType | null {
    if (typeof schema === 'string') return this.#byName(schema, pointer, namespace);
    if (Array.isArray(schema)) return this.#union(schema, pointer, namespace);
    if (!isJsonObject(schema))
      return this.#refuse(pointer, 'A type must be a name such as "string", an object with "type", or an array of types.');
    const read = this.#object(schema, pointer, namespace);
    return read !== null && this.#isSensitive(schema, pointer) ? { ...read, isSensitive: true } : read;
  }

  #object(schema: JsonObject, pointer: string, namespace: string): AvroType | null {
    const type = own(schema, 'type');
    if (type === undefined) return this.#refuse(pointer, 'A type that is an object needs "type".');
    // A type in a type.
    if (typeof type !== 'string') return this.type(type, pointerTo(pointer, 'type'), namespace);
    if (NAMED.has(type)) return this.#named(schema, type, pointer, namespace);
    if (type === 'array' || type === 'map') {
      const member = type === 'array' ? 'items' : 'values';
      const inner = own(schema, member);
      if (inner === undefined) return this.#refuse(pointer, `The type "${type}" needs "${member}": the type of its ${member}.`);
      const read = this.type(inner, pointerTo(pointer, member), namespace);
      if (read === null) return null;
      return type === 'array' ? { kind: 'array', pointer, items: read } : { kind: 'map', pointer, values: read };
    }
    if (!isPrimitive(type)) return this.#byName(type, pointerTo(pointer, 'type'), namespace);
    return { kind: 'primitive', pointer, name: type, logical: readLogical(schema, type, null, this.#refusing(pointer)) };
  }

  #byName(name: string, pointer: string, namespace: string): AvroType | null {
    if (isPrimitive(name)) return { kind: 'primitive', pointer, name, logical: null };
    if (COMPLEX.includes(name))
      return this.#refuse(pointer, `The type "${name}" is written as an object: { "type": "${name}", … } in the place of its name.`);
    const fullName = [fullNameOf(name, namespace), name].find((each) => this.#known.has(each));
    if (fullName !== undefined) {
      this.shared.add(fullName);
      return { kind: 'named', pointer, name: fullName };
    }
    const hint = this.errors.length < HINTED_MAX ? suggest(name, [...primitiveNames, ...COMPLEX, ...this.#known]) : '';
    return this.#refuse(
      pointer,
      `There is no type ${shown(name)}: use one of ${primitiveNames.join(', ')}, or a record, enum or fixed that is defined before.${hint}`,
    );
  }

  #union(branches: readonly Json[], pointer: string, namespace: string): AvroType | null {
    if (branches.length === 0) return this.#refuse(pointer, 'A union needs at least one type.');
    const kinds = new Set<string>();
    const read: AvroType[] = [];
    let isWhole = true;
    for (const [index, branch] of branches.entries()) {
      const at = pointerTo(pointer, index);
      const type = this.type(branch, at, namespace);
      isWhole = isWhole && type !== null;
      if (type === null) continue;
      if (type.kind === 'union') {
        this.#refuse(at, 'A union cannot stand in a union: put its types into the outer one.');
        continue;
      }
      const kind = type.kind === 'primitive' || type.kind === 'named' ? type.name : type.kind;
      if (kinds.has(kind)) this.#refuse(at, `The type ${shown(kind)} is in the union already.`);
      kinds.add(kind);
      read.push(type);
    }
    return isWhole ? { kind: 'union', pointer, branches: read } : null;
  }

  #named(schema: JsonObject, type: string, pointer: string, outer: string): AvroType | null {
    const name = this.#define(schema, type, pointer, outer);
    if (name === null) return null;
    const namespace = namespaceOf(schema, outer);
    const notes = { doc: this.#doc(schema, pointer), isSensitive: own(schema, 'sensitive') === true };
    const made =
      type === 'enum'
        ? this.#enum(schema, notes, pointer)
        : type === 'fixed'
          ? this.#fixed(schema, notes, pointer)
          : this.#record(schema, notes, pointer, namespace);
    if (made === null) return null;
    this.named.set(name, made);
    return { kind: 'named', pointer, name };
  }

  /** The full name, which is known from now on. */
  #define(schema: JsonObject, type: string, pointer: string, outer: string): string | null {
    const [name, namespace] = [own(schema, 'name'), own(schema, 'namespace')];
    if (typeof name !== 'string') {
      if (name === undefined) return this.#refuse(pointer, `The type "${type}" needs a "name".`);
      return this.#refuse(pointerTo(pointer, 'name'), 'A name must be a string.');
    }
    if (!name.split('.').every(isAvroName)) return this.#refuse(pointerTo(pointer, 'name'), `${shown(name)} is no name of Avro: ${NAMES}`);
    if (namespace !== undefined && (typeof namespace !== 'string' || !isNamespace(namespace)))
      return this.#refuse(pointerTo(pointer, 'namespace'), `A namespace must be names with dots between them: ${NAMES}`);
    const fullName = fullNameOf(name, namespaceOf(schema, outer));
    if (isPrimitive(fullName) || COMPLEX.includes(fullName))
      return this.#refuse(pointerTo(pointer, 'name'), `${shown(fullName)} is a type of Avro itself: take another name.`);
    if (this.#known.has(fullName))
      return this.#refuse(
        pointerTo(pointer, 'name'),
        `A type with the name ${shown(fullName)} is defined before: write that name in the place of the whole type, or take another one.`,
      );
    this.#known.add(fullName);
    return fullName;
  }

  #enum(schema: JsonObject, notes: Notes, pointer: string): NamedType | null {
    const symbols = own(schema, 'symbols');
    const at = pointerTo(pointer, 'symbols');
    if (!Array.isArray(symbols) || symbols.length === 0)
      return this.#refuse(symbols === undefined ? pointer : at, 'An enum needs "symbols": an array of one or more names.');
    const names: string[] = [];
    for (const [index, symbol] of (symbols as readonly Json[]).entries()) {
      const here = pointerTo(at, index);
      if (typeof symbol !== 'string' || !isAvroName(symbol)) this.#refuse(here, `A symbol must be a name: ${NAMES}`);
      else if (names.includes(symbol)) this.#refuse(here, `The symbol ${shown(symbol)} is there twice.`);
      else names.push(symbol);
    }
    const given = own(schema, 'default');
    if (given !== undefined && (typeof given !== 'string' || !names.includes(given)))
      this.#refuse(pointerTo(pointer, 'default'), 'The default of an enum must be one of its symbols.');
    return { kind: 'enum', ...notes, symbols: names };
  }

  #fixed(schema: JsonObject, notes: Notes, pointer: string): NamedType | null {
    const size = own(schema, 'size');
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > FIXED_SIZE_MAX)
      return this.#refuse(
        size === undefined ? pointer : pointerTo(pointer, 'size'),
        `A fixed needs a "size": its bytes, an integer from 0 to ${FIXED_SIZE_MAX}.`,
      );
    return { kind: 'fixed', ...notes, size, logical: readLogical(schema, 'fixed', size, this.#refusing(pointer)) };
  }

  #record(schema: JsonObject, notes: Notes, pointer: string, namespace: string): NamedType | null {
    const given = own(schema, 'fields');
    const at = pointerTo(pointer, 'fields');
    if (!Array.isArray(given)) return this.#refuse(given === undefined ? pointer : at, 'A record needs "fields": an array of its fields.');
    const fields = new Map<string, AvroField>();
    for (const [index, each] of (given as readonly Json[]).entries()) {
      const field = this.#field(each, pointerTo(at, index), namespace);
      if (field === null) continue;
      if (fields.has(field.name)) this.#refuse(pointerTo(field.pointer, 'name'), `The field ${shown(field.name)} is there twice.`);
      fields.set(field.name, field);
    }
    return { kind: 'record', ...notes, fields: [...fields.values()] };
  }

  #field(field: Json, pointer: string, namespace: string): AvroField | null {
    if (!isJsonObject(field)) return this.#refuse(pointer, 'A field must be an object with "name" and "type".');
    const [name, type] = [own(field, 'name'), own(field, 'type')];
    // Both are looked at, so that both are told.
    const isNamed = typeof name === 'string' && isAvroName(name);
    if (name === undefined) this.#refuse(pointer, 'A field needs a "name".');
    else if (!isNamed) this.#refuse(pointerTo(pointer, 'name'), `A field's name must be a name: ${NAMES}`);
    else if (name === '__proto__') this.#refuse(pointerTo(pointer, 'name'), 'A field cannot be called "__proto__" here.');
    if (own(field, 'logicalType') !== undefined)
      this.#refuse(
        pointerTo(pointer, 'logicalType'),
        'Avro ignores "logicalType" of a field: write it into the type, such as { "type": { "type": "long", "logicalType": "timestamp-millis" } }.',
      );
    const doc = this.#doc(field, pointer);
    if (type === undefined) return this.#refuse(pointer, 'A field needs a "type".');
    const read = this.type(type, pointerTo(pointer, 'type'), namespace);
    const isSensitive = this.#isSensitive(field, pointer);
    return read === null || !isNamed ? null : { name, pointer, type: read, doc, isSensitive, default: own(field, 'default') };
  }

  #isSensitive(schema: JsonObject, pointer: string): boolean {
    const given = own(schema, 'sensitive');
    if (given !== undefined && typeof given !== 'boolean')
      this.#refuse(pointerTo(pointer, 'sensitive'), '"sensitive" must be true or false.');
    return given === true;
  }

  #doc(schema: JsonObject, pointer: string): string | null {
    const doc = own(schema, 'doc');
    if (doc !== undefined && typeof doc !== 'string') this.#refuse(pointerTo(pointer, 'doc'), '"doc" must be a string.');
    return typeof doc === 'string' ? doc : null;
  }

  #refusing(pointer: string): Refuse {
    return (member, message) => this.#refuse(member === '' ? pointer : pointerTo(pointer, member), message);
  }

  #refuse(pointer: string, message: string): null {
    this.errors.push({ pointer, message });
    return null;
  }
}

const NAMES = 'a letter or _, then letters, digits and _.';

function isPrimitive(name: string): name is PrimitiveName {
  return primitiveNames.some((each) => each === name);
}
