/**
 * Reads a group's partitions in batches: each partition takes what has gathered, deals with it as one and commits its
 * offset. Few do so at once and the others gather meanwhile, since a large transaction costs hardly more than a small one:
 * the busier it gets, the larger the batches. A batch that meets a fault is tried again whole, for ever, and nothing behind it
 * is taken: a partition moves on or visibly waits. So `process` must be safe to repeat and isolate what can never work.
 * Knows nothing of what the records mean.
 */
import type { LogBatch, LogConsumer, LogConsumerHandlers, LogRecord, TopicPartition } from '../messaging/log.ts';
import { isRetryable, retryForever } from '../service/backoff.ts';
import type { Logger } from '../service/logging.ts';
import type { PartitionLag } from '../service/metrics.ts';

export type RecordBatch<Context> = TopicPartition & {
  /** By rising offset; at least one. */
  readonly records: readonly LogRecord[];
  /** Of the assignment in which the records came. */
  readonly context: Context;
};

export type PartitionConsumerLimits = {
  /** Most records and bytes of values in a batch; a single record may be larger. */
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  /** Most batches under way; one that waits for a fault to pass, or takes long, does not count. */
  readonly batchesAtOnce: number;
  /** A batch that takes longer makes room for another: one that hangs in the database holds up nobody else. */
  readonly longMs: number;
  /** Most batches in the database however long they take: it has only so many connections. */
  readonly longBatchesMax: number;
  /** A partition with more waiting records, or bytes of values, is paused until half of them are gone. */
  readonly waitingRecordsMax: number;
  readonly waitingBytesMax: number;
};

export type ConsumedMetrics = { consumed(topic: string, records: number): void; crashed(group: string): void };

export type PartitionConsumerOptions<Context> = {
  readonly groupId: string;
  readonly openConsumer: (handlers: LogConsumerHandlers) => LogConsumer;
  /** What is kept over batches: made anew at each assignment, so that nothing outlives one. */
  readonly openContext: () => Context;
  /** Resolves when everything is dealt with. Whatever it throws means that all of it comes again. */
  readonly process: (batch: RecordBatch<Context>) => Promise<void>;
  readonly limits?: Partial<PartitionConsumerLimits>;
  readonly log: Logger;
  readonly metrics: ConsumedMetrics;
};

/** A partition in one assignment. */
type PartitionBuffer<Context> = TopicPartition & {
  readonly generation: number;
  readonly context: Context;
  waiting: LogRecord[];
  bytes: number;
  paused: boolean;
  /** A batch of it is under way, or it stands in the queue for one. */
  busy: boolean;
  /** false once the partition was revoked: its last batch may end, and nothing follows. */
  held: boolean;
  lastOffset: bigint;
};

const defaultLimits: PartitionConsumerLimits = {
  batchRecordsMax: 500,
  batchBytesMax: 4 * 1_048_576,
  // A second one would be decided while the database writes the first, but both would be half as large: measured, that costs
  // more than it gains (docs/benchmarks.md).
  batchesAtOnce: 1,
  longMs: 250,
  longBatchesMax: 4,
  waitingRecordsMax: 2_000,
  waitingBytesMax: 4 * 1_048_576,
};

export class PartitionConsumer<Context> {
  readonly groupId: string;
  readonly #options: PartitionConsumerOptions<Context>;
  readonly #limits: PartitionConsumerLimits;
  readonly #consumer: LogConsumer;
  readonly #buffers = new Map<string, PartitionBuffer<Context>>();
  /** With waiting records and no batch under way, the next one in turn first. */
  readonly #ready: PartitionBuffer<Context>[] = [];
  readonly #ending = new AbortController();
  /** Batches under way, and those of them that count. */
  #busy = 0;
  #working = 0;
  /** Batches that are being processed, long ones too. */
  #processing = 0;
  #stopping = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: PartitionConsumerOptions<Context>) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    const { groupId, log, metrics } = options;
    this.groupId = groupId;
    this.#consumer = options.openConsumer({
      onBatch: (batch) => this.#onBatch(batch),
      onAssigned: (partitions, generation) => this.#onAssigned(partitions, generation),
      onRevoked: () => this.#dropBuffers(),
      onCrash: (error, restartInMs) => {
        metrics.crashed(groupId);
        log.error({ err: error, groupId, restartInMs }, 'The consumer died and starts again');
      },
    });
  }

  async start(): Promise<void> {
    await this.#consumer.start();
  }

  /** Whether the group surely counts us. */
  get isMember(): boolean {
    return this.#consumer.isMember();
  }

  assignment(): readonly TopicPartition[] {
    return this.#consumer.assignment();
  }

  lag(): readonly PartitionLag[] {
    return this.#consumer.lag().map((lag) => ({ group: this.groupId, ...lag }));
  }

  /** Takes nothing more, waits for the batches under way, commits and leaves. After `drainMs` they are left behind: they come again. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    await this.#consumer.stop(this.#drain(drainMs));
    this.#ending.abort(new Error('The process is about to end.'));
  }

  async #drain(drainMs: number): Promise<void> {
    if (this.#busy === 0) return;
    this.#idle = Promise.withResolvers();
    const timer = setTimeout(() => {
      this.#options.log.warn({ groupId: this.groupId, batches: this.#busy }, 'The time to finish is over; these records come again');
      this.#ending.abort(new Error('The process is about to end.'));
      this.#idle?.resolve();
    }, drainMs);
    await this.#idle.promise;
    clearTimeout(timer);
  }

  #onAssigned(partitions: readonly TopicPartition[], generation: number): void {
    this.#dropBuffers();
    const context = this.#options.openContext();
    for (const { topic, partition } of partitions) {
      this.#buffers.set(keyOf(topic, partition), {
        ...{ topic, partition, generation, context, waiting: [], bytes: 0 },
        ...{ paused: false, busy: false, held: true, lastOffset: -1n },
      });
    }
    const names = partitions.map(({ topic, partition }) => `${topic}/${partition}`);
    this.#options.log.info({ groupId: this.groupId, partitions: names, generation }, 'Assigned');
  }

  #dropBuffers(): void {
    for (const buffer of this.#buffers.values()) buffer.held = false;
    this.#buffers.clear();
  }

  #onBatch({ topic, partition, generation, records }: LogBatch): void {
    const buffer = this.#buffers.get(keyOf(topic, partition));
    if (this.#stopping || buffer === undefined || buffer.generation !== generation) return;
    let added = 0;
    for (const record of records) {
      // A fetch that was repeated within one assignment brings records that are here already.
      if (record.offset <= buffer.lastOffset) continue;
      buffer.lastOffset = record.offset;
      buffer.waiting.push(record);
      buffer.bytes += record.value?.length ?? 0;
      added++;
    }
    this.#options.metrics.consumed(topic, added);
    if (!buffer.paused && (buffer.waiting.length > this.#limits.waitingRecordsMax || buffer.bytes > this.#limits.waitingBytesMax)) {
      buffer.paused = true;
      this.#consumer.pause(buffer);
    }
    if (buffer.busy || added === 0) return;
    buffer.busy = true;
    this.#ready.push(buffer);
    this.#startBatches();
  }

  #startBatches(): void {
    const { batchesAtOnce, longBatchesMax } = this.#limits;
    while (this.#working < batchesAtOnce && this.#processing < Math.max(batchesAtOnce, longBatchesMax) && !this.#stopping) {
      const buffer = this.#ready.shift();
      if (buffer === undefined) return;
      if (buffer.held) void this.#run(buffer);
    }
  }

  /** One batch, then the next partition's turn. */
  async #run(buffer: PartitionBuffer<Context>): Promise<void> {
    const { topic, partition, generation, context } = buffer;
    const records = this.#take(buffer);
    this.#busy++;
    try {
      const isDone = await this.#process(buffer, { topic, partition, context, records });
      // After everything that the batch wrote: a crash in between brings it again, where it changes nothing.
      const last = records.at(-1);
      if (isDone && buffer.held && last !== undefined) this.#consumer.commit(buffer, last.offset + 1n, generation);
    } finally {
      this.#busy--;
      buffer.busy = buffer.held && buffer.waiting.length > 0;
      if (buffer.busy) this.#ready.push(buffer);
      if (this.#busy === 0) this.#idle?.resolve();
      this.#startBatches();
    }
  }

  /** @returns false when the batch was left: the partition went to somebody else, or the process ends. */
  async #process(buffer: PartitionBuffer<Context>, batch: RecordBatch<Context>): Promise<boolean> {
    try {
      await this.#processOnce(batch);
      return true;
    } catch (error) {
      // What stands still must not hold up the others.
      this.#startBatches();
      return await this.#processAgain(buffer, batch, error);
    }
  }

  /** Counts as working until it has ended, or takes long. */
  async #processOnce(batch: RecordBatch<Context>): Promise<void> {
    this.#processing++;
    this.#working++;
    let counts = true;
    const timer = setTimeout(() => {
      counts = false;
      this.#working--;
      this.#startBatches();
    }, this.#limits.longMs);
    try {
      await this.#options.process(batch);
    } finally {
      clearTimeout(timer);
      if (counts) this.#working--;
      this.#processing--;
    }
  }

  async #processAgain(buffer: PartitionBuffer<Context>, batch: RecordBatch<Context>, thrown: unknown): Promise<boolean> {
    const { log, process } = this.#options;
    const { topic, partition, records } = batch;
    const fields = { topic, partition, from: String(records[0]?.offset), records: records.length };
    const goesOn = (error: unknown): boolean => {
      // What is no fault of the world outside is ours. It stands still with its partition, where a person sees it.
      if (!isRetryable(error)) log.error({ err: error, ...fields }, 'A batch cannot be processed');
      return buffer.held;
    };
    let first: unknown = thrown;
    const retry = retryForever(goesOn, this.#ending.signal, log);
    try {
      await retry(`process records of ${topic}/${partition}`, async () => {
        // The first try has been made, without the cost of this.
        const error = first;
        first = undefined;
        if (error !== undefined) throw error;
        await process(batch);
      });
      return true;
    } catch (error) {
      if (buffer.held && !this.#ending.signal.aborted) throw error;
      log.info({ err: error, ...fields }, 'A batch is left to whoever has its partition now');
      return false;
    }
  }

  #take(buffer: PartitionBuffer<Context>): readonly LogRecord[] {
    const { batchRecordsMax, batchBytesMax } = this.#limits;
    let bytes = 0;
    let count = 0;
    for (const { value } of buffer.waiting) {
      const size = value?.length ?? 0;
      if (count === batchRecordsMax || (count > 0 && bytes + size > batchBytesMax)) break;
      bytes += size;
      count++;
    }
    const taken = count === buffer.waiting.length ? buffer.waiting : buffer.waiting.slice(0, count);
    buffer.waiting = count === buffer.waiting.length ? [] : buffer.waiting.slice(count);
    buffer.bytes -= bytes;
    if (buffer.paused && buffer.held && this.#isHalfEmpty(buffer)) {
      buffer.paused = false;
      this.#consumer.resume(buffer);
    }
    return taken;
  }

  #isHalfEmpty({ waiting, bytes }: PartitionBuffer<Context>): boolean {
    return waiting.length <= this.#limits.waitingRecordsMax / 2 && bytes <= this.#limits.waitingBytesMax / 2;
  }
}

function keyOf(topic: string, partition: number): string {
  return `${partition}/${topic}`;
}
