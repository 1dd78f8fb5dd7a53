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

export class PartitionBuffer<Context> implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  readonly context: Context;
  /** Whether fetching is paused. */
  isPaused = false;
  /** A batch of it is under way, or it is in the queue for one. */
  isBusy = false;
  /** false once the partition was revoked: its last batch may end, and nothing follows. */
  isHeld = true;
  /** Everything below is dealt with; null: nothing was yet. */
  dealtWith: bigint | null = null;
  readonly #limits: PartitionBufferLimits;
  #waiting: LogRecord[] = [];
  #bytes = 0;
  #lastOffset = -1n;

  constructor({ topic, partition }: TopicPartition, generation: number, context: Context, limits: PartitionBufferLimits) {
    this.topic = topic;
    this.partition = partition;
    this.generation = generation;
    this.context = context;
    this.#limits = limits;
  }

  /** @returns how many records were new: a fetch that was repeated within one assignment brings some that are here already. */
  add(records: readonly LogRecord[]): number {
    const before = this.#waiting.length;
    for (const record of records) {
      if (record.offset <= this.#lastOffset) continue;
      this.#lastOffset = record.offset;
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
    return batch;
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
