/**
 * Walks a schema before it is compiled: checks what the meta-schema does not (unknown keywords, references out of the document,
 * patterns, sizes), and adds to each schema in it the keyword that charges for its evaluation.
 */

import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import { own } from '../record.ts';
import { compilePattern } from './pattern.ts';
import type { SchemaError } from './types.ts';

/** Charges for each evaluation of the schema that has it. */
export const FUEL_KEYWORD = 'millrace:fuel';

export type SchemaLimits = {
  /** In a document; each is compiled to code, which is nested: of more than about 1,200 properties no value was ever checked. */
  readonly schemas: number;
  /** In `required` and `dependentRequired`. */
  readonly names: number;
  /** In one list of `dependentRequired`: the code that is made of it takes time that grows with their square. */
  readonly dependents: number;
  /** In all schemas: each is compiled to code, twice where a value is wrong. */
  readonly keywords: number;
  /** Instructions of all patterns; a thousand take a millisecond to compile. */
  readonly patternSize: number;
};

export const storedSchemaLimits: SchemaLimits = {
  schemas: 2_000,
  names: Number.POSITIVE_INFINITY,
  dependents: Number.POSITIVE_INFINITY,
  keywords: Number.POSITIVE_INFINITY,
  patternSize: Number.POSITIVE_INFINITY,
};

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
/** They say something of a value and check nothing. */
const NOTES = ['title', 'description', 'default', 'deprecated', 'readOnly', 'writeOnly', 'examples', '$comment'];
const PLAIN = new Set([
  ...NOTES,
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
  '$ref',
]);

/** Of which no code is made. */
const WORDS = new Set([...NOTES, 'sensitive', '$schema', '$id']);

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
export function walkSchema(schema: Json, formats: ReadonlySet<string>, limits: SchemaLimits): Walked {
  const tooLarge = boundsError(schema);
  if (tooLarge !== null) return { schema: true, errors: [{ pointer: '', message: tooLarge }], isBounded: false };
  const walker = new Walker(formats, limits);
  const walked = walker.schema(schema, '');
  walker.checkReferences();
  return { schema: walked, errors: walker.errors, isBounded: true };
}

/** A sentence when the schema is too large or too deep to be looked at any further; else null. */
export function boundsError(schema: Json): string | null {
  if (isTooDeep(schema)) return `The schema is nested deeper than ${LEVELS_MAX} levels.`;
  return JSON.stringify(schema).length > CHARACTERS_MAX ? `The schema has more than ${CHARACTERS_MAX} characters.` : null;
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
  readonly #limits: SchemaLimits;
  #count = 0;
  #names = 0;
  #keywords = 0;
  #patternSize = 0;

  constructor(formats: ReadonlySet<string>, limits: SchemaLimits) {
    this.#formats = formats;
    this.#limits = limits;
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
    const { schemas } = this.#limits;
    if (this.#count === schemas + 1) this.#refuse(pointer, `The schema holds more than ${schemas} schemas.`);
    if (this.#count > schemas) return true;
    this.#checkCompanions(schema, pointer);
    this.#countNames(schema, pointer);
    this.#countKeywords(schema, pointer);
    const members: [string, Json][] = [];
    for (const [keyword, value] of Object.entries(schema)) {
      const kept = this.#keyword(keyword, value, pointerTo(pointer, keyword), pointer === '');
      if (kept !== undefined) members.push([keyword, kept]);
    }
    return Object.fromEntries([...members, [FUEL_KEYWORD, chargeOf(schema)]]);
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
    // Ours: views mask the value (definition/typed/marks.ts). It has no part in checking it.
    if (keyword === 'sensitive') {
      if (typeof value !== 'boolean') this.#refuse(pointer, '"sensitive" must be true or false.');
      return undefined;
    }
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

  #countNames(schema: JsonObject, pointer: string): void {
    const { names } = this.#limits;
    const before = this.#names;
    this.#names += namesIn(schema);
    if (before <= names && this.#names > names) this.#refuse(pointer, `The schema asks for more than ${names} properties by name.`);
    const { dependents } = this.#limits;
    for (const [key, list] of Object.entries(isJsonObject(schema.dependentRequired) ? schema.dependentRequired : {}))
      if (Array.isArray(list) && list.length > dependents)
        this.#refuse(
          pointerTo(`${pointer}/dependentRequired`, key),
          `At most ${dependents} properties may be asked for by one: name fewer.`,
        );
  }

  #countKeywords(schema: JsonObject, pointer: string): void {
    const { keywords } = this.#limits;
    const before = this.#keywords;
    this.#keywords += Object.keys(schema).filter((keyword) => !WORDS.has(keyword)).length;
    if (before <= keywords && this.#keywords > keywords)
      this.#refuse(pointer, `The schema has more than ${keywords} keywords: split it, or check less.`);
  }

  #pattern(pattern: string, pointer: string): void {
    if (this.#patternSize > this.#limits.patternSize) return;
    const compiled = compilePattern(pattern);
    this.#patternSize += compiled?.size ?? 0;
    if (this.#patternSize > this.#limits.patternSize)
      this.#refuse(pointer, 'The patterns of the schema are too large together: use fewer, or shorter ones.');
    if (compiled === null)
      this.#refuse(
        pointer,
        'The pattern is not a regular expression of RE2: it is broken, too large, or has a lookaround or a backreference.',
      );
  }

  /** To be called after the walk. Only places that the walk found count, so a reference cannot reach an inherited property. */
  checkReferences(): void {
    // The walk ended early, so not all places are known.
    if (this.#count > this.#limits.schemas) return;
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

/** Names that an evaluation of the schema looks for; each that is missing makes an error. */
function namesIn({ required, dependentRequired }: JsonObject): number {
  const dependent = isJsonObject(dependentRequired) ? Object.values(dependentRequired) : [];
  return [required, ...dependent].reduce((sum: number, names) => sum + (Array.isArray(names) ? names.length : 0), 0);
}

/** What an evaluation of a schema costs beside those of the schemas in it. */
export type Charge = {
  readonly units: number;
  /** For each member of an object. */
  readonly perMember: number;
  /** For each item of an array. */
  readonly perItem: number;
  /** For each character of a string. */
  readonly perCharacter: number;
};

/** In units: keywords go through all members, items or characters of a value, each for itself and whatever they find. */
const PER_MEMBER: { readonly [keyword: string]: number } = {
  ...{ additionalProperties: 1, unevaluatedProperties: 1, patternProperties: 1, propertyNames: 1 },
  ...{ minProperties: 1, maxProperties: 1 },
};
const PER_ITEM: { readonly [keyword: string]: number } = { items: 0.05, contains: 0.2, unevaluatedItems: 0.05, prefixItems: 0.05 };
const PER_CHARACTER: { readonly [keyword: string]: number } = { minLength: 0.02, maxLength: 0.02, format: 0.1 };

function chargeOf(schema: JsonObject): Charge {
  const sum = (costs: { readonly [keyword: string]: number }): number =>
    Object.keys(schema).reduce((all, keyword) => all + (own(costs, keyword) ?? 0), 0);
  return { units: 1 + namesIn(schema), perMember: sum(PER_MEMBER), perItem: sum(PER_ITEM), perCharacter: sum(PER_CHARACTER) };
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
