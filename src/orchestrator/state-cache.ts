/**
 * States of the instances of one partition, kept between batches: saves the read. Dropped whole whenever the partition
 * changes hands (protocol, "A step" 2): a stale state would refuse a live outcome for good.
 */
import { LRUCache } from 'lru-cache';
import type { InstanceId } from '../core/ids.ts';
import type { StoredInstance } from '../store/instance-store.ts';

export class StateCache {
  readonly #states: LRUCache<InstanceId, StoredInstance>;

  /** @param max instances kept. */
  constructor(max: number) {
    this.#states = new LRUCache({ max });
  }

  get(instanceId: InstanceId): StoredInstance | undefined {
    return this.#states.get(instanceId);
  }

  /** An ended instance hears only from latecomers: it is not worth its room. */
  set(instanceId: InstanceId, instance: StoredInstance): void {
    if (instance.state.phase === 'running') this.#states.set(instanceId, instance);
    else this.#states.delete(instanceId);
  }

  drop(instanceId: InstanceId): void {
    this.#states.delete(instanceId);
  }

  clear(): void {
    this.#states.clear();
  }
}
