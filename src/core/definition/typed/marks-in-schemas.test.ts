import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../json.ts';
import { MASK, maskedAt, placeOf } from './marks-in-schemas.ts';

const marked: JsonObject = { type: 'string', sensitive: true };
const masked = (schema: JsonObject, value: Json): Json => maskedAt(placeOf(schema, schema), value);

describe('A value that a schema marks', () => {
  it.each<[string, JsonObject, Json, Json]>([
    ['as a whole', marked, 'a', MASK],
    ['not at all', { properties: { a: { sensitive: false } } }, { a: 1 }, { a: 1 }],
    ['in members', { properties: { a: marked } }, { a: 1, b: 2 }, { a: MASK, b: 2 }],
    ['in members that only fit a pattern', { patternProperties: { '^x': marked } }, { a: 1, x: 2 }, { a: MASK, x: MASK }],
    ['in all others', { properties: { a: {} }, additionalProperties: marked }, { a: 1, b: 2 }, { a: MASK, b: MASK }],
    ['in the first items', { prefixItems: [{}, marked] }, [1, 2, 3], [1, MASK, 3]],
    ['in items behind the first', { prefixItems: [{}], items: marked }, [1, 2, 3], [MASK, MASK, MASK]],
    ['in what an array contains', { contains: marked }, [1, 2], [MASK, MASK]],
    ['in a choice', { anyOf: [{ type: 'null' }, { properties: { a: marked } }] }, { a: 1 }, { a: MASK }],
    ['in a condition', { if: {}, else: { properties: { a: marked } } }, { a: 1, b: 1 }, { a: MASK, b: 1 }],
    ['where a member is there', { dependentSchemas: { b: { properties: { a: marked } } } }, { a: 1 }, { a: MASK }],
    ['by a name', { propertyNames: marked }, { a: 1 }, MASK],
    [
      'behind a reference that leads back',
      { $ref: '#/$defs/tree', $defs: { tree: { properties: { pin: marked, next: { $ref: '#/$defs/tree' } } } } },
      { pin: 1, next: { pin: 2, next: { pin: 3, id: 4 } } },
      { pin: MASK, next: { pin: MASK, next: { pin: MASK, id: 4 } } },
    ],
    [
      'under a name that every object has',
      { properties: { constructor: marked } },
      { constructor: 1, toString: 2 },
      { constructor: MASK, toString: 2 },
    ],
  ])('%s', (_, schema, value, expected) => {
    expect(masked(schema, value)).toEqual(expected);
  });

  it('is the same object where nothing is marked, however large', () => {
    const list = Array.from({ length: 10 }, (_, n) => ({ n }));
    const shown = masked({ properties: { pin: marked, list: { type: 'array', items: { properties: { n: {} } } } } }, { pin: 1, list });
    expect(shown).toEqual({ pin: MASK, list });
    expect((shown as { readonly list: Json }).list).toBe(list);
  });

  it('is masked too where the choices of a schema make more places than are kept', () => {
    // Marked is what lies `depth` members below an `a`: which those are, only all of the path tells.
    const depth = 13;
    const states = Array.from({ length: depth }, (_, n): readonly [string, JsonObject] => {
      const next: Json = n === depth - 1 ? { sensitive: true } : { $ref: `#/$defs/s${n + 1}` };
      return [`s${n}`, { properties: { a: next, b: next } }];
    });
    const any: JsonObject = { properties: { a: { anyOf: [{ $ref: '#/$defs/any' }, { $ref: '#/$defs/s0' }] }, b: { $ref: '#/$defs/any' } } };
    const schema: JsonObject = { $ref: '#/$defs/any', $defs: { any, ...Object.fromEntries(states) } };
    const tree = (left: number): Json => (left === 0 ? 'leaf' : { b: tree(left - 1), a: tree(left - 1) });
    const shown = masked(schema, tree(depth + 1)) as JsonObject;
    // That is all below the first `a`, and nothing below the first `b`, of which what is met first is still told apart.
    const leaves = (value: Json | undefined): readonly Json[] =>
      value === undefined || typeof value === 'string' ? [value ?? null] : Object.values(value as JsonObject).flatMap(leaves);
    expect(new Set(leaves(shown.a))).toEqual(new Set([MASK]));
    expect(new Set(leaves(shown.b))).toEqual(new Set(['leaf', MASK]));
  });
});
