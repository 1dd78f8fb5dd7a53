import { describe, expect, it } from 'vitest';
import type { Log, LogConsumerOptions } from '../messaging/log.ts';
import { FakeConsumer, FakeProducer } from '../messaging/testing/fake-log.ts';
import { createInstanceWatch } from './instance-watch.ts';
import { createLifecycleReader } from './lifecycle.ts';

const LONG_MS = 600_000;

function open() {
  const watch = createInstanceWatch();
  let options: LogConsumerOptions | null = null;
  let consumer: FakeConsumer | null = null;
  const log: Log = {
    consumer: (given) => {
      options = given;
      consumer = new FakeConsumer(given.handlers, given.topics[0]);
      return consumer;
    },
    producer: () => new FakeProducer(),
    admin: () => {
      throw new Error('the reader asks no admin');
    },
  };
  createLifecycleReader({ log, topic: 'lifecycle', groupId: 'g', watch });
  if (options === null || consumer === null) throw new Error('the reader opened no consumer');
  return { watch, options: options as LogConsumerOptions, consumer: consumer as FakeConsumer };
}

describe('The reader of the lifecycle topic', () => {
  it('wakes who waits for the instance that is the key, whatever the value', async () => {
    const { watch, consumer } = open();
    consumer.assign(0);
    const waiting = watch.next('a', LONG_MS, new AbortController().signal);
    const other = watch.next('b', LONG_MS, new AbortController().signal);
    consumer.give(0, [{ offset: 1n }, { offset: 2n, key: Buffer.from('a'), value: Buffer.from('no frame') }]);
    await waiting;
    expect(watch.waiting).toBe(1);
    watch.changed('b');
    await other;
  });

  it('begins at the end and commits nothing: what was missed was waited for by nobody', () => {
    const { options, consumer } = open();
    consumer.assign(0);
    consumer.give(0, [{ offset: 7n, key: Buffer.from('a') }]);
    expect(options).toMatchObject({ from: 'latest', topics: ['lifecycle'], groupId: 'g' });
    expect(consumer.committed.size).toBe(0);
  });
});
