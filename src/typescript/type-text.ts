/**
 * Writes types of TypeScript: of JSON Schemas, and of what is known of values. A type admits every value that its schema admits; what
 * TypeScript cannot say (limits, patterns, `not`, `if`) is left out. References become types with names, so they may be recursive.
 */
import { type Shape, targetOf } from '../core/definition/typed/shape.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { own } from '../core/record.ts';
import { comment, keyOf, literal, type Names, pascal } from './names.ts';

/** Of any value that JSON can hold: imported by what is written. */
const JSON_TYPE = 'Json';
/** Members and items of one type, in shapes; what is beyond is any JSON. */
const PARTS_MAX = 2_000;

export class TypeTexts {
  /** Declarations of the types that references lead to, in the order in which they were met. */
  readonly declarations: string[] = [];
  readonly #names: Names;
  readonly #referenced = new Map<Json, Map<string, string>>();
  /** Where references of the type that is written get their names from. */
  #owner = '';
  #parts = 0;

  constructor(names: Names) {
    this.#names = names;
  }

  /** @param owner name of the type whose text this is. */
  ofShape(shape: Shape, owner: string): string {
    this.#owner = owner;
    this.#parts = 0;
    return this.#shape(shape, '');
  }

  ofSchema(document: Json, owner: string): string {
    this.#owner = owner;
    return this.#schema(document, document, '', null);
  }

  #shape(shape: Shape, indent: string): string {
    this.#parts++;
    if (this.#parts > PARTS_MAX) return JSON_TYPE;
    switch (shape.kind) {
      case 'any':
        return JSON_TYPE;
      case 'schema': {
        const text = this.#schema(shape.root, shape.schema, indent, null);
        return shape.isNullable ? unionOf([text, 'null']) : text;
      }
      case 'list':
        return arrayOf(this.#shape(shape.items, indent));
      case 'tuple':
        return `readonly [${shape.items.map((item) => this.#shape(item, indent)).join(', ')}]`;
      case 'nullable':
        return unionOf([this.#shape(shape.of, indent), 'null']);
      case 'sensitive':
      case 'filled':
        return this.#shape(shape.of, indent);
      default: {
        const inner = `${indent}  `;
        const members = [...shape.members].map(([name, member]) => `${inner}readonly ${keyOf(name)}: ${this.#shape(member, inner)};\n`);
        return objectOf(members, indent);
      }
    }
  }

  /** @param types those of the schema around it, which a part without a `type` has too. */
  #schema(root: Json, schema: Json, indent: string, types: readonly string[] | null): string {
    if (schema === false) return 'never';
    if (!isJsonObject(schema)) return JSON_TYPE;
    const given = own(schema, 'type');
    const allowed = typeof given === 'string' ? [given] : Array.isArray(given) ? given.filter((one) => typeof one === 'string') : types;
    const parts = [this.#plain(root, schema, indent, allowed)];
    const reference = own(schema, '$ref');
    if (typeof reference === 'string') parts.push(this.#reference(root, reference));
    for (const part of listIn(schema, 'allOf')) parts.push(this.#schema(root, part, indent, allowed));
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      const choices = listIn(schema, keyword);
      if (choices.length > 0) parts.push(unionOf(choices.map((choice) => this.#schema(root, choice, indent, allowed))));
    }
    return intersectionOf(parts);
  }

  #reference(root: Json, reference: string): string {
    const target = targetOf(root, reference);
    if (target === undefined) return JSON_TYPE;
    const known = this.#referenced.get(root) ?? new Map<string, string>();
    this.#referenced.set(root, known);
    const before = known.get(reference);
    if (before !== undefined) return before;
    const owner = this.#owner;
    const last = reference === '#' ? 'Value' : pascal(reference.slice(reference.lastIndexOf('/') + 1));
    const name = this.#names.take(`${owner}${last}`);
    known.set(reference, name);
    const place = this.declarations.push('') - 1;
    const described = isJsonObject(target) ? own(target, 'description') : undefined;
    const text = comment(typeof described === 'string' ? described : undefined, '');
    this.declarations[place] = `${text}export type ${name} = ${this.#schema(root, target, '', null)};\n`;
    return name;
  }

  #plain(root: Json, schema: JsonObject, indent: string, types: readonly string[] | null): string {
    const only = own(schema, 'const');
    if (only !== undefined) return valueType(only);
    const values = own(schema, 'enum');
    if (Array.isArray(values)) return unionOf(values.map(valueType));
    if (types === null) return JSON_TYPE;
    return unionOf(types.map((type) => this.#ofType(type, root, schema, indent)));
  }

  #ofType(type: string, root: Json, schema: JsonObject, indent: string): string {
    switch (type) {
      case 'string':
      case 'boolean':
      case 'null':
        return type;
      case 'number':
      case 'integer':
        return 'number';
      case 'array':
        return this.#array(root, schema, indent);
      default:
        return this.#object(root, schema, indent);
    }
  }

  #array(root: Json, schema: JsonObject, indent: string): string {
    const first = listIn(schema, 'prefixItems');
    const items = own(schema, 'items');
    if (first.length === 0) return arrayOf(items === undefined ? JSON_TYPE : this.#schema(root, items, indent, null));
    const min = own(schema, 'minItems');
    const needed = typeof min === 'number' ? min : 0;
    const texts = first.map((item, index) => {
      const text = this.#schema(root, item, indent, null);
      return index < needed ? text : `${grouped(text)}?`;
    });
    if (items !== false)
      texts.push(`...${arrayOf(items === undefined ? JSON_TYPE : this.#schema(root, items, indent, null)).slice('readonly '.length)}`);
    return `readonly [${texts.join(', ')}]`;
  }

  #object(root: Json, schema: JsonObject, indent: string): string {
    const inner = `${indent}  `;
    const properties = own(schema, 'properties');
    const known = isJsonObject(properties) ? Object.entries(properties) : [];
    const required = listIn(schema, 'required').filter((name) => typeof name === 'string');
    const named = new Set(known.map(([name]) => name));
    const members = known.map(([name, member]) => {
      const text = this.#schema(root, member, inner, null);
      const isRequired = required.includes(name);
      const line = `${inner}readonly ${keyOf(name)}${isRequired ? '' : '?'}: ${text};\n`;
      return { text: isRequired ? text : unionOf([text, 'undefined']), line: comment(describe(member), inner) + line };
    });
    const unnamed = required
      .filter((name) => !named.has(name))
      .map((name) => ({ text: JSON_TYPE, line: `${inner}readonly ${keyOf(name)}: ${JSON_TYPE};\n` }));
    const all = [...members, ...unnamed];
    const others = this.#others(root, schema, inner);
    // Without names of members every name is possible; beside such names only what is declared for the others is written.
    if (all.length === 0 && others === null)
      return own(schema, 'additionalProperties') === false
        ? '{ readonly [name: string]: never }'
        : `{ readonly [name: string]: ${JSON_TYPE} }`;
    const index = others === null ? [] : [`${inner}readonly [name: string]: ${unionOf([others, ...all.map(({ text }) => text)])};\n`];
    return objectOf([...all.map(({ line }) => line), ...index], indent);
  }

  /** The type of members without a name; null where the schema declares none. */
  #others(root: Json, schema: JsonObject, indent: string): string | null {
    const patterns = own(schema, 'patternProperties');
    const schemas = isJsonObject(patterns) ? Object.values(patterns) : [];
    const additional = own(schema, 'additionalProperties');
    if (schemas.length > 0 && additional === undefined) return JSON_TYPE;
    const all = [...schemas, ...(isJsonObject(additional) || additional === true ? [additional] : [])];
    return all.length === 0 ? null : unionOf(all.map((each) => this.#schema(root, each, indent, null)));
  }
}

function listIn(schema: JsonObject, keyword: string): readonly Json[] {
  const value = own(schema, keyword);
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function describe(schema: Json): string | undefined {
  const text = isJsonObject(schema) ? own(schema, 'description') : undefined;
  return typeof text === 'string' ? text : undefined;
}

function objectOf(lines: readonly string[], indent: string): string {
  return lines.length === 0 ? '{ readonly [name: string]: never }' : `{\n${lines.join('')}${indent}}`;
}

function valueType(value: Json): string {
  if (typeof value === 'string') return literal(value);
  if (Array.isArray(value)) return `readonly [${value.map(valueType).join(', ')}]`;
  if (!isJsonObject(value)) return String(value);
  const members = Object.entries(value).map(([name, member]) => `readonly ${keyOf(name)}: ${valueType(member)}`);
  return members.length === 0 ? '{ readonly [name: string]: never }' : `{ ${members.join('; ')} }`;
}

export function arrayOf(item: string): string {
  return `readonly ${grouped(item)}[]`;
}

/** Any JSON admits the rest; `never` admits nothing. */
export function unionOf(texts: readonly string[]): string {
  const all = [...new Set(texts)].filter((text) => text !== 'never');
  if (all.includes(JSON_TYPE)) return all.includes('undefined') ? `${JSON_TYPE} | undefined` : JSON_TYPE;
  return all.length < 2 ? (all[0] ?? 'never') : all.join(' | ');
}

export function intersectionOf(texts: readonly string[]): string {
  const all = [...new Set(texts)].filter((text) => text !== JSON_TYPE);
  return all.length === 0 ? JSON_TYPE : all.length === 1 ? (all[0] ?? JSON_TYPE) : all.map(grouped).join(' & ');
}

/** In parentheses, unless it is a name, a literal or one object. */
function grouped(text: string): string {
  return /^[\w.-]+$|^"([^"\\]|\\.)*"$|^\{ [^{}|&]* \}$/.test(text) || isOneObject(text) ? text : `(${text})`;
}

/** Members of an object stand deeper than its last line. */
function isOneObject(text: string): boolean {
  const lines = text.split('\n');
  const end = /^( *)\}$/.exec(lines.at(-1) ?? '');
  return lines[0] === '{' && end !== null && lines.slice(1, -1).every((line) => line.startsWith(`${end[1]}  `));
}
