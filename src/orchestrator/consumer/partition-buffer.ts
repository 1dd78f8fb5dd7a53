/** Fetched records of one partition in one assignment that are not in a batch yet. */
import type { LogRecord, TopicPartition } from '../../messaging/log.ts';

export type PartitionBufferLimits = {
  /** Most records and bytes of values in a batch; a single record may be larger. */
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  /** A partition with more waiting records, or bytes of values, is paused until half of them are gone. */
  readonly waitingRecordsMax: number;
  readonly waitingBytesMax: number;
};

/** Records that may wait a little for what is about to follow them, so that all of it is one batch. */
export type Patience = { readonly ms: number; readonly mayWait: (record: LogRecord) => boolean };

export class PartitionBuffer<Context> implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  readonly context: Context;
  /** Whether fetching is paused. */
  isPaused = false;
  /** A batch of it is under way, or it is in the queue for one. */
  isBusy = false;
  /** A timer looks whether what waits has waited long enough. */
  isPutOff = false;
  /** false once the partition was revoked: its last batch may end, and nothing follows. */
  isHeld = true;
  /** Everything below is dealt with; null: nothing was yet. */
  dealtWith: bigint | null = null;
  readonly #limits: PartitionBufferLimits;
  readonly #patience: Patience | undefined;
  /** Until when all that wait may wait, by the monotonic clock; 0: something does not. */
  #patientUntil = 0;
  #waiting: LogRecord[] = [];
  #bytes = 0;
  #lastOffset = -1n;

  constructor(
    { topic, partition }: TopicPartition,
    generation: number,
    context: Context,
    limits: PartitionBufferLimits,
    patience?: Patience,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.generation = generation;
    this.context = context;
    this.#limits = limits;
    this.#patience = patience;
  }

  /** @returns how many records were new: a fetch that was repeated within one assignment brings some that are here already. */
  add(records: readonly LogRecord[]): number {
    const before = this.#waiting.length;
    for (const record of records) {
      if (record.offset <= this.#lastOffset) continue;
      this.#lastOffset = record.offset;
      this.#notePatience(record);
      this.#waiting.push(record);
      this.#bytes += record.value?.length ?? 0;
    }
    return this.#waiting.length - before;
  }

  /** Removes the records of the next batch, by rising offset. */
  takeBatch(): readonly LogRecord[] {
    const { batchRecordsMax, batchBytesMax } = this.#limits;
    let bytes = 0;
    let count = 0;
    for (const { value } of this.#waiting) {
      const size = value?.length ?? 0;
      if (count === batchRecordsMax || (count > 0 && bytes + size > batchBytesMax)) break;
      bytes += size;
      count++;
    }
    const batch = count === this.#waiting.length ? this.#waiting : this.#waiting.slice(0, count);
    this.#waiting = count === this.#waiting.length ? [] : this.#waiting.slice(count);
    this.#bytes -= bytes;
    // What did not fit has waited.
    this.#patientUntil = 0;
    return batch;
  }

  /** How long the next batch may be put off, in ms; 0: not at all. */
  get patienceMs(): number {
    return this.isFull ? 0 : Math.max(0, this.#patientUntil - performance.now());
  }

  #notePatience(record: LogRecord): void {
    if (this.#patience?.mayWait(record) !== true) this.#patientUntil = 0;
    else if (this.#waiting.length === 0) this.#patientUntil = performance.now() + this.#patience.ms;
  }

  get waitingRecords(): number {
    return this.#waiting.length;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get isFull(): boolean {
    return this.#waiting.length > this.#limits.waitingRecordsMax || this.#bytes > this.#limits.waitingBytesMax;
  }

  get isHalfEmpty(): boolean {
    return this.#waiting.length <= this.#limits.waitingRecordsMax / 2 && this.#bytes <= this.#limits.waitingBytesMax / 2;
  }
}
