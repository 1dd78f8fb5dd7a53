/**
 * Finds where a value that is known by its shape certainly does not fit a schema: a type that the schema refuses, a property that is
 * missing, one that it does not know. Anything uncertain fits.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { own } from '../../record.ts';
import { shown } from '../errors.ts';
import { lookUp, namesIn, type Shape, typesOfShape, unmarked, withinSchema } from './shape.ts';

export type Misfit = { readonly kind: 'type' | 'member'; readonly pointer: string; readonly message: string };

/** Pairs of a shape and a schema that are compared, and how deep: schemas that lead back to themselves have no end. */
const COMPARED_MAX = 2_000;
const DEPTH_MAX = 20;

/** Where in what is written out, and then in what an expression there gives. */
type At = { readonly pointer: string; readonly path: readonly string[] };

export function misfits(given: Shape, schema: Json, pointer: string): readonly Misfit[] {
  const left = { compared: COMPARED_MAX };
  return [...compare(given, withinSchema(schema, schema), { pointer, path: [] }, left)];
}

function* compare(shape: Shape, wanted: Shape, at: At, left: { compared: number }): Generator<Misfit> {
  const given = unmarked(shape);
  if (wanted.kind !== 'schema' || given.kind === 'any' || at.path.length > DEPTH_MAX || left.compared-- <= 0) return;
  const [types, allowed] = [typesOfShape(given), typesOfShape(wanted)];
  if (types === null) return;
  if (allowed !== null && !types.some((type) => isAllowed(type, allowed))) {
    const what = at.path.length === 0 ? 'This' : shown(at.path.join('.'));
    yield { kind: 'type', pointer: at.pointer, message: `${what} is ${types.join(' or ')}, but must be ${allowed.join(' or ')}.` };
    return;
  }
  // Null may be allowed, and then what is asked of objects and arrays is not asked.
  if (types.length !== 1) return;
  if (types[0] === 'object') yield* compareMembers(given, wanted, at, left);
  const items = own(wanted.schema, 'prefixItems') === undefined ? own(wanted.schema, 'items') : undefined;
  if (given.kind !== 'tuple' || items === undefined) return;
  for (const [index, item] of given.items.entries())
    yield* compare(item, withinSchema(wanted.root, items), { ...at, pointer: pointerTo(at.pointer, String(index)) }, left);
}

function* compareMembers(
  given: Shape,
  { root, schema }: Extract<Shape, { readonly kind: 'schema' }>,
  at: At,
  left: { compared: number },
): Generator<Misfit> {
  const of = at.path.length === 0 ? '' : ` of ${shown(at.path.join('.'))}`;
  for (const name of namesIn(own(schema, 'required')))
    if (lookUp(given, [name]).kind === 'missing')
      yield { kind: 'member', pointer: at.pointer, message: `The property ${shown(name)}${of} is missing.` };
  const declared = own(schema, 'properties');
  const properties: JsonObject = isJsonObject(declared) ? declared : {};
  const isClosed = own(schema, 'additionalProperties') === false && own(schema, 'patternProperties') === undefined;
  for (const name of certainMembers(given)) {
    const below = given.kind === 'object' ? { ...at, pointer: pointerTo(at.pointer, name) } : { ...at, path: [...at.path, name] };
    const property = own(properties, name);
    const found = lookUp(given, [name]);
    if (property !== undefined && found.kind === 'shape') yield* compare(found.shape, withinSchema(root, property), below, left);
    if (property === undefined && isClosed)
      yield { kind: 'member', pointer: below.pointer, message: `The property ${shown(name)}${of} is not known here.` };
  }
}

/** Members that the value has whenever it is an object. */
function certainMembers(given: Shape): readonly string[] {
  if (given.kind === 'object') return [...given.members.keys()];
  return given.kind === 'schema' ? namesIn(own(given.schema, 'required')) : [];
}

function isAllowed(type: string, allowed: readonly string[]): boolean {
  if (allowed.includes(type)) return true;
  // A number may be whole.
  return (type === 'integer' && allowed.includes('number')) || (type === 'number' && allowed.includes('integer'));
}
