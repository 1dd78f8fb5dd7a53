/**
 * What a deploy knows of a value: the JSON Schema that somebody declared for it, or what a template that is written out can give.
 * Looks up members in it. Anything uncertain is `any`, and says nothing.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { own } from '../../record.ts';

export type Shape =
  | { readonly kind: 'any' }
  /**
   * `root` is the document in which references of `schema` lead, `origin` the schema before its own reference was followed. `isDeclared`:
   * by the author, not by the language. `isNullable`: null too, beside what `schema` says.
   */
  | {
      readonly kind: 'schema';
      readonly root: Json;
      readonly schema: JsonObject;
      readonly origin: Json;
      readonly isNullable: boolean;
      readonly isDeclared: boolean;
    }
  /** These members and no others. */
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, Shape> }
  | { readonly kind: 'list'; readonly items: Shape }
  /** An array that is written out. */
  | { readonly kind: 'tuple'; readonly items: readonly Shape[] }
  | { readonly kind: 'nullable'; readonly of: Shape }
  /** Marked as a whole (marks.ts). */
  | { readonly kind: 'sensitive'; readonly of: Shape }
  /** Declared as `of`, and marked where `filledBy` is too, since that is what fills it. */
  | { readonly kind: 'filled'; readonly of: Shape; readonly filledBy: Shape };

export const ANY: Shape = { kind: 'any' };
export const STRING = ofType('string');
export const INTEGER = ofType('integer');
export const NULL = ofType('null');

export function ofType(type: string): Shape {
  const schema = { type };
  return { kind: 'schema', root: schema, schema, origin: schema, isNullable: false, isDeclared: false };
}

export function ofSchema(document: Json | undefined): Shape {
  return document === undefined ? ANY : withinSchema(document, document);
}

export function ofMembers(members: Readonly<Record<string, Shape>>): Shape {
  return { kind: 'object', members: new Map(Object.entries(members)) };
}

export function nullable(of: Shape): Shape {
  return of.kind === 'any' || of.kind === 'nullable' ? of : { kind: 'nullable', of };
}

export type Path = readonly (string | number)[];

export type LookedUp =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'shape'; readonly shape: Shape }
  /** `owner` is where the path ends that exists. `isDeclared`: by a schema, not by what is written out. */
  | {
      readonly kind: 'missing';
      readonly owner: Path;
      readonly member: string;
      readonly known: readonly string[];
      readonly isDeclared: boolean;
    }
  | { readonly kind: 'noMembers'; readonly owner: Path; readonly types: readonly string[]; readonly isDeclared: boolean };

const UNKNOWN: LookedUp = { kind: 'unknown' };
/** Ends a chain of references that leads back to itself; no schema of a bounded size has more. */
const REFERENCES_MAX = 20;

export function lookUp(from: Shape, path: Path): LookedUp {
  let shape = from;
  for (const [index, member] of path.entries()) {
    const next = memberOf(shape, member, path.slice(0, index));
    if (next.kind !== 'shape') return next;
    shape = next.shape;
  }
  return shape.kind === 'any' ? UNKNOWN : { kind: 'shape', shape };
}

function memberOf(shape: Shape, member: string | number, owner: Path): LookedUp {
  switch (shape.kind) {
    case 'any':
      return UNKNOWN;
    case 'nullable':
      // Null has no members either, so what is missing without it is missing.
      return memberOf(shape.of, member, owner);
    case 'sensitive':
    case 'filled':
      return memberOf(shape.of, member, owner);
    case 'object': {
      if (typeof member === 'number') return UNKNOWN;
      const found = shape.members.get(member);
      return found === undefined
        ? { kind: 'missing', owner, member, known: [...shape.members.keys()], isDeclared: false }
        : { kind: 'shape', shape: found };
    }
    case 'list':
    case 'tuple':
      if (typeof member === 'string') return { kind: 'noMembers', owner, types: ['array'], isDeclared: false };
      return shape.kind === 'list' ? { kind: 'shape', shape: shape.items } : { kind: 'shape', shape: shape.items[member] ?? ANY };
    default:
      return typeof member === 'number' ? itemOf(shape, member) : memberOfSchema(shape, member, owner);
  }
}

type OfSchema = Extract<Shape, { readonly kind: 'schema' }>;

function memberOfSchema(shape: OfSchema, member: string, owner: Path): LookedUp {
  const { root, schema, isDeclared } = shape;
  const types = typesOfShape(shape);
  if (types !== null && !types.includes('object')) return { kind: 'noMembers', owner, types, isDeclared };
  const properties = own(schema, 'properties');
  const declared = isJsonObject(properties) ? own(properties, member) : undefined;
  if (declared !== undefined) return { kind: 'shape', shape: withinSchema(root, declared) };
  if (own(schema, 'patternProperties') !== undefined) return UNKNOWN;
  const others = own(schema, 'additionalProperties');
  if (others === false)
    return { kind: 'missing', owner, member, known: isJsonObject(properties) ? Object.keys(properties) : [], isDeclared: true };
  return isJsonObject(others) ? { kind: 'shape', shape: withinSchema(root, others) } : UNKNOWN;
}

function itemOf({ root, schema }: OfSchema, index: number): LookedUp {
  const first = own(schema, 'prefixItems');
  const item = (Array.isArray(first) ? (first as readonly Json[])[index] : undefined) ?? own(schema, 'items');
  return item === undefined ? UNKNOWN : { kind: 'shape', shape: withinSchema(root, item) };
}

/** What every item of an array is. */
export function itemsOf(shape: Shape): Shape {
  switch (shape.kind) {
    case 'list':
      return shape.items;
    case 'nullable':
      return itemsOf(shape.of);
    case 'sensitive':
      return { kind: 'sensitive', of: itemsOf(shape.of) };
    case 'filled':
      return itemsOf(shape.of);
    case 'tuple':
      return shape.items.length === 1 ? (shape.items[0] ?? ANY) : ANY;
    case 'schema': {
      const items = own(shape.schema, 'prefixItems') === undefined ? own(shape.schema, 'items') : undefined;
      return items === undefined ? ANY : withinSchema(shape.root, items);
    }
    default:
      return ANY;
  }
}

/** What is known of the value, whether it is marked or not. */
export function unmarked(shape: Shape): Shape {
  return shape.kind === 'sensitive' || shape.kind === 'filled' ? unmarked(shape.of) : shape;
}

/** The JSON types that the value can have; null when any. */
export function typesOfShape(shape: Shape): readonly string[] | null {
  switch (shape.kind) {
    case 'any':
      return null;
    case 'object':
      return ['object'];
    case 'list':
    case 'tuple':
      return ['array'];
    case 'nullable': {
      const types = typesOfShape(shape.of);
      return types === null ? null : [...new Set([...types, 'null'])];
    }
    case 'sensitive':
    case 'filled':
      return typesOfShape(shape.of);
    default: {
      const types = typesOf(shape.schema);
      return types === null || !shape.isNullable ? types : [...new Set([...types, 'null'])];
    }
  }
}

/** `type` of a schema as an array; null when any type is allowed. */
export function typesOf(schema: JsonObject): readonly string[] | null {
  const type = own(schema, 'type');
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((one) => typeof one === 'string') : null;
}

/** What a schema says, whose references lead into `root`. */
export function withinSchema(root: Json, schema: Json): Shape {
  const found = resolved(root, schema);
  if (found === null) return ANY;
  const other = orNull(found);
  const inner = other === null ? null : resolved(root, other);
  return { kind: 'schema', root, schema: inner ?? found, isNullable: inner !== null, origin: schema, isDeclared: true };
}

/** Of a choice between null and one other schema, with nothing beside it: the other one. */
export function orNull(schema: JsonObject): Json | null {
  const choices = own(schema, 'anyOf');
  if (!Array.isArray(choices) || choices.length !== 2 || Object.keys(schema).some((key) => key !== 'anyOf' && !annotations.has(key)))
    return null;
  const [first = true, second = true] = choices as readonly Json[];
  return isNull(first) ? second : isNull(second) ? first : null;
}

/** Keywords by which no value is refused. */
export const annotations: ReadonlySet<string> = new Set([
  ...['$defs', 'definitions', '$schema', '$id', '$comment', 'title', 'description', 'default', 'examples'],
  ...['deprecated', 'readOnly', 'writeOnly', 'sensitive'],
]);

function isNull(schema: Json): boolean {
  return (
    isJsonObject(schema) && own(schema, 'type') === 'null' && Object.keys(schema).every((key) => key === 'type' || annotations.has(key))
  );
}

/** The strings in an array of a schema, such as `required`. */
export function namesIn(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}

/** Follows `$ref` within the document. Keywords beside `$ref` only narrow the schema, so ignoring them gives no wrong answer. */
function resolved(root: Json, schema: Json): JsonObject | null {
  let at = schema;
  for (let count = 0; count < REFERENCES_MAX; count++) {
    if (!isJsonObject(at)) return null;
    const reference = own(at, '$ref');
    if (typeof reference !== 'string') return at;
    const target = targetOf(root, reference);
    if (target === undefined) return null;
    at = target;
  }
  return null;
}

/** What a `$ref` leads to; undefined where it leads nowhere. */
export function targetOf(root: Json, reference: string): Json | undefined {
  if (!reference.startsWith('#/')) return reference === '#' ? root : undefined;
  let at: Json | undefined = root;
  for (const token of reference.slice(2).split('/')) {
    const key = decoded(token).replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(at)) at = (at as readonly Json[])[Number(key)];
    else if (isJsonObject(at)) at = own(at, key);
    else return undefined;
  }
  return at;
}

function decoded(token: string): string {
  try {
    return decodeURIComponent(token);
  } catch {
    return token;
  }
}
