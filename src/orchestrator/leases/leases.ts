/**
 * Leases of held tasks, in the memory of the process that owns their partition. As long as a task is held the offset of its partition
 * stays below a record of its instance: whoever owns the partition next reads that record again, and so finds the task
 * (protocol.md, "Continuation" 10 to 12). One book for each assignment: nothing is taken over into the next.
 */
import type { InstanceId } from '../../core/ids.ts';
import type { HeldTask } from '../../store/instance-store.ts';
import { heldText } from '../../store/stored/held-task.ts';

/** One length for all, whatever the handler's timeout. A worker that is only slow joins the record that comes of it. */
export const leaseMs = 5_000;

export type Lease = {
  readonly partition: number;
  readonly instanceId: InstanceId;
  readonly held: HeldTask;
  /** The last record of the instance that was dealt with. */
  offset: bigint;
  /** Monotonic. Seeing the task again moves the lease and does not lengthen it. */
  readonly endsAt: number;
  /** Where the log ended when its time was over: before all of that is dealt with, the outcome may still be on its way. null: it is not over. */
  readUntil: bigint | null;
};

export class Leases {
  /** By partition, then by instance: in the order of their offsets. */
  readonly #leases = new Map<number, Map<InstanceId, Lease>>();
  readonly #lengthMs: number;
  readonly #now: () => number;

  constructor(lengthMs = leaseMs, now: () => number = () => performance.now()) {
    this.#lengthMs = lengthMs;
    this.#now = now;
  }

  /**
   * An instance was dealt with, whatever became of its records.
   * @param held the task of it that is held.
   * @param offset of its last record. Never below one that was seen in this partition before.
   */
  see(partition: number, instanceId: InstanceId, held: HeldTask | undefined, offset: bigint): void {
    const leases = this.#leases.get(partition) ?? new Map<InstanceId, Lease>();
    const before = leases.get(instanceId);
    leases.delete(instanceId);
    if (held === undefined) return;
    this.#leases.set(partition, leases);
    const isSame = before !== undefined && heldText(before.held) === heldText(held);
    const lease = isSame ? before : { partition, instanceId, held, offset, endsAt: this.#now() + this.#lengthMs, readUntil: null };
    lease.offset = offset;
    leases.set(instanceId, lease);
  }

  /** How far the offset of the partition may go: not beyond the oldest lease's record. @param reached everything below it is dealt with. */
  committable(partition: number, reached: bigint): bigint {
    const [oldest] = this.#leases.get(partition)?.values() ?? [];
    return oldest === undefined || oldest.offset > reached ? reached : oldest.offset;
  }

  /** Those whose time is over. */
  due(): readonly Lease[] {
    const now = this.#now();
    return [...this.#leases.values()].flatMap((leases) => [...leases.values()].filter(({ endsAt }) => endsAt <= now));
  }

  /** Unless the instance has another one by now. */
  remove(lease: Lease): void {
    const leases = this.#leases.get(lease.partition);
    if (leases?.get(lease.instanceId) === lease) leases.delete(lease.instanceId);
  }

  get size(): number {
    return [...this.#leases.values()].reduce((sum, { size }) => sum + size, 0);
  }
}
