/**
 * Leases of held tasks, in the memory of the process that owns their partition. As long as a task is held the offset of its partition
 * stays below a record of its instance: whoever owns the partition next reads that record again, and so finds the task
 * (protocol.md, "Continuation" 10 to 12, 17). One book for each assignment: nothing is taken over into the next.
 */
import { LRUCache } from 'lru-cache';
import type { InstanceId } from '../../core/ids.ts';
import type { HeldTask } from '../../store/instance-store.ts';
import { heldTasksOf, heldText } from '../../store/stored/held-task.ts';

/** One length for all, whatever the handler's timeout. A worker that is only slow joins the record that comes of it. */
export const leaseMs = 5_000;
/** Instances whose tasks are known to be with Kafka. What is forgotten costs a spare record, which its worker joins. */
const PRODUCED_MAX = 20_000;

export type Lease = {
  readonly partition: number;
  readonly instanceId: InstanceId;
  readonly held: HeldTask;
  /** Monotonic. Seeing the task again moves the lease and does not lengthen it. */
  readonly endsAt: number;
  /** Where the log ended when its time was over: before all of that is dealt with, the outcome may still be on its way. null: it is not over. */
  readUntil: bigint | null;
};

/** The leases of an instance, by the text of their task. `offset`: its last record that was dealt with. */
type OfInstance = { readonly offset: bigint; readonly leases: Map<string, Lease> };

export class Leases {
  /** By partition, then by instance: in the order of their offsets. */
  readonly #instances = new Map<number, Map<InstanceId, OfInstance>>();
  /** Tasks that are held as their row says, and that the broker has: they need no lease. */
  readonly #produced: LRUCache<InstanceId, Set<string>>;
  readonly #lengthMs: number;
  readonly #now: () => number;

  constructor(lengthMs = leaseMs, now: () => number = () => performance.now(), producedMax = PRODUCED_MAX) {
    this.#lengthMs = lengthMs;
    this.#now = now;
    this.#produced = new LRUCache({ max: producedMax });
  }

  /**
   * An instance was dealt with, whatever became of its records.
   * @param held its held tasks.
   * @param offset of its last record. Never below one that was seen in this partition before.
   */
  see(partition: number, instanceId: InstanceId, held: readonly HeldTask[], offset: bigint): void {
    const instances = this.#instances.get(partition) ?? new Map<InstanceId, OfInstance>();
    const before = instances.get(instanceId);
    instances.delete(instanceId);
    this.#forgetAllBut(instanceId, held);
    const leases = new Map<string, Lease>();
    for (const task of held) {
      if (this.isProduced(instanceId, task)) continue;
      const text = heldText(task);
      const fresh = { partition, instanceId, held: task, endsAt: this.#now() + this.#lengthMs, readUntil: null };
      leases.set(text, before?.leases.get(text) ?? fresh);
    }
    if (leases.size === 0) return;
    instances.set(instanceId, { offset, leases });
    this.#instances.set(partition, instances);
  }

  /** The broker has the record of a task: whatever becomes of this process, nothing has to find it again. */
  produced(partition: number, instanceId: InstanceId, task: HeldTask): void {
    const known = this.#produced.get(instanceId) ?? new Set();
    known.add(heldText(task));
    this.#produced.set(instanceId, known);
    this.#drop(partition, instanceId, heldText(task));
  }

  isProduced(instanceId: InstanceId, task: HeldTask): boolean {
    return this.#produced.get(instanceId)?.has(heldText(task)) ?? false;
  }

  /** A redispatcher takes the task for lost, so what is known of it counts no more. */
  forget(instanceId: InstanceId, { path, attempt }: Pick<HeldTask, 'path' | 'attempt'>): void {
    const known = this.#produced.get(instanceId) ?? [];
    const isLost = (task: HeldTask): boolean => task.path === path && task.attempt === attempt;
    this.#forgetAllBut(
      instanceId,
      [...known].flatMap(heldTasksOf).filter((task) => !isLost(task)),
    );
  }

  /** How far the offset of the partition may go: not beyond the oldest lease's record. @param reached everything below it is dealt with. */
  committable(partition: number, reached: bigint): bigint {
    const [oldest] = this.#instances.get(partition)?.values() ?? [];
    return oldest === undefined || oldest.offset > reached ? reached : oldest.offset;
  }

  /** Those whose time is over. */
  due(): readonly Lease[] {
    const now = this.#now();
    return this.#all().filter(({ endsAt }) => endsAt <= now);
  }

  /** Unless the instance has another one by now. */
  remove(lease: Lease): void {
    const { partition, instanceId } = lease;
    const text = heldText(lease.held);
    if (this.#instances.get(partition)?.get(instanceId)?.leases.get(text) === lease) this.#drop(partition, instanceId, text);
  }

  /** Nothing is known of any task. */
  get isEmpty(): boolean {
    return this.#produced.size === 0 && this.#instances.values().every(({ size }) => size === 0);
  }

  get size(): number {
    return this.#all().length;
  }

  #all(): readonly Lease[] {
    return [...this.#instances.values()].flatMap((instances) => [...instances.values()].flatMap(({ leases }) => [...leases.values()]));
  }

  #drop(partition: number, instanceId: InstanceId, text: string): void {
    const instances = this.#instances.get(partition);
    const of = instances?.get(instanceId);
    of?.leases.delete(text);
    if (of?.leases.size === 0) instances?.delete(instanceId);
  }

  /** Tasks that are held no more need not be known. */
  #forgetAllBut(instanceId: InstanceId, held: readonly HeldTask[]): void {
    const known = this.#produced.get(instanceId);
    if (known === undefined) return;
    const still = new Set(held.map(heldText).filter((text) => known.has(text)));
    if (still.size === 0) this.#produced.delete(instanceId);
    else this.#produced.set(instanceId, still);
  }
}
