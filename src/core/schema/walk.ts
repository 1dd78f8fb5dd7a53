/**
 * Walks a schema before it is compiled: checks what the meta-schema does not (unknown keywords, references out of the document,
 * patterns, sizes), and adds to each schema in it the keyword that charges for its evaluation.
 */

import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import { compilePattern } from './pattern.ts';
import type { SchemaError } from './types.ts';

/** Charges for each evaluation of the schema that has it. */
export const FUEL_KEYWORD = 'millrace:fuel';

/** Largest number of schemas in a document; each is compiled to code. */
const SCHEMAS_MAX = 2_000;
const LEVELS_MAX = 64;
/** As compact JSON. */
const CHARACTERS_MAX = 131_072;

const DRAFT = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

/** Keywords by how their value holds schemas. */
const IN_MAP = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
const IN_LIST = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const ITSELF = new Set([
  'items',
  'contains',
  'additionalProperties',
  'propertyNames',
  'if',
  'then',
  'else',
  'not',
  'unevaluatedItems',
  'unevaluatedProperties',
  'contentSchema',
]);
const PLAIN = new Set([
  'type',
  'enum',
  'const',
  'multipleOf',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'maxContains',
  'minContains',
  'maxProperties',
  'minProperties',
  'required',
  'dependentRequired',
  'format',
  'contentEncoding',
  'contentMediaType',
  'title',
  'description',
  'default',
  'deprecated',
  'readOnly',
  'writeOnly',
  'examples',
  '$ref',
  '$comment',
]);

const COMPANIONS: readonly (readonly [keyword: string, companions: readonly string[]])[] = [
  ['if', ['then', 'else']],
  ['then', ['if']],
  ['else', ['if']],
  ['minContains', ['contains']],
  ['maxContains', ['contains']],
];

/** `isBounded` is false when the schema is too large to be checked any further. */
export type Walked = { readonly schema: Json; readonly errors: readonly SchemaError[]; readonly isBounded: boolean };

/** @param formats names of the formats that are checked. */
export function walkSchema(schema: Json, formats: ReadonlySet<string>): Walked {
  if (isTooDeep(schema)) return refused(`The schema is nested deeper than ${LEVELS_MAX} levels.`);
  if (JSON.stringify(schema).length > CHARACTERS_MAX) return refused(`The schema has more than ${CHARACTERS_MAX} characters.`);
  const walker = new Walker(formats);
  const walked = walker.schema(schema, '');
  walker.checkReferences();
  return { schema: walked, errors: walker.errors, isBounded: true };
}

function refused(message: string): Walked {
  return { schema: true, errors: [{ pointer: '', message }], isBounded: false };
}

/** Level by level and without recursion. */
function isTooDeep(schema: Json): boolean {
  let level: readonly Json[] = [schema];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > LEVELS_MAX) return true;
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? (Object.values(value) as Json[]) : []));
  }
  return false;
}

class Walker {
  readonly errors: SchemaError[] = [];
  readonly #formats: ReadonlySet<string>;
  /** Pointers of all schemas in this one: what a reference can lead to. */
  readonly #places = new Set<string>();
  readonly #references: { readonly pointer: string; readonly target: string }[] = [];
  #count = 0;

  constructor(formats: ReadonlySet<string>) {
    this.#formats = formats;
  }

  /** @returns the schema as it is compiled. */
  schema(schema: Json, pointer: string): Json {
    this.#places.add(pointer);
    if (typeof schema === 'boolean') return schema;
    if (!isJsonObject(schema)) {
      this.#refuse(pointer, 'A schema must be an object, or true or false.');
      return true;
    }
    this.#count++;
    if (this.#count === SCHEMAS_MAX + 1) this.#refuse(pointer, `The schema holds more than ${SCHEMAS_MAX} schemas.`);
    if (this.#count > SCHEMAS_MAX) return true;
    this.#checkCompanions(schema, pointer);
    const members: [string, Json][] = [];
    for (const [keyword, value] of Object.entries(schema)) {
      const kept = this.#keyword(keyword, value, pointerTo(pointer, keyword), pointer === '');
      if (kept !== undefined) members.push([keyword, kept]);
    }
    return Object.fromEntries([...members, [FUEL_KEYWORD, true]]);
  }

  /** Undefined when the keyword has no part in checking values. */
  #keyword(keyword: string, value: Json, pointer: string, isTop: boolean): Json | undefined {
    if (IN_MAP.has(keyword)) return this.#map(keyword, value, pointer);
    if (IN_LIST.has(keyword)) return Array.isArray(value) ? value.map((item, index) => this.schema(item, `${pointer}/${index}`)) : value;
    if (ITSELF.has(keyword)) return this.schema(value, pointer);
    if (PLAIN.has(keyword)) return this.#plain(keyword, value, pointer);
    if (keyword === '$schema' && isTop) {
      if (typeof value !== 'string' || !DRAFT.test(value)) this.#refuse(pointer, 'Schemas are read by draft 2020-12 only.');
      return undefined;
    }
    // `$id` matters only to other documents, and references stay within this one.
    if (keyword === '$id' && isTop) return undefined;
    this.#refuse(pointer, `The keyword "${shortened(keyword)}" is not known here.`);
    return undefined;
  }

  #map(keyword: string, value: Json, pointer: string): Json {
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => {
        const at = pointerTo(pointer, key);
        if (keyword === 'patternProperties') this.#pattern(key, at);
        return [key, this.schema(member, at)];
      }),
    );
  }

  #plain(keyword: string, value: Json, pointer: string): Json {
    if (typeof value !== 'string') return value;
    if (keyword === 'pattern') this.#pattern(value, pointer);
    if (keyword === '$ref') this.#references.push({ pointer, target: value });
    if (keyword === 'format' && !this.#formats.has(value)) this.#refuse(pointer, `There is no format "${shortened(value)}".`);
    return value;
  }

  #pattern(pattern: string, pointer: string): void {
    if (compilePattern(pattern) === null)
      this.#refuse(
        pointer,
        'The pattern is not a regular expression of RE2: it is broken, too large, or has a lookaround or a backreference.',
      );
  }

  /** To be called after the walk. Only places that the walk found count, so a reference cannot reach an inherited property. */
  checkReferences(): void {
    // The walk ended early, so not all places are known.
    if (this.#count > SCHEMAS_MAX) return;
    for (const { pointer, target } of this.#references) {
      if (!target.startsWith('#')) this.#refuse(pointer, 'A reference must stay within the schema: it begins with "#".');
      else if (!this.#places.has(fragmentOf(target)))
        this.#refuse(
          pointer,
          `The reference "${shortened(target)}" does not lead to a schema in this document: use a JSON pointer such as "#/$defs/address".`,
        );
    }
  }

  /** Some keywords are ignored without another one; their author would expect a check that never happens. */
  #checkCompanions(schema: JsonObject, pointer: string): void {
    for (const [keyword, companions] of COMPANIONS) {
      if (!Object.hasOwn(schema, keyword) || companions.some((companion) => Object.hasOwn(schema, companion))) continue;
      const needed = companions.map((companion) => `"${companion}"`).join(' or ');
      this.#refuse(pointerTo(pointer, keyword), `"${keyword}" has no effect without ${needed} beside it.`);
    }
  }

  #refuse(pointer: string, message: string): void {
    this.errors.push({ pointer, message });
  }
}

export function shortened(text: string, lengthMax = 60): string {
  return text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
}

/** The JSON pointer in a reference such as `#/$defs/a%20b`; as it stands when its escapes cannot be read. */
function fragmentOf(reference: string): string {
  const fragment = reference.slice(1);
  try {
    return decodeURIComponent(fragment);
  } catch (error) {
    if (error instanceof URIError) return fragment;
    throw error;
  }
}
