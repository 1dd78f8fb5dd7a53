/**
 * Ends leases whose time is over: a task that is still held then is sent, as any task is, by a row of the outbox. Nobody took it: its
 * worker has died, or is slow and joins the record; or whoever was to produce it has died, or cannot. Not before everything is dealt with that stood in the log when the time was
 * over, since a backlog may hold its outcome (protocol.md, "Continuation" 12, 13).
 */
import type { Definition } from '../../core/definition/types.ts';
import type { InstanceId } from '../../core/ids.ts';
import { statusOf } from '../../core/instance/index.ts';
import { scopePathOf, sentTaskAt } from '../../core/instance/state/scopes.ts';
import { travellingState } from '../../engine/continuation/travelling-state.ts';
import type { LogAdmin, TopicPartition } from '../../messaging/log.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { InstanceStore, ReleasedTask, StoredInstance } from '../../store/instance-store.ts';
import { heldText } from '../../store/stored/held-task.ts';
import type { Assigned } from './assigned.ts';
import type { Lease } from './leases.ts';

export type LeaseKeeperOptions = {
  readonly topic: string;
  readonly store: Pick<InstanceStore, 'load' | 'release'>;
  readonly outgoing: Pick<OutgoingMessages, 'ofEffects' | 'prepareQueues'>;
  readonly admin: Pick<LogAdmin, 'endOffsets'>;
  readonly consumer: {
    /** Everything below is dealt with; null: nothing is, or the partition is not held. */
    reached(partition: TopicPartition): bigint | null;
    /** The offset may go further than it did. */
    commitAgain(partition: TopicPartition): void;
  };
  readonly assigned: () => Assigned | null;
  /** Of the instance, if workers may go on by themselves with its tasks. */
  readonly continued: (stored: StoredInstance) => Definition | undefined;
  readonly onReleased: (count: number) => void;
};

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** Throws a retryable MillraceError: the leases stay. */
  async look(): Promise<void> {
    const assigned = this.#options.assigned();
    const due = assigned?.leases.due() ?? [];
    if (assigned === null || due.length === 0) return;
    await this.#readEnds(due);
    for (const [partition, leases] of Map.groupBy(
      due.filter((lease) => this.#isRead(lease)),
      (lease) => lease.partition,
    ))
      await this.#end(partition, leases, assigned);
  }

  async #readEnds(due: readonly Lease[]): Promise<void> {
    const { topic, admin } = this.#options;
    const isNew = due.filter(({ readUntil }) => readUntil === null);
    if (isNew.length === 0) return;
    const ends = await admin.endOffsets(topic);
    for (const lease of isNew) lease.readUntil = ends.get(lease.partition) ?? null;
  }

  #isRead({ partition, readUntil }: Lease): boolean {
    const { topic, consumer } = this.#options;
    const reached = consumer.reached({ topic, partition });
    return readUntil !== null && reached !== null && reached >= readUntil;
  }

  async #end(partition: number, leases: readonly Lease[], { cache, leases: book }: Assigned): Promise<void> {
    const { topic, store, consumer, onReleased } = this.#options;
    const wanted = Array.from(
      Map.groupBy(leases, ({ instanceId }) => instanceId),
      ([instanceId, ofInstance]) => ({ instanceId, scopes: [...new Set(ofInstance.map(({ held }) => scopePathOf(held.path)))] }),
    );
    const states = await store.load(partition, wanted);
    const tasks = new Map<Lease, ReleasedTask>();
    for (const lease of leases) {
      const task = await this.#taskOf(lease, states.get(lease.instanceId));
      if (task !== null) tasks.set(lease, task);
    }
    const released: ReadonlySet<InstanceId> = tasks.size === 0 ? new Set() : await store.release(partition, [...tasks.values()]);
    for (const lease of leases) {
      // A state that was kept still says that it is held.
      cache.drop(lease.instanceId);
      // What was not written, since a step came between, is looked at again.
      if (!tasks.has(lease) || released.has(lease.instanceId)) book.remove(lease);
    }
    onReleased([...tasks.keys()].filter(({ instanceId }) => released.has(instanceId)).length);
    consumer.commitAgain({ topic, partition });
  }

  /** @returns null where there is nothing to send: it is held no more, or a pause lets nothing begin. Resuming is a sight of it. */
  async #taskOf({ instanceId, held }: Lease, stored: StoredInstance | undefined): Promise<ReleasedTask | null> {
    const { outgoing, continued } = this.#options;
    const isHeld = stored?.held?.some((task) => heldText(task) === heldText(held)) ?? false;
    if (stored === undefined || !isHeld || statusOf(stored.state) === 'paused') return null;
    const task = sentTaskAt(stored.state, held.path, held.attempt);
    if (task === undefined || task.basis !== held.basis) return null;
    await outgoing.prepareQueues([task.payload.queue]);
    const definition = continued(stored);
    const continuation = definition === undefined ? null : travellingState(definition, stored.state, held.path);
    const [message] = outgoing.ofEffects(stored.state, [{ type: 'dispatchTask', path: held.path, attempt: held.attempt }], continuation);
    return message === undefined ? null : { instanceId, held, message };
  }
}
