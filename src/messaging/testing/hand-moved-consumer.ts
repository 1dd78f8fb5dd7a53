/**
 * A consumer that a test controls: the test decides when records arrive, of which assignment, and when partitions are revoked. So
 * a test can do what the port allows and a log does only by chance: deliver a batch twice, deliver one of an old assignment, leave
 * out a revoke.
 */
import type { LogBatch, LogConsumer, LogConsumerHandlers, LogRecord, TopicPartition } from '../log.ts';

export class HandMovedConsumer implements LogConsumer {
  readonly handlers: LogConsumerHandlers;
  readonly paused = new Set<number>();
  /** By partition, of the present assignment. */
  readonly committed = new Map<number, bigint>();
  readonly notes = new Map<number, string>();
  generation = 0;
  held: readonly TopicPartition[] = [];
  left = false;

  readonly #topic: string;

  /** @param topic the only one that it reads. */
  constructor(handlers: LogConsumerHandlers, topic = 'tasks') {
    this.handlers = handlers;
    this.#topic = topic;
  }

  /** Like a rebalance: all partitions are revoked, then assigned. */
  assign(...partitions: readonly number[]): void {
    if (this.held.length > 0) this.revoke();
    this.assignOnly(...partitions);
  }

  revoke(): void {
    const revoked = this.held;
    this.held = [];
    this.handlers.onRevoked(revoked, this.generation);
  }

  /** Without the revoke that should come before. */
  assignOnly(...partitions: readonly number[]): void {
    this.generation++;
    this.paused.clear();
    this.held = partitions.map((partition) => ({ topic: this.#topic, partition }));
    this.handlers.onAssigned(this.held, this.generation);
  }

  give(partition: number, records: readonly (Partial<LogRecord> & { readonly offset: bigint })[], generation = this.generation): void {
    const whole = records.map(
      (record): LogRecord => ({ topic: this.#topic, partition, timestamp: 0, key: null, value: null, headers: [], ...record }),
    );
    const batch: LogBatch = { topic: this.#topic, partition, generation, records: whole, highWatermark: (whole.at(-1)?.offset ?? 0n) + 1n };
    this.handlers.onBatch(batch);
  }

  async start(): Promise<void> {
    this.assign(0);
  }
  pause({ partition }: TopicPartition): void {
    this.paused.add(partition);
  }
  resume({ partition }: TopicPartition): void {
    this.paused.delete(partition);
  }
  commit({ partition }: TopicPartition, offset: bigint, generation: number): void {
    if (generation === this.generation) this.committed.set(partition, offset);
  }
  annotate({ partition }: TopicPartition, note: string, generation: number): void {
    if (generation === this.generation) this.notes.set(partition, note);
  }
  flush(): Promise<void> {
    return Promise.resolve();
  }
  assignment(): readonly TopicPartition[] {
    return this.held;
  }
  isMember(): boolean {
    return !this.left;
  }
  lag(): readonly (TopicPartition & { readonly lag: number })[] {
    return [];
  }
  async stop(drained?: Promise<unknown>): Promise<void> {
    await drained;
    this.left = true;
  }
}
