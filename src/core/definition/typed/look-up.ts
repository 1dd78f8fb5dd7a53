/** Looks up a member in a JSON Schema: whether values that fit may have it, and its schema. Anything uncertain is `unknown`. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { own } from '../../record.ts';

export type LookedUp =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'schema'; readonly schema: JsonObject }
  /** `owner` is where the path ends that exists. */
  | { readonly kind: 'missing'; readonly owner: readonly string[]; readonly member: string; readonly known: readonly string[] }
  | { readonly kind: 'noMembers'; readonly owner: readonly string[]; readonly types: readonly string[] };

const UNKNOWN: LookedUp = { kind: 'unknown' };
/** Ends a chain of references that leads back to itself; no schema of a bounded size has more. */
const REFERENCES_MAX = 20;

export function lookUp(root: Json, path: readonly string[]): LookedUp {
  let schema = resolved(root, root);
  for (const [index, member] of path.entries()) {
    if (schema === null) return UNKNOWN;
    const next = memberOf(root, schema, member, path.slice(0, index));
    if (next.kind !== 'schema') return next;
    schema = next.schema;
  }
  return schema === null ? UNKNOWN : { kind: 'schema', schema };
}

function memberOf(root: Json, schema: JsonObject, member: string, owner: readonly string[]): LookedUp {
  const types = typesOf(schema);
  if (types !== null && !types.includes('object')) return { kind: 'noMembers', owner, types };
  const properties = own(schema, 'properties');
  const declared = isJsonObject(properties) ? own(properties, member) : undefined;
  if (declared !== undefined) return known(resolved(root, declared));
  if (own(schema, 'patternProperties') !== undefined) return UNKNOWN;
  const others = own(schema, 'additionalProperties');
  if (others === false) return { kind: 'missing', owner, member, known: isJsonObject(properties) ? Object.keys(properties) : [] };
  return isJsonObject(others) ? known(resolved(root, others)) : UNKNOWN;
}

function known(schema: JsonObject | null): LookedUp {
  return schema === null ? UNKNOWN : { kind: 'schema', schema };
}

/** `type` of a schema as an array; null when any type is allowed. */
export function typesOf(schema: JsonObject): readonly string[] | null {
  const type = own(schema, 'type');
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((one) => typeof one === 'string') : null;
}

/** Follows `$ref` within the document. Keywords beside `$ref` only narrow the schema, so ignoring them gives no wrong answer. */
export function resolved(root: Json, schema: Json): JsonObject | null {
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

function targetOf(root: Json, reference: string): Json | undefined {
  if (!reference.startsWith('#/')) return reference === '#' ? root : undefined;
  let at: Json | undefined = root;
  for (const token of reference.slice(2).split('/')) {
    if (!isJsonObject(at)) return undefined;
    at = own(at, token.replaceAll('~1', '/').replaceAll('~0', '~'));
  }
  return at;
}
