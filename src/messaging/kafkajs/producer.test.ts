import type { Kafka, ProducerBatch, ProducerConfig } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../test/support/eventually.ts';
import { partitionOf } from '../partition.ts';
import { choosePartition, createProducer, GatheringProducer } from './producer.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A broker whose answers the test gives; `sent` holds the values of each request. */
function fakeBroker(answer: (values: readonly string[]) => Promise<void> = async () => undefined) {
  const sent: string[][] = [];
  const producer = {
    connect: async () => undefined,
    disconnect: async () => undefined,
    sendBatch: async ({ topicMessages }: ProducerBatch) => {
      const values = (topicMessages ?? []).flatMap(({ messages }) => messages.map(({ value }) => String(value)));
      sent.push(values);
      await answer(values);
      return [];
    },
  };
  return { producer, sent };
}

const record = (value: string) => ({ topic: 'topic', key: 'key', value: Buffer.from(value) });
const options = { maxMessageBytes: 10_000 };

describe('GatheringProducer', () => {
  test('gathers what arrives while a request is under way, in its order', async () => {
    const first = Promise.withResolvers<void>();
    const { producer, sent } = fakeBroker(async ([value]) => (value === 'a' ? await first.promise : undefined));
    const gathering = new GatheringProducer(producer, options, quiet);
    const a = gathering.send([record('a')]);
    await eventually(() => expect(sent).toEqual([['a']]));
    const rest = Promise.all(['b', 'c', 'd'].map((value) => gathering.send([record(value)])));
    expect(gathering.pending().records).toBe(4);
    first.resolve();
    await Promise.all([a, rest]);
    expect(sent).toEqual([['a'], ['b', 'c', 'd']]);
    expect(gathering.pending()).toEqual({ records: 0, bytes: 0 });
  });

  test('keeps a request below the limit of a batch', async () => {
    const { producer, sent } = fakeBroker();
    const gathering = new GatheringProducer(producer, options, quiet);
    await Promise.all(['a', 'b', 'c'].map((value) => gathering.send([record(value.repeat(4_000))])));
    expect(sent.map((values) => values.length)).toEqual([2, 1]);
  });

  test('tries again until the broker takes it, and loses nothing', async () => {
    let failures = 3;
    const { producer, sent } = fakeBroker(async () => {
      if (failures-- > 0) throw Object.assign(new Error('broker away'), { retriable: true });
    });
    const gathering = new GatheringProducer(producer, options, quiet);
    await Promise.all([gathering.send([record('a')]), gathering.send([record('b')])]);
    expect(sent).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  test('a record that is refused fails alone', async () => {
    const { producer } = fakeBroker(async (values) => {
      if (values.includes('bad')) throw Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE', retriable: false });
    });
    const gathering = new GatheringProducer(producer, options, quiet);
    const outcomes = await Promise.allSettled(['a', 'bad', 'b'].map((value) => gathering.send([record(value)])));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'MR_RECORD_TOO_LARGE', retryable: false } });
  });

  test('a record above every limit is refused before it is sent', async () => {
    const { producer, sent } = fakeBroker();
    const gathering = new GatheringProducer(producer, options, quiet);
    await expect(gathering.send([record('x'.repeat(80_000))])).rejects.toMatchObject({ code: 'MR_RECORD_TOO_LARGE' });
    expect(sent).toEqual([]);
  });

  test('is not ready while too much is pending', async () => {
    const first = Promise.withResolvers<void>();
    const { producer } = fakeBroker(() => first.promise);
    const gathering = new GatheringProducer(producer, { ...options, pendingBytesMax: 100 }, quiet);
    await gathering.ready();
    const sending = gathering.send([record('x'.repeat(200))]);
    let isReady = false;
    const ready = gathering.ready().then(() => {
      isReady = true;
    });
    await Promise.resolve();
    expect(isReady).toBe(false);
    first.resolve();
    await Promise.all([sending, ready]);
  });

  test('sends what is pending before it stops, and takes nothing afterwards', async () => {
    const { producer, sent } = fakeBroker();
    const gathering = new GatheringProducer(producer, options, quiet);
    const sending = gathering.send([record('a')]);
    await gathering.stop();
    await sending;
    expect(sent).toEqual([['a']]);
    await expect(gathering.send([record('b')])).rejects.toMatchObject({ code: 'MR_PRODUCER_STOPPED' });
  });

  test('gives up at the deadline of a stop, with an error that can be tried again', async () => {
    const { producer } = fakeBroker(async () => {
      throw new Error('broker away');
    });
    const gathering = new GatheringProducer(producer, options, quiet);
    const sending = expect(gathering.send([record('a')])).rejects.toMatchObject({ code: 'MR_PRODUCER_STOPPED', retryable: true });
    await gathering.stop(50);
    await sending;
  });
});

describe('createProducer', () => {
  /** A client of a broker that refuses what holds `bad`, and is away for the first request. */
  function fakeClient() {
    const made: (ProducerConfig | undefined)[] = [];
    const batches: ProducerBatch[] = [];
    const ended: string[] = [];
    const { producer } = fakeBroker(async (values) => {
      if (batches.length === 1) throw Object.assign(new Error('broker away'), { retriable: true });
      if (values.includes('bad')) throw Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE', retriable: false });
    });
    const kafka = {
      producer: (config?: ProducerConfig) => {
        made.push(config);
        return {
          ...producer,
          disconnect: async () => void ended.push('producer'),
          sendBatch: async (batch: ProducerBatch) => {
            batches.push(batch);
            return await producer.sendBatch(batch);
          },
        };
      },
    };
    const open = () => ({ kafka: kafka as unknown as Kafka, close: () => void ended.push('client') });
    return { open, made, batches, ended };
  }

  test('asks kafkajs for one producer that is not idempotent, makes no topics, and has one request under way', () => {
    const { open, made } = fakeClient();
    createProducer(open, options, quiet);
    expect(made).toMatchObject([{ idempotent: false, allowAutoTopicCreation: false, maxInFlightRequests: 1 }]);
  });

  test('every request waits for all replicas: the first, the one tried again, and those of records sent one by one', async () => {
    const { open, batches } = fakeClient();
    const producer = createProducer(open, options, quiet);
    await Promise.allSettled(['a', 'bad', 'b'].map((value) => producer.send([record(value)])));
    expect(batches.map(({ acks }) => acks)).toEqual([-1, -1, -1, -1, -1]);
  });

  test('closes the client after its producer is disconnected', async () => {
    const { open, ended } = fakeClient();
    await createProducer(open, options, quiet).stop();
    expect(ended).toEqual(['producer', 'client']);
  });
});

describe('choosePartition', () => {
  const metadata = (count: number, led: (partition: number) => boolean = () => true) =>
    Array.from({ length: count }, (_, partitionId) => ({
      ...{ partitionErrorCode: 0, partitionId, leader: led(partitionId) ? 0 : -1, replicas: [], isr: [] },
    }));

  test('takes the partition that is named, and else that of the key', () => {
    const key = Buffer.from('order-1');
    expect(choosePartition({ partitionMetadata: metadata(12), message: { partition: 11, key, value: null } })).toBe(11);
    expect(choosePartition({ partitionMetadata: metadata(12), message: { key, value: null } })).toBe(partitionOf('order-1', 12));
    expect(choosePartition({ partitionMetadata: metadata(12), message: { key: 'order-1', value: null } })).toBe(partitionOf('order-1', 12));
  });

  test('without a key takes one that has a leader', () => {
    const partitionMetadata = metadata(3, (partition) => partition === 2);
    expect(choosePartition({ partitionMetadata, message: { key: null, value: null } })).toBe(2);
  });

  // The partitioner of kafkajs needs minutes for these, so this test ends by its time limit with it.
  test.each([200_000, 1_000_000, 16_000_000])('takes a key of %i bytes', (length) => {
    const key = Buffer.alloc(length, 'k');
    expect(choosePartition({ partitionMetadata: metadata(12), message: { key, value: null } })).toBe(partitionOf(String(key), 12));
  });
});
