/** The log port in memory, moved by hand: a test decides when records come, when the broker acknowledges, and when a group rebalances. */
import { type Codec, createCodec } from '../codec.ts';
import type { LogBatch, LogConsumer, LogConsumerHandlers, LogProducer, LogRecord, OutgoingRecord, TopicPartition } from '../log.ts';
import { MemoryRegistry } from '../memory/registry.ts';

/** A codec that is prepared for what a worker reads and writes. */
export async function memoryCodec(registry: MemoryRegistry = new MemoryRegistry()): Promise<Codec> {
  const records = [
    { topic: 'tasks', record: 'TaskScheduled' },
    { topic: 'notifications', record: 'TaskOutcome' },
    { topic: 'dead-letters', record: 'DeadLetter' },
  ] as const;
  const ids = records.map(({ topic, record }) => registry.addRecord(topic, record));
  const codec = createCodec({ registry });
  await codec.prepare(records);
  // The first record of a schema asks the registry; tests want to see the path of all the others.
  for (const id of ids) await codec.decodeForeign(Buffer.from([0, 0, 0, 0, id]));
  return codec;
}

export class FakeConsumer implements LogConsumer {
  readonly handlers: LogConsumerHandlers;
  readonly paused = new Set<number>();
  /** By partition, of the present assignment. */
  readonly committed = new Map<number, bigint>();
  generation = 0;
  held: readonly TopicPartition[] = [];
  left = false;

  readonly #topic: string;

  /** @param topic the only one that it reads. */
  constructor(handlers: LogConsumerHandlers, topic = 'tasks') {
    this.handlers = handlers;
    this.#topic = topic;
  }

  /** As each rebalance goes: everything is revoked, then assigned anew. */
  assign(...partitions: readonly number[]): void {
    if (this.held.length > 0) this.revoke();
    this.assignOnly(...partitions);
  }

  revoke(): void {
    const revoked = this.held;
    this.held = [];
    this.handlers.onRevoked(revoked, this.generation);
  }

  /** Without the revoke that a consumer owes. */
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

/** Acknowledges at once, unless it is told to hold. */
export class FakeProducer implements LogProducer {
  readonly sent: OutgoingRecord[] = [];
  /** Calls of `send` that wait for `acknowledge`. */
  readonly held: PromiseWithResolvers<void>[] = [];
  calls = 0;
  hold = false;
  /** Gives the error that a record is refused with, or null. */
  refuse: (record: OutgoingRecord) => Error | null = () => null;

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    this.calls++;
    for (const record of records) {
      const error = this.refuse(record);
      if (error !== null) throw error;
    }
    if (this.hold) {
      const waiting = Promise.withResolvers<void>();
      this.held.push(waiting);
      await waiting.promise;
    }
    this.sent.push(...records);
  }

  acknowledge(): void {
    this.hold = false;
    for (const waiting of this.held.splice(0)) waiting.resolve();
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }
  pending(): { readonly records: number; readonly bytes: number } {
    return { records: this.held.length, bytes: 0 };
  }
  stop(): Promise<void> {
    return Promise.resolve();
  }
}
