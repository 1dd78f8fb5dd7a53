/**
 * Fetched records that wait for a free place in the pool, by partition. The partitions take turns, so that none has to wait for
 * another with many records. The consumer is told to pause a partition that is full, and to resume it when there is room. A
 * rebalance empties the buffer: records that had not begun come again, to the process that holds the partition then. While the
 * whole buffer is paused, it gives nothing out, and no partition is read.
 */
import type { LogBatch, LogRecord, TopicPartition } from '../messaging/log.ts';
import { OffsetTracker } from '../messaging/offset-tracker.ts';

export type RecordBufferLimits = {
  /** A partition with more waiting records is paused, until half of them are gone. */
  readonly waitingRecordsMax: number;
  /** The same in bytes of values. */
  readonly waitingBytesMax: number;
  /** Most records after one that is still under way: all of them come again when the process dies. */
  readonly uncommittedMax: number;
};

/** A partition in one assignment. */
export type PartitionBuffer = TopicPartition & {
  readonly generation: number;
  readonly tracker: OffsetTracker;
  readonly waiting: LogRecord[];
  /** Index of the first that waits: shifting a long array for each record would be quadratic. */
  head: number;
  bytes: number;
  paused: boolean;
  /** false once the partition was revoked: nothing of it is committed any more. */
  held: boolean;
  lastOffset: bigint;
  /** Where the log ended when it was first read in this assignment: what stands below may have come before. null: it was not read. */
  endAtFirst: bigint | null;
};

/** Where a record stands, in the assignment in which it was buffered. */
export type RecordPosition = { readonly partition: PartitionBuffer; readonly offset: bigint };

export type BufferedRecord = RecordPosition & { readonly record: LogRecord };

/** Whether it may have come before, to whoever had the partition then. null: where the log ended is not known. */
export function mayHaveComeBefore({ partition, offset }: RecordPosition): boolean | null {
  return partition.endAtFirst === null ? null : offset < partition.endAtFirst;
}

export type FlowControl = { pause(partition: TopicPartition): void; resume(partition: TopicPartition): void };

export class RecordBuffer {
  readonly #limits: RecordBufferLimits;
  readonly #flow: FlowControl;
  readonly #partitions = new Map<string, PartitionBuffer>();
  /** Partitions with waiting records, the next one in turn first. */
  readonly #ready: PartitionBuffer[] = [];
  #isPaused = false;

  constructor(limits: RecordBufferLimits, flow: FlowControl) {
    this.#limits = limits;
    this.#flow = flow;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Of all partitions, those of later assignments too. What waits here stays. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    for (const partition of this.#partitions.values()) {
      if (isPaused) this.#pause(partition);
      else this.#resumeIfRoom(partition);
    }
  }

  /** Rebalancing is eager, so all earlier partitions are revoked. */
  assign(partitions: readonly TopicPartition[], generation: number): void {
    this.clear();
    for (const { topic, partition } of partitions) {
      this.#partitions.set(`${topic}/${partition}`, {
        topic,
        partition,
        generation,
        tracker: new OffsetTracker(),
        waiting: [],
        head: 0,
        bytes: 0,
        paused: false,
        held: true,
        lastOffset: -1n,
        endAtFirst: null,
      });
    }
    if (this.#isPaused) for (const each of this.#partitions.values()) this.#pause(each);
  }

  clear(): void {
    for (const partition of this.#partitions.values()) partition.held = false;
    this.#partitions.clear();
    this.#ready.length = 0;
  }

  /** @returns how many records were new. Batches of an assignment that is over are left alone. */
  add(batch: LogBatch): number {
    const partition = this.#partitions.get(`${batch.topic}/${batch.partition}`);
    if (partition === undefined || partition.generation !== batch.generation) return 0;
    partition.endAtFirst ??= batch.highWatermark;
    const wasEmpty = partition.head === partition.waiting.length;
    let added = 0;
    for (const record of batch.records) {
      // A fetch that was repeated within one assignment brings records that are here already.
      if (record.offset <= partition.lastOffset) continue;
      partition.lastOffset = record.offset;
      partition.tracker.add(record.offset);
      partition.waiting.push(record);
      partition.bytes += record.value?.length ?? 0;
      added++;
    }
    if (wasEmpty && added > 0) this.#ready.push(partition);
    // While the buffer is paused, a consumer that gives more anyway is told again.
    if (this.#isPaused) this.#flow.pause(partition);
    else if (this.#isFull(partition)) this.#pause(partition);
    return added;
  }

  /** The next record in turn. */
  take(): BufferedRecord | undefined {
    if (this.#isPaused) return undefined;
    const partition = this.#ready.shift();
    const record = partition?.waiting[partition.head];
    if (partition === undefined || record === undefined) return undefined;
    partition.head++;
    partition.bytes -= record.value?.length ?? 0;
    if (partition.head === partition.waiting.length) {
      partition.waiting.length = 0;
      partition.head = 0;
    } else {
      if (partition.head > 1_024 && partition.head * 2 > partition.waiting.length) {
        partition.waiting.splice(0, partition.head);
        partition.head = 0;
      }
      this.#ready.push(partition);
    }
    this.#resumeIfRoom(partition);
    return { partition, offset: record.offset, record };
  }

  /** The record is done and may be committed. */
  done({ partition, offset }: RecordPosition): void {
    partition.tracker.done(offset);
    this.#resumeIfRoom(partition);
  }

  get waiting(): number {
    let count = 0;
    for (const partition of this.#partitions.values()) count += partition.waiting.length - partition.head;
    return count;
  }

  #isFull(partition: PartitionBuffer): boolean {
    const { waitingRecordsMax, waitingBytesMax, uncommittedMax } = this.#limits;
    return (
      partition.waiting.length - partition.head > waitingRecordsMax ||
      partition.bytes > waitingBytesMax ||
      partition.tracker.open > uncommittedMax
    );
  }

  #pause(partition: PartitionBuffer): void {
    if (partition.paused) return;
    partition.paused = true;
    this.#flow.pause(partition);
  }

  #resumeIfRoom(partition: PartitionBuffer): void {
    if (this.#isPaused || !partition.paused || !partition.held) return;
    const { waitingRecordsMax, waitingBytesMax, uncommittedMax } = this.#limits;
    if (
      partition.waiting.length - partition.head > waitingRecordsMax / 2 ||
      partition.bytes > waitingBytesMax / 2 ||
      partition.tracker.open > uncommittedMax / 2
    )
      return;
    partition.paused = false;
    this.#flow.resume(partition);
  }
}
