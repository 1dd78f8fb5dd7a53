import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../test/support/scenario.ts';
import { nodeOf } from '../../core/definition/testing/documents.ts';
import type { InstanceId } from '../../core/ids.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import { AssignedStateCache, StateCache } from './state-cache.ts';
import { estimateStateBytes } from './state-size.ts';

const stateOf = (bytes: number): InstanceState => new Scenario(nodeOf({ type: 'task', task: 'work' }), { data: 'x'.repeat(bytes) }).state;
const idOf = (n: number) => `01890000-0000-7000-8000-${String(n).padStart(12, '0')}` as InstanceId;

describe('The cache of states', () => {
  it('is bounded by bytes: large states leave it sooner than small ones', () => {
    const keptOf = (bytes: number): number => {
      const cache = new StateCache(1_000_000);
      const ids = Array.from({ length: 1_000 }, (_, index) => idOf(index));
      for (const id of ids) cache.set(id, { state: stateOf(bytes), version: 1 });
      expect(cache.bytes).toBeLessThanOrEqual(1_000_000);
      return ids.filter((id) => cache.get(id) !== undefined).length;
    };
    expect(keptOf(200_000)).toBeLessThan(5);
    expect(keptOf(1_000)).toBeGreaterThan(100);
  });

  it('does without a state that is larger than all of it', () => {
    const cache = new StateCache(10_000);
    cache.set(idOf(1), { state: stateOf(100), version: 1 });
    cache.set(idOf(1), { state: stateOf(100_000), version: 2 });
    expect(cache.get(idOf(1))).toBeUndefined();
  });

  it('of 0 bytes keeps nothing', () => {
    const cache = new StateCache(0);
    cache.set(idOf(1), { state: stateOf(1), version: 1 });
    expect(cache.get(idOf(1))).toBeUndefined();
  });

  it('is a new one for each assignment', () => {
    const caches = new AssignedStateCache(1_000_000);
    const first = caches.open();
    first.set(idOf(1), { state: stateOf(1_000), version: 1 });
    expect(caches.bytes).toBeGreaterThan(2_000);
    expect(caches.open().get(idOf(1))).toBeUndefined();
    expect(caches.bytes).toBe(0);
  });
});

describe('The size of a state', () => {
  it('grows with what it holds, and is the same when measured again', () => {
    const small = stateOf(10);
    const large = stateOf(10_010);
    expect(estimateStateBytes(large) - estimateStateBytes(small)).toBe(20_000);
    expect(estimateStateBytes(large)).toBe(estimateStateBytes(large));
  });
});
