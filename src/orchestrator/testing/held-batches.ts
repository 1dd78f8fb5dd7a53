/** A partition consumer whose batches end only when the test says so. */
import { onTestFinished, vi } from 'vitest';
import type { LogRecord } from '../../messaging/log.ts';
import { HandMovedConsumer } from '../../messaging/testing/hand-moved-consumer.ts';
import { PartitionConsumer, type PartitionConsumerLimits, type RecordBatch } from '../consumer/partition-consumer.ts';
import { silent } from './fixture.ts';

type Context = { readonly number: number };

export class Held {
  readonly batches: { readonly batch: RecordBatch<Context>; readonly done: PromiseWithResolvers<void> }[] = [];
  readonly contexts: Context[] = [];
  readonly crashes: string[] = [];
  readonly consumer: HandMovedConsumer;
  readonly partitionConsumer: PartitionConsumer<Context>;

  /** @param patienceMs how long records with a header wait. */
  constructor(limits: Partial<PartitionConsumerLimits> = {}, patienceMs?: number) {
    let consumer: HandMovedConsumer | undefined;
    this.partitionConsumer = new PartitionConsumer({
      groupId: 'group',
      openConsumer: (handlers) => {
        consumer = new HandMovedConsumer(handlers, 'topic');
        return consumer;
      },
      openContext: () => {
        const context = { number: this.contexts.length + 1 };
        this.contexts.push(context);
        return context;
      },
      process: (batch) => {
        const done = Promise.withResolvers<void>();
        this.batches.push({ batch, done });
        return done.promise;
      },
      ...(patienceMs === undefined ? {} : { patience: { ms: patienceMs, mayWait: ({ headers }) => headers.length > 0 } }),
      limits,
      log: silent,
      metrics: { consumed: () => undefined, crashed: (group) => void this.crashes.push(group) },
    });
    if (consumer === undefined) throw new Error('the partition consumer opened no consumer');
    this.consumer = consumer;
  }

  give(partition: number, from: number, count: number, bytes = 1, headers: LogRecord['headers'] = []): void {
    const records = Array.from({ length: count }, (_, index) => ({ offset: BigInt(from + index), value: Buffer.alloc(bytes), headers }));
    this.consumer.give(partition, records);
  }

  givePatient(partition: number, from: number, count = 1): void {
    this.give(partition, from, count, 1, [{ key: 'patient', value: Buffer.alloc(0) }]);
  }

  /** Offsets of each batch so far, by partition. */
  get given(): readonly (readonly [number, readonly number[]])[] {
    return this.batches.map(({ batch }) => [batch.partition, batch.records.map(({ offset }) => Number(offset))]);
  }

  /** The batch is dealt with, and what follows has begun. */
  async finish(index: number): Promise<void> {
    this.batches[index]?.done.resolve();
    await this.settle();
  }

  async fail(index: number, error: Error): Promise<void> {
    this.batches[index]?.done.reject(error);
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async batch(index: number): Promise<void> {
    while (this.batches.length <= index) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Time passes only when the test says so; what is due at once runs as ever. */
export function stoppedClock(): { pass(ms: number): void } {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  return { pass: (ms) => void vi.advanceTimersByTime(ms) };
}
