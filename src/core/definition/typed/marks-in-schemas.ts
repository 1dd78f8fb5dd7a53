/**
 * What a JSON Schema marks by `"sensitive": true`, wherever in it the mark stands: behind references, in choices and in conditions too, since
 * which branch applies can depend on the value. So a place counts as marked where any schema that may apply to it is marked. What is found of
 * a schema is kept with it: a large value is masked in the time that a walk through it takes.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { own } from '../../record.ts';
import { targetOf } from './shape.ts';

/** Shown in the place of a marked value. */
export const MASK = '***';

/** Names of members have no place of their own in a view, so that a mark on them is one on the whole object. */
const SAME_VALUE = ['$ref', 'if', 'then', 'else', 'not', 'contentSchema', 'propertyNames'] as const;
const SAME_VALUE_LISTS = ['allOf', 'anyOf', 'oneOf'] as const;

/** Of one schema; what is beyond counts as marked. Only schemas that combine their choices in very many ways have so many. */
const PLACES_MAX = 5_000;

/** A place in the values of a schema: all schemas that may apply there. */
export interface SchemaPlace {
  /** all: the value there is marked. part: something in it. */
  readonly kind: 'none' | 'part' | 'all';
  /** One schema alone was written for it, so that its shape tells what is marked. */
  readonly isExact: boolean;
  below(member: string | number): SchemaPlace;
}

const known = new WeakMap<JsonObject, Places>();

/** The place of the whole value of `schema`, whose references lead into `root`. */
export function placeOf(root: Json, schema: Json): SchemaPlace {
  if (!isJsonObject(root)) return NOTHING;
  let places = known.get(root);
  if (places === undefined) {
    places = new Places(root);
    known.set(root, places);
  }
  return places.of([schema]);
}

/** Whether a schema in the document may hold a mark at all; asked before anything is computed. */
export function mayHoldMarks(document: Json): boolean {
  const left: Json[] = [document];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    if (isJsonObject(next) && own(next, 'sensitive') === true) return true;
    for (const member of Object.values(next) as Json[]) left.push(member);
  }
  return false;
}

/** The value with the mask in each marked place. What nothing is marked of is the same object. */
export function maskedAt(place: SchemaPlace, value: Json): Json {
  if (place.kind === 'none') return value;
  if (place.kind === 'all') return MASK;
  if (Array.isArray(value)) return value.map((item: Json, index) => maskedAt(place.below(index), item));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, maskedAt(place.below(key), member)]));
}

const NOTHING: SchemaPlace = { kind: 'none', isExact: true, below: () => NOTHING };
const EVERYTHING: SchemaPlace = { kind: 'all', isExact: true, below: () => EVERYTHING };

/** The places of one document of a schema. */
class Places {
  readonly #root: JsonObject;
  readonly #holdsNone: boolean;
  readonly #numbers = new Map<JsonObject, number>();
  readonly #places = new Map<string, SchemaPlace>();
  readonly #holds = new Map<JsonObject, boolean>();

  constructor(root: JsonObject) {
    this.#root = root;
    this.#holdsNone = !mayHoldMarks(root);
  }

  /** @param written for the place, before references and choices are followed. */
  of(written: readonly Json[]): SchemaPlace {
    if (this.#holdsNone || written.length === 0) return NOTHING;
    const schemas = [...new Set(written.filter(isJsonObject))];
    const isExact = written.length === 1;
    const numbers = schemas.map((schema) => this.#numberOf(schema)).sort((a, b) => a - b);
    const key = `${isExact} ${numbers.join(' ')}`;
    const found = this.#places.get(key);
    if (found !== undefined) return found;
    if (this.#places.size >= PLACES_MAX) return EVERYTHING;
    const made = new Place(this, this.#kindOf(schemas), isExact, schemas);
    this.#places.set(key, made);
    return made;
  }

  /** All schemas that may apply to the very value that these apply to, themselves among them. */
  applying(schemas: readonly Json[]): readonly JsonObject[] {
    const found = new Set<JsonObject>();
    const left = [...schemas];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      if (!isJsonObject(next) || found.has(next)) continue;
      found.add(next);
      for (const keyword of SAME_VALUE) {
        const part = own(next, keyword);
        if (part === undefined) continue;
        const target = keyword === '$ref' ? targetOf(this.#root, String(part)) : part;
        if (target !== undefined) left.push(target);
      }
      for (const keyword of SAME_VALUE_LISTS) left.push(...listOf(own(next, keyword)));
      left.push(...Object.values(mapOf(own(next, 'dependentSchemas'))));
    }
    return [...found];
  }

  #kindOf(schemas: readonly JsonObject[]): SchemaPlace['kind'] {
    if (isMarked(this.applying(schemas))) return 'all';
    return schemas.some((schema) => this.#holdsMark(schema)) ? 'part' : 'none';
  }

  /** Whether the value, or anything in it, may be marked. */
  #holdsMark(schema: JsonObject): boolean {
    let holds = this.#holds.get(schema);
    if (holds === undefined) {
      holds = this.#holdsAnew(schema);
      this.#holds.set(schema, holds);
    }
    return holds;
  }

  #holdsAnew(schema: JsonObject): boolean {
    const seen = new Set<Json>();
    const left: Json[] = [schema];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      const schemas = this.applying([next]);
      if (isMarked(schemas)) return true;
      left.push(...writtenBelow(schemas, null));
    }
    return false;
  }

  #numberOf(schema: JsonObject): number {
    let number = this.#numbers.get(schema);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(schema, number);
    }
    return number;
  }
}

class Place implements SchemaPlace {
  readonly kind: SchemaPlace['kind'];
  readonly isExact: boolean;
  readonly #places: Places;
  readonly #written: readonly JsonObject[];
  #schemas: readonly JsonObject[] | undefined;
  /** Members that some schema names; all others are alike. */
  readonly #members = new Map<string, SchemaPlace | undefined>();
  #others: SchemaPlace | undefined;
  /** Items that stand in a `prefixItems`, and then the first of all others. */
  readonly #items: SchemaPlace[] = [];
  #first = 0;

  constructor(places: Places, kind: SchemaPlace['kind'], isExact: boolean, written: readonly JsonObject[]) {
    this.#places = places;
    this.kind = kind;
    this.isExact = isExact;
    this.#written = written;
  }

  below(member: string | number): SchemaPlace {
    if (this.kind !== 'part') return this.kind === 'all' ? EVERYTHING : NOTHING;
    const schemas = this.#applying();
    const made = (): SchemaPlace => this.#places.of(writtenBelow(schemas, member));
    if (typeof member === 'number') {
      const at = Math.min(member, this.#first);
      this.#items[at] ??= made();
      return this.#items[at];
    }
    if (!this.#members.has(member)) {
      this.#others ??= made();
      return this.#others;
    }
    const known = this.#members.get(member) ?? made();
    this.#members.set(member, known);
    return known;
  }

  #applying(): readonly JsonObject[] {
    if (this.#schemas !== undefined) return this.#schemas;
    const schemas = this.#places.applying(this.#written);
    for (const schema of schemas) for (const name of Object.keys(mapOf(own(schema, 'properties')))) this.#members.set(name, undefined);
    this.#first = Math.max(0, ...schemas.map((schema) => listOf(own(schema, 'prefixItems')).length));
    this.#schemas = schemas;
    return schemas;
  }
}

/** The schemas that may apply to a member or an item of the value. @param member null: to any of them. */
function writtenBelow(schemas: readonly JsonObject[], member: string | number | null): readonly Json[] {
  return schemas.flatMap((schema) => [
    ...(typeof member === 'number' ? [] : belowObject(schema, member)),
    ...(typeof member === 'string' ? [] : belowArray(schema, member)),
  ]);
}

function belowObject(schema: JsonObject, member: string | null): readonly Json[] {
  const properties = mapOf(own(schema, 'properties'));
  const named = member === null ? Object.values(properties) : Object.hasOwn(properties, member) ? [own(properties, member) ?? true] : [];
  return [
    ...named,
    ...Object.values(mapOf(own(schema, 'patternProperties'))),
    ...some(schema, ['additionalProperties', 'unevaluatedProperties']),
  ];
}

function belowArray(schema: JsonObject, index: number | null): readonly Json[] {
  const first = listOf(own(schema, 'prefixItems'));
  const here = index === null ? first : first.slice(index, index + 1);
  return [...here, ...some(schema, ['items', 'contains', 'unevaluatedItems'])];
}

function isMarked(schemas: readonly JsonObject[]): boolean {
  return schemas.some((schema) => own(schema, 'sensitive') === true);
}

function some(schema: JsonObject, keywords: readonly string[]): readonly Json[] {
  return keywords.flatMap((keyword) => {
    const part = own(schema, keyword);
    return part === undefined ? [] : [part];
  });
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function mapOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
