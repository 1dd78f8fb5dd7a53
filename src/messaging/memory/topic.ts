/**
 * A topic in memory: partitions of records by rising offset. The newest records of a partition are always kept; older
 * ones are removed once every group has read them, so that an engine that runs for days does not keep everything it ever sent.
 */
import type { LogRecord, TopicSpec } from '../log.ts';

/** Newest records that a partition keeps even when every group has read them: for readers that look back. */
const KEPT_RECORDS = 10_000;

type Partition = { records: LogRecord[]; first: bigint };

export class MemoryTopic {
  readonly name: string;
  config: Readonly<Record<string, string>>;
  readonly #partitions: readonly Partition[];

  constructor({ topic, partitions, config }: TopicSpec) {
    this.name = topic;
    this.config = config;
    this.#partitions = Array.from({ length: partitions }, () => ({ records: [], first: 0n }));
  }

  get partitions(): number {
    return this.#partitions.length;
  }

  end(partition: number): bigint {
    const { first, records } = this.#partition(partition);
    return first + BigInt(records.length);
  }

  append(partition: number, record: Omit<LogRecord, 'topic' | 'partition' | 'offset'>): void {
    const offset = this.end(partition);
    this.#partition(partition).records.push({ ...record, topic: this.name, partition, offset });
  }

  /** Records from an offset on: at least one if there is any, else as many as fit into the bytes. */
  read(partition: number, from: bigint, bytesMax: number): readonly LogRecord[] {
    const { first, records } = this.#partition(partition);
    const start = from < first ? 0 : Number(from - first);
    let end = start;
    for (let bytes = 0; end < records.length; end++) {
      const record = records[end];
      bytes += (record?.value?.length ?? 0) + (record?.key?.length ?? 0);
      if (bytes > bytesMax && end > start) break;
    }
    return records.slice(start, end);
  }

  /** Offset of the first record that is not older; the end when there is none. */
  offsetAt(partition: number, timestampMs: number): bigint {
    const found = this.#partition(partition).records.find(({ timestamp }) => timestamp >= timestampMs);
    return found?.offset ?? this.end(partition);
  }

  /** @param needed offset that somebody still has to read from; null when nobody reads the topic. */
  forget(partition: number, needed: bigint | null): void {
    const kept = this.#partition(partition);
    const surplus = kept.records.length - KEPT_RECORDS;
    const read = needed === null ? surplus : Number(needed - kept.first);
    const count = Math.min(surplus, read);
    // In large pieces: taking from the front moves all the others.
    if (count < KEPT_RECORDS / 10) return;
    kept.records = kept.records.slice(count);
    kept.first += BigInt(count);
  }

  #partition(partition: number): Partition {
    const found = this.#partitions[partition];
    if (found === undefined) throw new RangeError(`Topic ${this.name} has no partition ${partition}`);
    return found;
  }
}
