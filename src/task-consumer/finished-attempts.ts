/**
 * The attempts that a worker has run last, with their outcomes, in as many bytes as it says. Values lie in blocks of their own, oldest
 * block first to go: kept as they were made they would hold the pools that they were cut from, several times their size.
 */
import type { OutgoingRecord } from '../messaging/log.ts';

const BLOCKS = 8;
/** About what an entry takes beside its value: its key, the record's key, two objects and its place in the map. */
const ENTRY_BYTES = 400;

export type FinishedAt = { readonly topic: string; readonly partition: number; readonly offset: bigint };

export type Finished = {
  /** Where its record stands; null: it was run without one. */
  readonly at: FinishedAt | null;
  /** Sent again it goes on with nothing: what it went on with, it has behind it. */
  readonly outcome: OutgoingRecord;
};

type Block = { readonly values: Buffer; used: number; charged: number };
type Entry = Omit<OutgoingRecord, 'value' | 'partition' | 'headers'> & {
  readonly partition: number | undefined;
  readonly headers: OutgoingRecord['headers'] | undefined;
  readonly at: FinishedAt | null;
  readonly block: Block;
  readonly from: number;
  readonly to: number;
};

export class FinishedAttempts {
  readonly #bytesOfBlock: number;
  readonly #valueBytesMax: number;
  /** The oldest first, as the blocks are. */
  readonly #entries = new Map<string, Entry>();
  readonly #blocks: Block[] = [];

  /**
   * @param bytesMax of all that is kept, about; seven eighths of it at least are used.
   * @param valueBytesMax an outcome with a larger value is not kept.
   */
  constructor(bytesMax: number, valueBytesMax: number) {
    this.#bytesOfBlock = Math.max(Math.floor(bytesMax / BLOCKS), valueBytesMax + ENTRY_BYTES);
    this.#valueBytesMax = valueBytesMax;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): Finished | undefined {
    const found = this.#entries.get(key);
    if (found === undefined) return undefined;
    const { topic, partition, key: recordKey, headers, at, block, from, to } = found;
    // The block is written over while the record may still be on its way.
    const value = Buffer.from(block.values.subarray(from, to));
    const where = partition === undefined ? { topic } : { topic, partition };
    return { at, outcome: { ...where, key: recordKey, value, ...(headers === undefined ? {} : { headers }) } };
  }

  set(key: string, at: FinishedAt | null, outcome: OutgoingRecord): void {
    const { topic, partition, key: recordKey, value, headers } = outcome;
    if (value === null || value.length > this.#valueBytesMax) return;
    const block = this.#blockFor(value.length + ENTRY_BYTES);
    const from = block.used;
    block.used += value.copy(block.values, from);
    block.charged += value.length + ENTRY_BYTES;
    this.#entries.delete(key);
    this.#entries.set(flat(key), { topic, partition, key: recordKey, headers, at, block, from, to: block.used });
  }

  #blockFor(bytes: number): Block {
    const newest = this.#blocks.at(-1);
    if (newest !== undefined && newest.charged + bytes <= this.#bytesOfBlock) return newest;
    const oldest = this.#blocks.length < BLOCKS ? undefined : this.#blocks.shift();
    for (const [key, { block }] of this.#entries) {
      if (block !== oldest) break;
      this.#entries.delete(key);
    }
    // Memory of the oldest is used again: to be given back, it would have to be found by a collection of garbage.
    const opened = { values: oldest?.values ?? Buffer.allocUnsafeSlow(this.#bytesOfBlock), used: 0, charged: 0 };
    this.#blocks.push(opened);
    return opened;
  }
}

/** A string that was put together holds all its parts. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}
