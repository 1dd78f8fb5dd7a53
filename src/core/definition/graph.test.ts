import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NodeId } from '../ids.ts';
import { linksOf } from './graph.ts';
import type { Edge } from './types.ts';

const edge = (from: number, to: number, index: number): Edge =>
  ({ index, from: `n${from}`, to: `n${to}`, rule: { on: 'completed', condition: { kind: 'always' } } }) as Edge;

/** By as many steps as it takes until nothing is new. */
function ancestorsOf(id: string, edges: readonly Edge[]): readonly string[] {
  const found = new Set<string>();
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const { from, to } of edges) if (to === id || (to !== null && found.has(to))) found.add(from);
  }
  return [...found].sort();
}

it('The ancestors of a node are all from which it can be reached, also on and behind circles', () => {
  const size = 12;
  const ends = fc.tuple(fc.nat(size - 1), fc.nat(size - 1));
  fc.assert(
    fc.property(fc.array(ends, { maxLength: 30 }), (pairs) => {
      const edges = pairs.map(([from, to], index) => edge(from, to, index));
      const ids = Array.from({ length: size }, (_, n) => `n${n}` as NodeId);
      const { ancestors } = linksOf(ids, edges);
      for (const id of ids) expect([...(ancestors.get(id) ?? [])].sort(), id).toEqual(ancestorsOf(id, edges));
    }),
  );
});

it('On a circle of a thousand each edge is looked at about once', () => {
  const size = 1_000;
  let looks = 0;
  const edges = Array.from({ length: size }, (_, n) => {
    const plain = edge(n, (n + 1) % size, n);
    return Object.defineProperty({ ...plain }, 'from', {
      get: () => {
        looks++;
        return plain.from;
      },
    }) as Edge;
  });
  linksOf(
    Array.from({ length: size }, (_, n) => `n${n}` as NodeId),
    edges,
  );
  expect(looks).toBeLessThan(10 * size);
});
