/** What every log must do that the engine runs on: Kafka by kafkajs, and the one in memory. Each test has topics and groups of its own. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Log, LogAdmin, LogBatch, LogConsumer, LogConsumerOptions, LogProducer, LogRecord } from '../../src/messaging/log.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import { eventually } from '../support/eventually.ts';

const PARTITIONS = 3;

/** @param factory called once; the log may hold what others wrote. */
export function testLog(factory: () => Promise<Log>): void {
  let log: Log;
  let admin: LogAdmin;
  let producer: LogProducer;
  let open: LogConsumer[] = [];

  beforeAll(async () => {
    log = await factory();
    admin = log.admin();
    producer = log.producer();
  });

  afterEach(async () => {
    await Promise.all(open.map((consumer) => consumer.stop()));
    open = [];
  });

  afterAll(async () => {
    await producer.stop();
    await admin.close();
  });

  async function newTopic(config: Readonly<Record<string, string>> = {}): Promise<string> {
    const topic = `contract-${randomUUID()}`;
    await admin.createTopics([{ topic, partitions: PARTITIONS, replication: 1, config }]);
    return topic;
  }

  /** `records` has each record once; `deliveries` has repeats too, which any rebalance may cause. */
  async function listen(topic: string, groupId: string = randomUUID(), options: Partial<LogConsumerOptions> = {}) {
    const records: LogRecord[] = [];
    const batches: LogBatch[] = [];
    const deliveries: string[] = [];
    const rebalances: string[] = [];
    let generation = 0;
    const consumer = log.consumer({
      groupId,
      topics: [topic],
      sessionTimeoutMs: 6_000,
      handlers: {
        onBatch: (batch) => {
          batches.push(batch);
          for (const record of batch.records) {
            deliveries.push(String(record.value));
            if (!records.some(({ partition, offset }) => partition === record.partition && offset === record.offset)) records.push(record);
          }
        },
        onAssigned: (partitions, assigned) => {
          generation = assigned;
          rebalances.push(`assigned ${partitions.length}`);
        },
        onRevoked: (partitions) => rebalances.push(`revoked ${partitions.length}`),
      },
      ...options,
    });
    open.push(consumer);
    await consumer.start();
    const values = () => records.map(({ value }) => String(value));
    return { consumer, groupId, records, batches, deliveries, rebalances, values, generation: () => generation };
  }

  /** To one partition, so that their order is known. */
  const send = async (topic: string, ...values: readonly string[]) =>
    await producer.send(values.map((value) => ({ topic, partition: 0, key: 'k', value: Buffer.from(value) })));

  const first = (topic: string) => ({ topic, partition: 0 });
  const leave = async (consumer: LogConsumer) => {
    await consumer.stop();
    open = open.filter((each) => each !== consumer);
  };

  describe('a record', () => {
    it('arrives as it was sent: key, value, headers of the same name, and a time', async () => {
      const topic = await newTopic();
      const headers = [
        { key: 'h', value: Buffer.from([1, 2]) },
        { key: 'h', value: Buffer.from([]) },
        { key: 'i', value: Buffer.from('ü') },
      ];
      const before = Date.now();
      await producer.send([
        { topic, partition: 1, key: Buffer.from([0, 255]), value: Buffer.from([0, 1]), headers },
        { topic, partition: 1, key: 'deleted', value: null },
        { topic, partition: 1, key: null, value: Buffer.from('no key') },
      ]);
      const { records } = await listen(topic);
      await eventually(() => expect(records).toHaveLength(3));
      expect(records).toMatchObject([
        { topic, partition: 1, offset: 0n, key: Buffer.from([0, 255]), value: Buffer.from([0, 1]), headers },
        { topic, partition: 1, offset: 1n, key: Buffer.from('deleted'), value: null, headers: [] },
        { topic, partition: 1, offset: 2n, key: null, value: Buffer.from('no key') },
      ]);
      for (const { timestamp } of records) expect(timestamp).toBeGreaterThanOrEqual(before);
    });

    it('goes to the partition of its key where none is named, in the order of the calls', async () => {
      const topic = await newTopic();
      const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
      for (const round of ['1', '2', '3']) await producer.send(keys.map((key) => ({ topic, key, value: Buffer.from(round) })));
      const { records } = await listen(topic);
      const valuesOf = (key: string) => records.filter((record) => String(record.key) === key).map(({ value }) => String(value));
      await eventually(() => expect(keys.every((key) => new Set(valuesOf(key)).size === 3)).toBe(true));
      for (const key of keys) {
        const own = records.filter((record) => String(record.key) === key);
        // A record may be written twice, but only directly after the first.
        expect(valuesOf(key)).toEqual(valuesOf(key).toSorted());
        expect(new Set(own.map(({ partition }) => partition))).toEqual(new Set([partitionOf(key, PARTITIONS)]));
      }
    });

    it('is in the log once `send` has resolved', async () => {
      const topic = await newTopic();
      await send(topic, 'a', 'b');
      expect(await admin.endOffsets(topic)).toEqual(
        new Map([
          [0, 2n],
          [1, 0n],
          [2, 0n],
        ]),
      );
    });

    it('that is too large is refused for good, and the next one is taken', async () => {
      const topic = await newTopic({ 'max.message.bytes': '2000' });
      const large = { topic, partition: 0, key: 'k', value: Buffer.alloc(3_000) };
      await expect(producer.send([large])).rejects.toMatchObject({ code: 'MR_RECORD_TOO_LARGE', retryable: false });
      await send(topic, 'small');
      expect((await admin.endOffsets(topic)).get(0)).toBe(1n);
    });

    it('is refused by a producer that was stopped', async () => {
      const topic = await newTopic();
      const own = log.producer();
      await own.send([{ topic, partition: 0, key: 'k', value: Buffer.from('a') }]);
      await own.ready();
      expect(own.pending()).toEqual({ records: 0, bytes: 0 });
      await own.stop();
      await expect(own.send([{ topic, key: 'k', value: null }])).rejects.toMatchObject({ code: 'MR_PRODUCER_STOPPED' });
    });
  });

  describe('a group', () => {
    it('goes on where it committed, and not where it merely read', async () => {
      const topic = await newTopic();
      await send(topic, 'a', 'b', 'c');
      const before = await listen(topic);
      await eventually(() => expect(before.values()).toEqual(['a', 'b', 'c']));
      before.consumer.commit(first(topic), 1n, before.generation());
      await leave(before.consumer);
      expect(await admin.committedOffsets(before.groupId, topic)).toEqual(new Map([[0, 1n]]));
      const after = await listen(topic, before.groupId);
      await eventually(() => expect(after.values()).toEqual(['b', 'c']));
    });

    it('commits what it was told before it leaves, also what was told while it drained', async () => {
      const topic = await newTopic();
      await send(topic, 'a', 'b');
      const { consumer, groupId, values, generation } = await listen(topic, undefined, { commitIntervalMs: 600_000 });
      await eventually(() => expect(values()).toHaveLength(2));
      const drained = Promise.withResolvers<void>();
      const stopped = consumer.stop(drained.promise);
      consumer.commit(first(topic), 2n, generation());
      drained.resolve();
      await stopped;
      open = [];
      expect((await admin.committedOffsets(groupId, topic)).get(0)).toBe(2n);
    });

    it('never takes a committed offset back, and none of another generation', async () => {
      const topic = await newTopic();
      await send(topic, 'a', 'b', 'c');
      const { consumer, groupId, values, generation } = await listen(topic);
      await eventually(() => expect(values()).toHaveLength(3));
      consumer.commit(first(topic), 3n, generation() + 1);
      consumer.commit(first(topic), 2n, generation());
      consumer.commit(first(topic), 1n, generation());
      await consumer.flush();
      expect((await admin.committedOffsets(groupId, topic)).get(0)).toBe(2n);
      expect(consumer.lag().find(({ partition }) => partition === 0)?.lag).toBe(1);
    });

    it('keeps a note beside an offset while its member lives there, and drops it when the member leaves', async () => {
      const topic = await newTopic();
      await send(topic, 'a', 'b');
      const { consumer, groupId, values, generation } = await listen(topic);
      await eventually(() => expect(values()).toHaveLength(2));
      expect(await admin.committedNotes(groupId, topic)).toEqual(new Map());
      consumer.annotate(first(topic), 'run 1', generation());
      await consumer.flush();
      expect(await admin.committedNotes(groupId, topic)).toEqual(new Map([[0, 'run 1']]));
      consumer.commit(first(topic), 1n, generation());
      await consumer.flush();
      expect(await admin.committedNotes(groupId, topic)).toEqual(new Map([[0, 'run 1']]));
      await leave(consumer);
      expect(await admin.committedNotes(groupId, topic)).toEqual(new Map());
      expect((await admin.committedOffsets(groupId, topic)).get(0)).toBe(1n);
    });

    it('reads each record, whatever other groups do', async () => {
      const topic = await newTopic();
      const [one, two] = [await listen(topic), await listen(topic)];
      await send(topic, 'a', 'b');
      await eventually(() =>
        expect([one.values(), two.values()]).toEqual([
          ['a', 'b'],
          ['a', 'b'],
        ]),
      );
    });

    it('shares the partitions among its members, revoking everything first; a commit of before is ignored', async () => {
      const topic = await newTopic();
      await send(topic, 'a');
      const one = await listen(topic);
      await eventually(() => expect(one.values()).toEqual(['a']));
      const old = one.generation();
      const two = await listen(topic, one.groupId);
      await eventually(() => expect(one.consumer.assignment().length + two.consumer.assignment().length).toBe(PARTITIONS));
      expect(one.consumer.assignment().length).toBeGreaterThan(0);
      expect(two.consumer.assignment().length).toBeGreaterThan(0);
      expect(one.rebalances.slice(0, 2)).toEqual([`assigned ${PARTITIONS}`, `revoked ${PARTITIONS}`]);
      one.consumer.commit(first(topic), 1n, old);
      await one.consumer.flush();
      expect((await admin.committedOffsets(one.groupId, topic)).get(0)).toBeUndefined();
      // So it comes again, to whoever has the partition now.
      await eventually(() => expect([...one.deliveries, ...two.deliveries].length).toBeGreaterThan(1));
    });

    it('gives what a member leaves behind to those who stay', async () => {
      const topic = await newTopic();
      const one = await listen(topic);
      const two = await listen(topic, one.groupId);
      await eventually(() => expect(one.consumer.assignment().length + two.consumer.assignment().length).toBe(PARTITIONS));
      await leave(two.consumer);
      await eventually(() => expect(one.consumer.assignment()).toHaveLength(PARTITIONS));
      expect(one.consumer.isMember()).toBe(true);
      expect(two.consumer.assignment()).toEqual([]);
      await producer.send([0, 1, 2].map((partition) => ({ topic, partition, key: 'k', value: Buffer.from(String(partition)) })));
      await eventually(() => expect(one.values().sort()).toEqual(['0', '1', '2']));
    });

    it('that never committed begins at the end where it is told to', async () => {
      const topic = await newTopic();
      await send(topic, 'before');
      const { values, groupId, consumer } = await listen(topic, undefined, { from: 'latest' });
      // The position of a consumer is fixed by its first fetch, a moment after it was assigned.
      let sent = 0;
      await eventually(async () => {
        await send(topic, `after ${++sent}`);
        expect(values().length).toBeGreaterThan(0);
      });
      expect(values()).not.toContain('before');
      await leave(consumer);
      await admin.deleteGroup(groupId);
      await admin.deleteGroup(groupId);
      expect(await admin.committedOffsets(groupId, topic)).toEqual(new Map());
    });
  });

  describe('a paused partition', () => {
    it('hands over nothing until it is resumed, and the others go on', async () => {
      const topic = await newTopic();
      const { consumer, values } = await listen(topic);
      await send(topic, 'a');
      await eventually(() => expect(values()).toEqual(['a']));
      consumer.pause(first(topic));
      await send(topic, 'b');
      await producer.send([{ topic, partition: 1, key: 'k', value: Buffer.from('other') }]);
      await eventually(() => expect(values()).toContain('other'));
      expect(values()).toEqual(['a', 'other']);
      consumer.resume(first(topic));
      await eventually(() => expect(values()).toEqual(['a', 'other', 'b']));
    });

    it('is read again after a rebalance', async () => {
      const topic = await newTopic();
      const one = await listen(topic);
      for (const partition of [0, 1, 2]) one.consumer.pause({ topic, partition });
      const two = await listen(topic, one.groupId);
      await eventually(() => expect(one.consumer.assignment().length + two.consumer.assignment().length).toBe(PARTITIONS));
      await producer.send([0, 1, 2].map((partition) => ({ topic, partition, key: 'k', value: Buffer.from(String(partition)) })));
      await eventually(() => expect([...one.values(), ...two.values()].sort()).toEqual(['0', '1', '2']));
    });
  });

  describe('a batch', () => {
    it('has rising offsets, its generation and the end of the partition', async () => {
      const topic = await newTopic();
      await send(topic, 'a', 'b', 'c');
      const { batches, records, generation } = await listen(topic);
      await eventually(() => expect(records.map(({ offset }) => offset)).toEqual([0n, 1n, 2n]));
      expect(batches.at(-1)).toMatchObject({ topic, partition: 0, generation: generation(), highWatermark: 3n });
    });
  });

  describe('an admin', () => {
    it('makes topics once, describes those that are there, and names those that are not', async () => {
      const topic = await newTopic({ 'retention.ms': '1000' });
      const missing = `contract-${randomUUID()}`;
      await admin.createTopics([{ topic, partitions: 9, replication: 1, config: {} }]);
      expect(await admin.describeTopics([topic, missing])).toMatchObject([
        { topic, partitions: PARTITIONS, config: { 'retention.ms': '1000', 'max.message.bytes': expect.any(String) } },
      ]);
      expect(await admin.missingTopics([topic, missing])).toEqual([missing]);
      await admin.ping();
    });

    it('changes settings, and keeps the others', async () => {
      const topic = await newTopic({ 'retention.ms': '1000', 'segment.ms': '600000' });
      await admin.setTopicConfig(topic, { 'retention.ms': '2000' });
      await eventually(async () =>
        expect((await admin.describeTopics([topic]))[0]?.config).toMatchObject({ 'retention.ms': '2000', 'segment.ms': '600000' }),
      );
    });

    it('finds offsets by time, and the end where nothing is younger', async () => {
      const topic = await newTopic();
      const before = Date.now();
      await send(topic, 'a', 'b');
      expect((await admin.offsetsAt(topic, before)).get(0)).toBe(0n);
      expect(await admin.offsetsAt(topic, Date.now() + 60_000)).toEqual(await admin.endOffsets(topic));
    });
  });
}
