/**
 * States of the instances that a process moves, kept between batches: saves the read. One for each assignment, and never
 * taken over into the next (protocol, "A step" 2): a stale state would refuse a live outcome for good.
 */
import { LRUCache } from 'lru-cache';
import type { InstanceId } from '../core/ids.ts';
import type { StoredInstance } from '../store/instance-store.ts';

export class StateCache {
  readonly #states: LRUCache<InstanceId, StoredInstance> | null;

  /** @param max instances kept; 0 keeps none. */
  constructor(max: number) {
    this.#states = max === 0 ? null : new LRUCache({ max });
  }

  get(instanceId: InstanceId): StoredInstance | undefined {
    return this.#states?.get(instanceId);
  }

  /** An ended instance hears only from latecomers: it is not worth its room. */
  set(instanceId: InstanceId, instance: StoredInstance): void {
    if (instance.state.phase === 'running') this.#states?.set(instanceId, instance);
    else this.#states?.delete(instanceId);
  }

  drop(instanceId: InstanceId): void {
    this.#states?.delete(instanceId);
  }
}
