/** What of a value is marked as sensitive, by what is known of its shape. Where that is not certain, it counts as marked. */
import type { NodeId } from '../../ids.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { MASK, maskedAt, placeOf } from './marks-in-schemas.ts';
import { itemsOf, type Path, type Shape } from './shape.ts';

/** What is known of the values of a definition that marks some of them, for whoever shows them. */
export interface Marks {
  readonly input: Shape;
  /** What an instance gives. */
  readonly output: Shape;
  nodeInput(id: NodeId): Shape;
  nodeOutput(id: NodeId): Shape;
  /** What the template in a field of a node gives. */
  field(id: NodeId, field: string, absent?: Json): Shape;
  /** The items of a forEach. */
  items(loopId: NodeId): Shape;
  /** What an item or round of a loop gives. */
  roundOutput(loopId: NodeId): Shape;
  isMarkedVariable(name: string): boolean;
}

/** Shapes are shared, so that what is asked of each once would otherwise be asked very often. */
const known = new WeakMap<Shape, boolean>();

/** Whether the value, or anything in it, is marked. */
export function holdsSensitive(shape: Shape): boolean {
  let holds = known.get(shape);
  if (holds === undefined) {
    holds = holdsAnew(shape);
    known.set(shape, holds);
  }
  return holds;
}

function holdsAnew(shape: Shape): boolean {
  switch (shape.kind) {
    case 'any':
      return false;
    case 'sensitive':
      return true;
    case 'object':
      return [...shape.members.values()].some(holdsSensitive);
    case 'list':
      return holdsSensitive(shape.items);
    case 'tuple':
      return shape.items.some(holdsSensitive);
    case 'nullable':
      return holdsSensitive(shape.of);
    case 'filled':
      return holdsSensitive(shape.of) || holdsSensitive(shape.filledBy);
    default:
      return placeOf(shape.root, shape.origin).kind !== 'none';
  }
}

/** all: the value itself, or one around it, is marked. part: something in it. `isExact`: its shape alone tells which. */
export type Mark = { readonly kind: 'none' | 'part' | 'all'; readonly isExact: boolean };

export function markAt(shape: Shape, path: Path): Mark {
  const [member, ...rest] = path;
  switch (shape.kind) {
    case 'sensitive':
      return { kind: 'all', isExact: true };
    case 'nullable':
      return markAt(shape.of, path);
    case 'filled': {
      const [declared, made] = [markAt(shape.of, path), markAt(shape.filledBy, path)];
      if (made.kind === 'none') return declared;
      return { kind: declared.kind === 'all' ? 'all' : made.kind, isExact: false };
    }
    case 'schema':
      return markInSchema(shape.root, shape.origin, path);
    case 'object': {
      if (typeof member !== 'string') break;
      const found = shape.members.get(member);
      return found === undefined ? { kind: 'none', isExact: true } : markAt(found, rest);
    }
    case 'list':
      if (typeof member === 'number') return markAt(shape.items, rest);
      break;
    case 'tuple': {
      const found = typeof member === 'number' ? shape.items[member] : undefined;
      if (found !== undefined) return markAt(found, rest);
      break;
    }
    default:
      break;
  }
  return { kind: holdsSensitive(shape) ? 'part' : 'none', isExact: member === undefined };
}

function markInSchema(root: Json, origin: Json, path: Path): Mark {
  let place = placeOf(root, origin);
  for (const member of path) {
    if (place.kind === 'all') break;
    place = place.below(member);
  }
  return place.kind === 'all' ? { kind: 'all', isExact: true } : { kind: place.kind, isExact: place.isExact };
}

/** The value as it is shown. */
export function masked(shape: Shape, value: Json): Json {
  if (value === null || !holdsSensitive(shape)) return value;
  switch (shape.kind) {
    case 'any':
      return value;
    case 'sensitive':
      return MASK;
    case 'nullable':
      return masked(shape.of, value);
    case 'filled':
      return masked(shape.filledBy, masked(shape.of, value));
    case 'schema':
      return maskedAt(placeOf(shape.root, shape.origin), value);
    case 'object':
      if (!isJsonObject(value)) return MASK;
      return Object.fromEntries(
        Object.entries(value).map(([key, member]) => {
          const known = shape.members.get(key);
          // What is not known here was made by another version.
          return [key, known === undefined ? MASK : masked(known, member)];
        }),
      );
    default:
      if (!Array.isArray(value)) return MASK;
      return value.map((item: Json, index) => masked(shape.kind === 'list' ? shape.items : (shape.items[index] ?? SENSITIVE), item));
  }
}

export const SENSITIVE: Shape = { kind: 'sensitive', of: { kind: 'any' } };

/** Where a definition cannot be read: every value may be marked. */
export const ALL_MARKED: Marks = {
  input: SENSITIVE,
  output: SENSITIVE,
  nodeInput: () => SENSITIVE,
  nodeOutput: () => SENSITIVE,
  field: () => SENSITIVE,
  items: () => SENSITIVE,
  roundOutput: () => SENSITIVE,
  isMarkedVariable: () => true,
};

/** What each item of an array is, marked where the array or some item is and it is not certain which. */
export function markedItems(shape: Shape): Shape {
  const items = itemsOf(shape);
  if (shape.kind === 'nullable') return markedItems(shape.of);
  if (shape.kind === 'list' || shape.kind === 'sensitive' || !holdsSensitive(shape)) return items;
  if (shape.kind === 'schema') {
    const place = placeOf(shape.root, shape.origin);
    if (place.kind !== 'all' && place.below(0).isExact && items.kind === 'schema') return items;
  } else if (shape.kind === 'tuple' && shape.items.length === 1) return items;
  return { kind: 'sensitive', of: items };
}
