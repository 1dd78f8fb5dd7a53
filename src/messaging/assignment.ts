/**
 * What is assigned to a consumer now, how far each partition was read and committed, and when its owner is told.
 * Rebalancing is eager: a generation ends with everything revoked, also what comes back with the next one, because
 * the log then reads it again from the committed offset.
 */
import type { LogBatch, LogConsumerHandlers, LogRecord, TopicPartition } from './log.ts';

type Progress = TopicPartition & {
  /** First offset that was read, then everything below it is dealt with. null until a record was read. */
  committed: bigint | null;
  pending: bigint | null;
  next: bigint | null;
  highWatermark: bigint | null;
  /** The last stretch that is nobody's record; everything before it may still be under way. */
  gap: { readonly from: bigint; readonly to: bigint } | null;
  /** Held in the generation before: the first batch may have been fetched in that one. */
  distrusted: boolean;
};

export type TakenBatch = 'handedOver' | 'ignored';

export class Assignment {
  readonly #handlers: LogConsumerHandlers;
  #generation = 0;
  #current = new Map<string, Progress>();
  #before: ReadonlySet<string> = new Set();
  #closed = false;

  constructor(handlers: LogConsumerHandlers) {
    this.#handlers = handlers;
  }

  get generation(): number {
    return this.#generation;
  }

  get closed(): boolean {
    return this.#closed;
  }

  has(partition: TopicPartition): boolean {
    return this.#current.has(keyOf(partition));
  }

  partitions(): readonly TopicPartition[] {
    return [...this.#current.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  assign(partitions: readonly TopicPartition[]): void {
    this.revoke();
    this.#generation++;
    this.#current = new Map(
      partitions.map(({ topic, partition }) => {
        const key = keyOf({ topic, partition });
        const distrusted = this.#before.has(key);
        return [key, { topic, partition, committed: null, pending: null, next: null, highWatermark: null, gap: null, distrusted }];
      }),
    );
    this.#handlers.onAssigned(this.partitions(), this.#generation);
  }

  revoke(): void {
    if (this.#current.size === 0) return;
    const partitions = this.partitions();
    this.#before = new Set(this.#current.keys());
    this.#current = new Map();
    this.#handlers.onRevoked(partitions, this.#generation);
  }

  /** A new session has fetched nothing yet, so nothing of an older one can come. */
  trust(): void {
    this.#before = new Set();
  }

  /** No further batch is handed over. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Hands a batch over. One that is ignored was not read: it is fetched again.
   * Throws when offsets go back within a generation (the topic was made anew): the session has to begin again.
   */
  take(partition: TopicPartition, records: readonly LogRecord[], highWatermark: bigint): TakenBatch {
    const progress = this.#current.get(keyOf(partition));
    const first = records[0];
    const last = records.at(-1);
    if (this.#closed || progress === undefined || first === undefined || last === undefined) return 'ignored';
    // With several brokers a fetch of the last generation may end in this one, and its offsets would skip records.
    if (progress.distrusted) {
      progress.distrusted = false;
      return 'ignored';
    }
    if (progress.next !== null && first.offset < progress.next) {
      throw new Error(`Offsets of ${partition.topic}/${partition.partition} went back from ${progress.next} to ${first.offset}`);
    }
    progress.next = last.offset + 1n;
    progress.highWatermark = highWatermark;
    progress.committed ??= first.offset;
    const batch: LogBatch = { ...partition, generation: this.#generation, records, highWatermark };
    this.#handlers.onBatch(batch);
    return 'handedOver';
  }

  /**
   * From `from` to before `to` is nobody's record: markers of transactions, or what was aborted.
   * @returns `to` when everything before it is dealt with, so that it can be committed; null when that is still to come.
   */
  skip(partition: TopicPartition, from: bigint, to: bigint, highWatermark: bigint): bigint | null {
    const progress = this.#current.get(keyOf(partition));
    // As in `take`: what was fetched in another generation may skip records of this one.
    if (this.#closed || progress === undefined || progress.distrusted) return null;
    progress.committed ??= from;
    const before = progress.next ?? from;
    progress.next = to;
    progress.highWatermark = highWatermark;
    if ((progress.pending ?? progress.committed) >= before) return to;
    progress.gap = { from: before, to };
    return null;
  }

  /** Notes an offset to be committed. @returns false when it is of another generation, or not ahead. */
  note(partition: TopicPartition, offset: bigint, generation: number): boolean {
    const progress = this.#current.get(keyOf(partition));
    if (generation !== this.#generation || progress === undefined) return false;
    // What is nobody's record needs no one to deal with it.
    const reached = offset === progress.gap?.from ? progress.gap.to : offset;
    if (reached <= (progress.pending ?? progress.committed ?? -1n)) return false;
    progress.pending = reached;
    return true;
  }

  /** Takes what is to be committed; it counts as committed from now on. */
  takePending(): (TopicPartition & { readonly offset: bigint })[] {
    const taken: (TopicPartition & { readonly offset: bigint })[] = [];
    for (const progress of this.#current.values()) {
      const { topic, partition, pending } = progress;
      if (pending === null) continue;
      taken.push({ topic, partition, offset: pending });
      progress.committed = pending;
      progress.pending = null;
    }
    return taken;
  }

  /** The commit of this partition failed. */
  forget(partition: TopicPartition, generation: number): void {
    const progress = this.#current.get(keyOf(partition));
    if (generation === this.#generation && progress !== undefined) progress.committed = -1n;
  }

  lag(): readonly (TopicPartition & { readonly lag: number })[] {
    return [...this.#current.values()].map(({ topic, partition, pending, committed, highWatermark }) => {
      const reached = pending ?? committed;
      return { topic, partition, lag: highWatermark === null || reached === null ? 0 : Number(highWatermark - reached) };
    });
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition}/${topic}`;
}
