/**
 * Records that were fetched and wait for a free place, by partition. Gives them out in turns, so that a full partition
 * cannot starve the others; tells the consumer to pause a partition that is full and to resume it when there is room.
 * A rebalance empties it: what had not begun comes again, to whoever holds the partition then.
 */
import type { LogBatch, LogRecord, TopicPartition } from '../messaging/log.ts';
import { OffsetTracker } from '../messaging/offset-tracker.ts';

export type IntakeLimits = {
  /** A partition with more waiting records is paused, until half of them are gone. */
  readonly waitingRecordsMax: number;
  /** The same in bytes of values. */
  readonly waitingBytesMax: number;
  /** Most records behind one that is still under way: all of them come again when the process dies. */
  readonly uncommittedMax: number;
};

/** A partition in one assignment. */
export type Slot = TopicPartition & {
  readonly generation: number;
  readonly tracker: OffsetTracker;
  readonly waiting: LogRecord[];
  /** Index of the first that waits: shifting a long list for each record would be quadratic. */
  head: number;
  bytes: number;
  paused: boolean;
  /** false once the partition was revoked: nothing of it is committed any more. */
  held: boolean;
  lastOffset: bigint;
};

/** Where a record stands, in the assignment in which it was taken. */
export type Place = { readonly slot: Slot; readonly offset: bigint };

export type Taken = Place & { readonly record: LogRecord };

export type PartitionGate = { pause(partition: TopicPartition): void; resume(partition: TopicPartition): void };

export class Intake {
  readonly #limits: IntakeLimits;
  readonly #gate: PartitionGate;
  readonly #slots = new Map<string, Slot>();
  /** Slots with waiting records, the next one in turn first. */
  readonly #turns: Slot[] = [];

  constructor(limits: IntakeLimits, gate: PartitionGate) {
    this.#limits = limits;
    this.#gate = gate;
  }

  /** Everything before is gone: rebalancing is eager. */
  assign(partitions: readonly TopicPartition[], generation: number): void {
    this.clear();
    for (const { topic, partition } of partitions) {
      this.#slots.set(`${topic}/${partition}`, {
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
      });
    }
  }

  clear(): void {
    for (const slot of this.#slots.values()) slot.held = false;
    this.#slots.clear();
    this.#turns.length = 0;
  }

  /** @returns how many records were new. Batches of an assignment that is over are left alone. */
  add(batch: LogBatch): number {
    const slot = this.#slots.get(`${batch.topic}/${batch.partition}`);
    if (slot === undefined || slot.generation !== batch.generation) return 0;
    const wasEmpty = slot.head === slot.waiting.length;
    let added = 0;
    for (const record of batch.records) {
      // A fetch that was repeated within one assignment brings records that are here already.
      if (record.offset <= slot.lastOffset) continue;
      slot.lastOffset = record.offset;
      slot.tracker.add(record.offset);
      slot.waiting.push(record);
      slot.bytes += record.value?.length ?? 0;
      added++;
    }
    if (wasEmpty && added > 0) this.#turns.push(slot);
    if (!slot.paused && this.#isFull(slot)) {
      slot.paused = true;
      this.#gate.pause(slot);
    }
    return added;
  }

  /** The next record in turn. */
  take(): Taken | undefined {
    const slot = this.#turns.shift();
    const record = slot?.waiting[slot.head];
    if (slot === undefined || record === undefined) return undefined;
    slot.head++;
    slot.bytes -= record.value?.length ?? 0;
    if (slot.head === slot.waiting.length) {
      slot.waiting.length = 0;
      slot.head = 0;
    } else {
      if (slot.head > 1_024 && slot.head * 2 > slot.waiting.length) {
        slot.waiting.splice(0, slot.head);
        slot.head = 0;
      }
      this.#turns.push(slot);
    }
    this.#resumeIfRoom(slot);
    return { slot, offset: record.offset, record };
  }

  /** A record is dealt with for good. */
  done({ slot, offset }: Place): void {
    slot.tracker.done(offset);
    this.#resumeIfRoom(slot);
  }

  get waiting(): number {
    let count = 0;
    for (const slot of this.#slots.values()) count += slot.waiting.length - slot.head;
    return count;
  }

  #isFull(slot: Slot): boolean {
    const { waitingRecordsMax, waitingBytesMax, uncommittedMax } = this.#limits;
    return slot.waiting.length - slot.head > waitingRecordsMax || slot.bytes > waitingBytesMax || slot.tracker.open > uncommittedMax;
  }

  #resumeIfRoom(slot: Slot): void {
    if (!slot.paused || !slot.held) return;
    const { waitingRecordsMax, waitingBytesMax, uncommittedMax } = this.#limits;
    if (
      slot.waiting.length - slot.head > waitingRecordsMax / 2 ||
      slot.bytes > waitingBytesMax / 2 ||
      slot.tracker.open > uncommittedMax / 2
    )
      return;
    slot.paused = false;
    this.#gate.resume(slot);
  }
}
