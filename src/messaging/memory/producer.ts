/** Produces to the log in memory: appended at once, in the order of the calls, and acknowledged in a later microtask. */
import { MillraceError } from '../../core/error.ts';
import type { LogProducer, OutgoingRecord } from '../log.ts';
import { partitionOfKey } from '../partition.ts';
import type { MemoryCluster } from './cluster.ts';
import type { MemoryTopic } from './topic.ts';

export type MemoryProducerOptions = {
  /** Largest record where the topic does not say `max.message.bytes`. */
  readonly maxMessageBytes: number;
  /** ms since the epoch. */
  readonly now: () => number;
};

/** What a record takes in Kafka beyond its own bytes, at most. */
const OVERHEAD_BYTES = 80;

export class MemoryProducer implements LogProducer {
  readonly #cluster: MemoryCluster;
  readonly #options: MemoryProducerOptions;
  #unkeyed = 0;
  #isStopped = false;

  constructor(cluster: MemoryCluster, options: MemoryProducerOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#isStopped) throw new MillraceError('MR_PRODUCER_STOPPED', 'The producer was stopped before.', { retryable: true });
    // All are looked at before the first is appended: a call that is refused leaves nothing behind.
    const placed = records.map((record) => ({ record, topic: this.#topicFor(record) }));
    const timestamp = this.#options.now();
    for (const { record, topic } of placed) {
      const { value, headers = [] } = record;
      const key = typeof record.key === 'string' ? Buffer.from(record.key) : record.key;
      topic.append(this.#partitionFor(record, key, topic), { timestamp, key, value, headers });
    }
    this.#cluster.appended();
    await Promise.resolve();
  }

  async ready(): Promise<void> {
    // Whatever was sent is in the log already.
  }

  pending(): { readonly records: number; readonly bytes: number } {
    return { records: 0, bytes: 0 };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
  }

  #topicFor(record: OutgoingRecord): MemoryTopic {
    const topic = this.#cluster.topic(record.topic);
    if (topic === undefined) throw new MillraceError('MR_RECORD_REFUSED', `There is no topic ${record.topic}.`, { retryable: false });
    const bytesMax = Number(topic.config['max.message.bytes'] ?? this.#options.maxMessageBytes);
    if (sizeOf(record) > bytesMax)
      throw new MillraceError('MR_RECORD_TOO_LARGE', `The record is larger than the ${bytesMax} bytes that its topic takes.`, {
        retryable: false,
      });
    return topic;
  }

  #partitionFor({ partition }: OutgoingRecord, key: Buffer | null, topic: MemoryTopic): number {
    if (partition !== undefined) return partition;
    if (key !== null) return partitionOfKey(key, topic.partitions);
    return this.#unkeyed++ % topic.partitions;
  }
}

function sizeOf({ key, value, headers = [] }: OutgoingRecord): number {
  const ofHeaders = headers.reduce((sum, header) => sum + Buffer.byteLength(header.key) + header.value.length, 0);
  const ofKey = key === null ? 0 : Buffer.byteLength(key);
  return OVERHEAD_BYTES + ofKey + (value?.length ?? 0) + ofHeaders;
}
