/**
 * The present assignment of a consumer, how far each partition was read and committed, and when its owner is notified. Rebalancing
 * is eager: a generation ends with all partitions revoked, also those that come back with the next one, because the log then reads
 * them again from the committed offset.
 */
import type { LogBatch, LogConsumerHandlers, LogRecord, TopicPartition } from './log.ts';

type Progress = TopicPartition & {
  /** Everything below this offset is done. At first the first offset that was read; null until then. */
  committed: bigint | null;
  pending: bigint | null;
  next: bigint | null;
  /** Everything below is dealt with, also where it is not committed. */
  dealtWith: bigint | null;
  highWatermark: bigint | null;
  /** Kept beside the committed offset: as the owner wants it, and as it was last taken to be committed. */
  note: string;
  takenNote: string;
  /** The last range of offsets without records; records before it may still be under way. */
  gap: { readonly from: bigint; readonly to: bigint } | null;
  /** Assigned in the generation before too, so the first batch may have been fetched in that one. */
  distrusted: boolean;
};

/** With the note that is kept beside it. */
export type OffsetToCommit = TopicPartition & { readonly offset: bigint; readonly note: string };

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
        const position = {
          committed: null,
          pending: null,
          next: null,
          dealtWith: null,
          highWatermark: null,
          gap: null,
          note: '',
          takenNote: '',
        };
        return [key, { topic, partition, ...position, distrusted }];
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

  /** A new session has fetched nothing yet, so no batch of an older one can arrive. */
  trust(): void {
    this.#before = new Set();
  }

  /** No further batch is handed over. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Hands a batch over. An ignored one counts as unread and is fetched again. Throws when offsets go back within a generation (the
   * topic was created again): the session must be restarted.
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
   * The offsets from `from` to before `to` hold no records for consumers: markers of transactions, or aborted records.
   * @returns `to` when everything before it is dealt with, so that it can be committed; null when that is still to come.
   */
  skip(partition: TopicPartition, from: bigint, to: bigint, highWatermark: bigint): bigint | null {
    const progress = this.#current.get(keyOf(partition));
    // As in `take`: a fetch of another generation may skip records of this one.
    if (this.#closed || progress === undefined || progress.distrusted) return null;
    progress.committed ??= from;
    const before = progress.next ?? from;
    progress.next = to;
    progress.highWatermark = highWatermark;
    if ((progress.pending ?? progress.committed) >= before) return to;
    progress.gap = { from: before, to };
    return null;
  }

  /** Notes an offset to be committed, and how far everything is dealt with. @returns false when it is of another generation, or not higher than before. */
  note(partition: TopicPartition, offset: bigint, generation: number, dealtWith = offset): boolean {
    const progress = this.#current.get(keyOf(partition));
    if (generation !== this.#generation || progress === undefined) return false;
    // A range without records counts as done.
    const past = (at: bigint): bigint => (at === progress.gap?.from ? progress.gap.to : at);
    const reached = past(offset);
    if (dealtWith > (progress.dealtWith ?? -1n)) progress.dealtWith = past(dealtWith);
    if (reached <= (progress.pending ?? progress.committed ?? -1n)) return false;
    progress.pending = reached;
    return true;
  }

  /** @returns false when it is of another generation, or stands there already. */
  annotate(partition: TopicPartition, note: string, generation: number): boolean {
    const progress = this.#current.get(keyOf(partition));
    if (generation !== this.#generation || progress === undefined) return false;
    progress.note = note;
    return progress.note !== progress.takenNote;
  }

  /** This process lives and gives its partitions up: what it noted for the case of its death goes with its last commit. */
  dropNotes(): void {
    for (const progress of this.#current.values()) progress.note = '';
  }

  /** Takes the offsets to be committed, which count as committed from now on. */
  takePending(): OffsetToCommit[] {
    const taken: OffsetToCommit[] = [];
    for (const progress of this.#current.values()) {
      const { topic, partition, pending, committed, note, takenNote } = progress;
      const offset = pending ?? (note === takenNote ? null : committed);
      if (offset === null) continue;
      taken.push({ topic, partition, offset, note });
      progress.committed = offset;
      progress.pending = null;
      progress.takenNote = note;
    }
    return taken;
  }

  /** The commit of this partition failed. */
  forget(partition: TopicPartition, generation: number): void {
    const progress = this.#current.get(keyOf(partition));
    if (generation !== this.#generation || progress === undefined) return;
    progress.committed = -1n;
    progress.takenNote = '';
  }

  lag(): readonly (TopicPartition & { readonly lag: number })[] {
    return [...this.#current.values()].map(({ topic, partition, pending, committed, dealtWith, highWatermark }) => {
      const noted = pending ?? committed;
      const reached = dealtWith !== null && (noted === null || dealtWith > noted) ? dealtWith : noted;
      return { topic, partition, lag: highWatermark === null || reached === null ? 0 : Number(highWatermark - reached) };
    });
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition}/${topic}`;
}
