/**
 * Reads the partitions of a consumer group in batches. The records that arrive in a partition while its last batch is under way
 * are the next batch. A large transaction costs hardly more than a small one, so batches go in rounds: those that are ready begin
 * together, so that the store can write them together, and under load they grow. A batch that fails is tried again as a whole, for ever, before anything else of its partition; the lag shows it. So
 * `process` must be safe to repeat, and must isolate records that can never be processed. This module knows nothing of the
 * records' meaning.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogBatch, LogConsumer, LogConsumerHandlers, LogRecord, TopicPartition } from '../../messaging/log.ts';
import { isRetryable, retryForever } from '../../service/backoff.ts';
import type { Logger } from '../../service/logging.ts';
import type { PartitionLag } from '../../service/metrics.ts';
import { PartitionBuffer, type PartitionBufferLimits, type Patience } from './partition-buffer.ts';

export type RecordBatch<Context> = TopicPartition & {
  /** By rising offset; at least one. */
  readonly records: readonly LogRecord[];
  /** Of the assignment in which the records came. */
  readonly context: Context;
};

export type PartitionConsumerLimits = PartitionBufferLimits & {
  /** Most batches of a round, which begins when none is under way; one that is being tried again, or takes long, does not count. */
  readonly batchesAtOnce: number;
  /** While a batch takes longer than this, another may run, so that one that hangs in the database does not delay other partitions. */
  readonly longMs: number;
  /** Most batches under way, slow ones included: each needs a connection to the database. */
  readonly longBatchesMax: number;
  /** Bytes of values that wait in all partitions together. */
  readonly allWaitingBytesMax: number;
};

export type ConsumedMetrics = { consumed(topic: string, records: number): void; crashed(group: string): void };

export type PartitionConsumerOptions<Context> = {
  readonly groupId: string;
  readonly openConsumer: (handlers: LogConsumerHandlers) => LogConsumer;
  /** State between batches, made anew at each assignment, so that nothing is carried over into the next. */
  readonly openContext: () => Context;
  /** Resolves when the batch is processed. Whatever it throws means that the whole batch comes again. */
  readonly process: (batch: RecordBatch<Context>) => Promise<void>;
  /** How far the partition's offset may go once everything below `reached` is dealt with. Default: so far. */
  readonly committable?: (context: Context, partition: number, reached: bigint) => bigint;
  /** What `process` has left under way; before the process leaves its group it is waited for, as long as batches are. */
  readonly settled?: () => Promise<unknown>;
  /** A partition in which only such records wait begins no batch for a while. Default: none waits. */
  readonly patience?: Patience;
  readonly limits?: Partial<PartitionConsumerLimits>;
  readonly log: Logger;
  readonly metrics: ConsumedMetrics;
};

const defaultLimits: PartitionConsumerLimits = {
  batchRecordsMax: 500,
  batchBytesMax: 4 * 1_048_576,
  batchesAtOnce: 1,
  longMs: 250,
  longBatchesMax: 4,
  waitingRecordsMax: 2_000,
  waitingBytesMax: 4 * 1_048_576,
  allWaitingBytesMax: 64 * 1_048_576,
};

export class PartitionConsumer<Context> {
  readonly groupId: string;
  readonly #options: PartitionConsumerOptions<Context>;
  readonly #limits: PartitionConsumerLimits;
  readonly #consumer: LogConsumer;
  readonly #buffers = new Map<string, PartitionBuffer<Context>>();
  /** Those with waiting records and no batch under way; the first one is next. */
  readonly #ready: PartitionBuffer<Context>[] = [];
  readonly #ending = new AbortController();
  /** Batches that have begun and not ended, also those that wait to be tried again. */
  #busy = 0;
  /** Of these, those that are being processed, and those that are not slow yet. */
  #processing = 0;
  #working = 0;
  #isRoundDue = false;
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
        log.error({ err: error, groupId, restartInMs }, 'The consumer crashed and is started again');
      },
    });
  }

  async start(): Promise<void> {
    await this.#consumer.start();
  }

  /** Whether the group is known to count this process as a member. */
  get isMember(): boolean {
    return this.#consumer.isMember();
  }

  assignment(): readonly TopicPartition[] {
    return this.#consumer.assignment();
  }

  /** Everything below is dealt with; null: nothing is yet, or another process has the partition. */
  reached({ topic, partition }: TopicPartition): bigint | null {
    return this.#buffers.get(keyOf(topic, partition))?.dealtWith ?? null;
  }

  /** `committable` admits more than it did. */
  commitAgain({ topic, partition }: TopicPartition): void {
    const buffer = this.#buffers.get(keyOf(topic, partition));
    if (buffer !== undefined) this.#commit(buffer);
  }

  lag(): readonly PartitionLag[] {
    return this.#consumer.lag().map((lag) => ({ group: this.groupId, ...lag }));
  }

  /** Starts no more batches, waits for those under way, commits and leaves the group. After `drainMs` it gives them up: they come again. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    await this.#consumer.stop(this.#drain(drainMs));
    this.#ending.abort(new Error('The process is about to end.'));
  }

  async #drain(drainMs: number): Promise<void> {
    const { settled } = this.#options;
    const endsAt = performance.now() + drainMs;
    if (this.#busy > 0) await this.#drainBatches(drainMs);
    if (settled === undefined) return;
    const over = new AbortController();
    const rest = sleep(Math.max(0, endsAt - performance.now()), undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([settled(), rest]);
    over.abort();
  }

  async #drainBatches(drainMs: number): Promise<void> {
    this.#idle = Promise.withResolvers();
    const timer = setTimeout(() => {
      this.#options.log.warn(
        { groupId: this.groupId, batches: this.#busy },
        'These batches did not end within the shutdown time; their records come again',
      );
      this.#ending.abort(new Error('The process is about to end.'));
      this.#idle?.resolve();
    }, drainMs);
    await this.#idle.promise;
    clearTimeout(timer);
  }

  #onAssigned(partitions: readonly TopicPartition[], generation: number): void {
    this.#dropBuffers();
    const context = this.#options.openContext();
    const limits = sharedBy(partitions.length, this.#limits);
    for (const each of partitions) {
      this.#buffers.set(keyOf(each.topic, each.partition), new PartitionBuffer(each, generation, context, limits, this.#options.patience));
    }
    const names = partitions.map(({ topic, partition }) => `${topic}/${partition}`);
    this.#options.log.info({ groupId: this.groupId, partitions: names, generation }, 'Assigned');
  }

  #dropBuffers(): void {
    for (const buffer of this.#buffers.values()) buffer.isHeld = false;
    this.#buffers.clear();
  }

  #onBatch({ topic, partition, generation, records }: LogBatch): void {
    const buffer = this.#buffers.get(keyOf(topic, partition));
    if (this.#stopping || buffer === undefined || buffer.generation !== generation) return;
    const added = buffer.add(records);
    this.#options.metrics.consumed(topic, added);
    if (!buffer.isPaused && buffer.isFull) {
      buffer.isPaused = true;
      this.#consumer.pause(buffer);
    }
    if (added > 0 && this.#makeReady(buffer)) this.#startRound();
  }

  /** Unless nothing waits, or all that waits does so with patience: then it is looked at again. @returns whether it is ready now. */
  #makeReady(buffer: PartitionBuffer<Context>): boolean {
    if (buffer.isBusy || buffer.isEmpty || !buffer.isHeld) return false;
    const { patienceMs } = buffer;
    if (patienceMs > 0) {
      this.#lookAgain(buffer, patienceMs);
      return false;
    }
    buffer.isBusy = true;
    this.#ready.push(buffer);
    return true;
  }

  #lookAgain(buffer: PartitionBuffer<Context>, inMs: number): void {
    if (buffer.isPutOff) return;
    buffer.isPutOff = true;
    setTimeout(() => {
      buffer.isPutOff = false;
      if (this.#makeReady(buffer)) this.#startRound();
    }, Math.ceil(inMs));
  }

  /** In the next turn of the event loop: what became ready in this one begins in one round. A round of one need not wait for others. */
  #startRound(): void {
    if (this.#isRoundDue) return;
    if (this.#limits.batchesAtOnce === 1) {
      this.#startBatches();
      return;
    }
    this.#isRoundDue = true;
    setImmediate(() => {
      this.#isRoundDue = false;
      if (this.#working === 0) this.#startBatches();
    });
  }

  #startBatches(): void {
    const { batchesAtOnce, longBatchesMax, batchRecordsMax } = this.#limits;
    const batchesMax = Math.max(batchesAtOnce, longBatchesMax);
    let records = 0;
    while (this.#working < batchesAtOnce && this.#processing < batchesMax && records < batchRecordsMax && !this.#stopping) {
      const buffer = this.#ready.shift();
      if (buffer === undefined) return;
      if (!buffer.isHeld) continue;
      records += buffer.waitingRecords;
      void this.#run(buffer);
    }
  }

  /** One batch, then the next partition's turn. */
  async #run(buffer: PartitionBuffer<Context>): Promise<void> {
    const { topic, partition, context } = buffer;
    const records = this.#takeBatch(buffer);
    this.#busy++;
    try {
      const isDone = await this.#process(buffer, { topic, partition, context, records });
      // After everything that the batch wrote: a crash in between brings it again, where it changes nothing.
      const last = records.at(-1);
      if (isDone && last !== undefined) buffer.dealtWith = last.offset + 1n;
      if (isDone) this.#commit(buffer);
    } finally {
      this.#busy--;
      buffer.isBusy = false;
      this.#makeReady(buffer);
      if (this.#busy === 0) this.#idle?.resolve();
      this.#startRound();
    }
  }

  #commit(buffer: PartitionBuffer<Context>): void {
    const { dealtWith, context, partition, generation, isHeld } = buffer;
    if (dealtWith === null || !isHeld) return;
    const { committable } = this.#options;
    const offset = committable === undefined ? dealtWith : committable(context, partition, dealtWith);
    this.#consumer.commit(buffer, offset, generation, dealtWith);
  }

  /** @returns false when the batch was given up: another process has the partition, or this one ends. */
  async #process(buffer: PartitionBuffer<Context>, batch: RecordBatch<Context>): Promise<boolean> {
    try {
      await this.#processOnce(batch);
      return true;
    } catch (error) {
      // A batch that waits to be tried again must not hold up the others.
      this.#startRound();
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
      this.#startRound();
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
      // An error that is not retryable is a bug or a wrong setup. The partition is blocked, and its lag shows it.
      if (!isRetryable(error)) log.error({ err: error, ...fields }, 'A batch cannot be processed');
      return buffer.isHeld;
    };
    let first: unknown = thrown;
    const retry = retryForever(goesOn, this.#ending.signal, log);
    try {
      await retry(`process records of ${topic}/${partition}`, async () => {
        // The first try was made without the retry policy, which costs time.
        const error = first;
        first = undefined;
        if (error !== undefined) throw error;
        await process(batch);
      });
      return true;
    } catch (error) {
      if (buffer.isHeld && !this.#ending.signal.aborted) throw error;
      log.info({ err: error, ...fields }, 'A batch is left to the process that has its partition now');
      return false;
    }
  }

  #takeBatch(buffer: PartitionBuffer<Context>): readonly LogRecord[] {
    const batch = buffer.takeBatch();
    if (buffer.isPaused && buffer.isHeld && buffer.isHalfEmpty) {
      buffer.isPaused = false;
      this.#consumer.resume(buffer);
    }
    return batch;
  }
}

/** However many partitions a process has, what it has fetched stays bounded. */
function sharedBy(partitions: number, limits: PartitionConsumerLimits): PartitionBufferLimits {
  const share = Math.floor(limits.allWaitingBytesMax / Math.max(1, partitions));
  return { ...limits, waitingBytesMax: Math.min(limits.waitingBytesMax, share) };
}

function keyOf(topic: string, partition: number): string {
  return `${partition}/${topic}`;
}
