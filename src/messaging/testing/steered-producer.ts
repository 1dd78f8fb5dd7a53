/** The producer of the log in memory under a test's control: the test decides what is refused, and when the broker acknowledges. */
import type { LogProducer, OutgoingRecord } from '../log.ts';
import { MemoryCluster } from '../memory/cluster.ts';
import { MemoryProducer } from '../memory/producer.ts';

/** Acknowledges at once, unless `hold` is set. */
export class SteeredProducer implements LogProducer {
  readonly sent: OutgoingRecord[] = [];
  /** Calls of `send` that wait for `acknowledge`. */
  readonly held: PromiseWithResolvers<void>[] = [];
  calls = 0;
  hold = false;
  /** Gives the error that a record is refused with, or null. */
  refuse: (record: OutgoingRecord) => Error | null = () => null;
  readonly #producer: LogProducer;

  constructor(topics: readonly string[]) {
    const cluster = new MemoryCluster();
    for (const topic of topics) cluster.create({ topic, partitions: 1, replication: 1, config: {} });
    this.#producer = new MemoryProducer(cluster, { maxMessageBytes: 1_048_576, now: () => 0 });
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    this.calls++;
    for (const record of records) {
      const error = this.refuse(record);
      if (error !== null) throw error;
    }
    if (this.hold) {
      const waiting = Promise.withResolvers<void>();
      this.held.push(waiting);
      await waiting.promise;
    }
    await this.#producer.send(records);
    this.sent.push(...records);
  }

  acknowledge(): void {
    this.hold = false;
    for (const waiting of this.held.splice(0)) waiting.resolve();
  }

  ready(): Promise<void> {
    return this.#producer.ready();
  }

  pending(): { readonly records: number; readonly bytes: number } {
    return { records: this.held.length, bytes: 0 };
  }

  stop(): Promise<void> {
    return this.#producer.stop();
  }
}
