/** JSON for properties of expressions. */
import fc from 'fast-check';
import type { Json } from '../../json.ts';

/** Any JSON that can come into an instance: its numbers are exact. */
export function arbitraryJson(maxDepth: number): fc.Arbitrary<Json> {
  return fc.jsonValue({ maxDepth }).map((value) => JSON.parse(JSON.stringify(value), withinBounds) as Json);
}

function withinBounds(_key: string, value: unknown): unknown {
  return typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER ? value % 1_000_000 : value;
}
