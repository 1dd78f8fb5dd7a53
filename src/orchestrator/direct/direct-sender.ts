/**
 * Sends tasks right after their commit (protocol.md, "Continuation" 16, 17). Nobody waits for it: until the broker has a task its lease
 * stands for it, and afterwards the lease is dropped. While the broker is slow or away tasks go through the outbox, and what waits here
 * stays within bounds. What is sent twice, or late, is told apart by its basis, or joined by the worker that has it.
 */
import type { InstanceId } from '../../core/ids.ts';
import type { DirectDispatch, DirectTask } from '../../engine/direct/direct-dispatch.ts';
import type { LogProducer, OutgoingRecord } from '../../messaging/log.ts';
import { producedHeaders } from '../../messaging/produced-headers.ts';
import type { Logger } from '../../service/logging.ts';
import type { HeldTask } from '../../store/instance-store.ts';
import type { Leases } from '../leases/leases.ts';

export type DirectSenderOptions = {
  /** Of its own: what one topic does not take must not hold up what else this process sends. */
  readonly producer: Pick<LogProducer, 'send' | 'pending'>;
  /** The offset of the partition may go further than it did. */
  readonly commitAgain: (partition: number) => void;
  readonly onProduced: (count: number) => void;
  readonly log: Logger;
  /** Monotonic. */
  readonly now?: () => number;
};

/** Tasks and bytes that wait for their acknowledgement before others go through the outbox. */
const PENDING_MAX = { records: 10_000, bytes: 8 * 1_048_576 };
/** A part of the lease: a broker that takes longer is slower than the outbox. */
const SLOW_MS = 1_000;

const HEADERS = producedHeaders('TaskScheduled');

type Sending = { readonly at: number; readonly done: Promise<void> };

export class DirectSender {
  readonly #options: DirectSenderOptions;
  readonly #now: () => number;
  /** In the order of their sending. */
  readonly #sending = new Set<Sending>();

  constructor(options: DirectSenderOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** For the batches of a partition, as long as it is assigned: what the broker has is noted in the leases of that assignment. */
  of(partition: number, leases: Leases): DirectDispatch {
    const hasRoom = (): boolean => this.#hasRoom();
    return {
      get hasRoom() {
        return hasRoom();
      },
      isProduced: (instanceId: InstanceId, task: HeldTask) => leases.isProduced(instanceId, task),
      send: (tasks) => this.#send(partition, leases, tasks),
    };
  }

  /** Resolves when nothing waits for its acknowledgement any more. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#sending, ({ done }) => done));
  }

  #hasRoom(): boolean {
    const { records, bytes } = this.#options.producer.pending();
    if (records > PENDING_MAX.records || bytes > PENDING_MAX.bytes) return false;
    const [oldest] = this.#sending;
    return oldest === undefined || this.#now() - oldest.at <= SLOW_MS;
  }

  #send(partition: number, leases: Leases, tasks: readonly DirectTask[]): void {
    if (tasks.length === 0) return;
    const sending = { at: this.#now(), done: this.#produce(partition, leases, tasks) };
    this.#sending.add(sending);
    void sending.done.finally(() => this.#sending.delete(sending));
  }

  async #produce(partition: number, leases: Leases, tasks: readonly DirectTask[]): Promise<void> {
    const { producer, commitAgain, onProduced, log } = this.#options;
    try {
      await producer.send(tasks.map(recordOf));
    } catch (error) {
      // The leases stand, and the outbox sends them.
      log.warn(
        { err: error, partition, tasks: tasks.length },
        'Tasks could not be sent directly; the outbox sends them when their leases are over',
      );
      return;
    }
    for (const { instanceId, task } of tasks) leases.produced(partition, instanceId, task);
    onProduced(tasks.length);
    commitAgain(partition);
  }
}

/** As Debezium makes it of a row of the outbox. */
function recordOf({ message: { topic, key, partition, payload } }: DirectTask): OutgoingRecord {
  return { topic, key, value: payload, headers: HEADERS, ...(partition === null ? {} : { partition }) };
}
