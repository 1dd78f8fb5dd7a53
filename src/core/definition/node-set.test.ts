import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NodeId } from '../ids.ts';
import { NodeOrder, type NodeSet } from './node-set.ts';

const ids = Array.from({ length: 100 }, (_, n) => `n${n}` as NodeId);
const places = fc.array(fc.nat({ max: 99 }));

const setOf = (order: NodeOrder, of: readonly number[]): NodeSet => {
  const set = order.emptySet();
  for (const place of of) set.add(ids[place] ?? ids[0] ?? ('' as NodeId));
  return set;
};
const inOrder = (of: readonly number[]): readonly string[] => [...new Set(of)].sort((a, b) => a - b).map((place) => `n${place}`);

it('holds what was added, once and in the order of the graph', () => {
  fc.assert(
    fc.property(places, places, (some, others) => {
      const order = new NodeOrder(ids);
      const set = setOf(order, some);
      set.addAll(setOf(order, others));
      expect([...set]).toEqual(inOrder([...some, ...others]));
      expect(set.size).toBe(new Set([...some, ...others]).size);
      for (const id of ids) expect(set.has(id)).toBe(some.concat(others).includes(ids.indexOf(id)));
    }),
  );
});

it('holds no node of another graph', () => {
  const set = new NodeOrder(ids).emptySet();
  set.add('elsewhere/n1' as NodeId);
  expect(set.has('elsewhere/n1' as NodeId)).toBe(false);
  expect([...set]).toEqual([]);
});
