/**
 * States of the instances that a process works on, kept between batches: saves the read. One for each assignment, and never taken
 * over into the next (protocol, "A step" 2): a stale state would refuse a valid outcome for ever. Bounded by bytes, since states
 * take from a kilobyte to megabytes; the least recently used ones are evicted.
 */
import { LRUCache } from 'lru-cache';
import type { InstanceId } from '../../core/ids.ts';
import { hasEnded } from '../../core/instance/state/state.ts';
import type { StoredInstance } from '../../store/instance-store.ts';
import { estimateStateBytes } from './state-size.ts';

export class StateCache {
  readonly #states: LRUCache<InstanceId, StoredInstance> | null;

  /** @param maxBytes of states, about; 0 keeps none. */
  constructor(maxBytes: number) {
    this.#states =
      maxBytes === 0 ? null : new LRUCache({ maxSize: maxBytes, sizeCalculation: ({ state }) => Math.max(1, estimateStateBytes(state)) });
  }

  /** Bytes of the states that are kept, about. */
  get bytes(): number {
    return this.#states?.calculatedSize ?? 0;
  }

  get(instanceId: InstanceId): StoredInstance | undefined {
    return this.#states?.get(instanceId);
  }

  /** An ended instance gets nothing more but late messages, so it is not kept. */
  set(instanceId: InstanceId, instance: StoredInstance): void {
    if (!hasEnded(instance.state)) this.#states?.set(instanceId, instance);
    else this.#states?.delete(instanceId);
  }

  drop(instanceId: InstanceId): void {
    this.#states?.delete(instanceId);
  }
}

/** Makes the cache of each assignment, and knows how large the present one is. */
export class AssignedStateCache {
  readonly #maxBytes: number;
  #current: StateCache | null = null;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Empty; the one before is forgotten. */
  open(): StateCache {
    const opened = new StateCache(this.#maxBytes);
    this.#current = opened;
    return opened;
  }

  get bytes(): number {
    return this.#current?.bytes ?? 0;
  }
}
