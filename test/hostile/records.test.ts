/** Records that others make large, compressed, transactional or into new partitions, through a real broker and orchestrator. */
import { randomUUID } from 'node:crypto';
import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import type { LogAdmin } from '../../src/messaging/log.ts';
import { groupNames } from '../../src/messaging/topics.ts';
import { stackEnv } from '../support/env.ts';
import { eventually } from '../support/eventually.ts';
import { OrchestratorLab, type TestOrchestrator } from '../support/orchestrator-lab.ts';

const ORDERS = 'hostile-orders';
const PAID = 'payment.confirmed';
const MIB = 1_048_576;
const brokers = (stackEnv().KAFKA_BROKERS ?? '').split(',');

let lab: OrchestratorLab;
let orchestrator: TestOrchestrator;
let payment: Definition;
let others: Kafka;
let sender: Producer;
let admin: LogAdmin;

beforeAll(async () => {
  lab = await OrchestratorLab.open('hostile-records', { MILLRACE_EVENT_TOPICS: ORDERS });
  payment = await lab.deploy({ id: 'payment', nodes: { paid: { type: 'event', event: PAID, key: '${ input.key }' } } });
  orchestrator = await lab.run();
  others = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  sender = others.producer({ createPartitioner: () => () => 0 });
  await sender.connect();
  admin = lab.log.admin();
});
afterAll(async () => {
  await admin?.close();
  await sender?.disconnect();
  await orchestrator?.stop();
  await lab?.close();
});

function paid(key: string): Message {
  const fields = { ce_specversion: '1.0', ce_id: uuidv7(), ce_type: PAID, ce_source: 'shop' };
  return { key, value: '{"amount":12.5}', headers: fields };
}

/** Its partition continues: an event after the record is correlated. */
async function goesOnBehind(send: (good: Message) => Promise<unknown>): Promise<void> {
  const key = uuidv7();
  const id = await lab.start(payment, { key });
  await send(paid(key));
  await eventually(async () => expect((await lab.outbox(id)).map(({ messageType }) => messageType)).toContain('EventMatched'));
}

async function committedIsEnd(topic: string, groupId: string): Promise<void> {
  await eventually(async () => {
    const ends = [...(await admin.endOffsets(topic))].filter(([, offset]) => offset > 0n);
    expect(ends.length).toBeGreaterThan(0);
    expect(Object.fromEntries(await admin.committedOffsets(groupId, topic))).toMatchObject(Object.fromEntries(ends));
  });
}

describe('a key', () => {
  test.each([200_000, 1_040_000])('of %i bytes is a dead letter, and its partition goes on', async (length) => {
    const { events } = lab.names;
    await goesOnBehind((good) => sender.send({ topic: events, messages: [{ key: Buffer.alloc(length, 'k'), value: 'junk' }, good] }));
    await eventually(async () => {
      const deadLetter = (await lab.deadLetters()).find(({ key }) => key?.length === length);
      expect(deadLetter).toMatchObject({ topic: events, code: 'MR_NOT_FRAMED', omitted: null });
    });
  });

  test('and headers that no dead letter has room for are cut, and the letter says where the original stands', async () => {
    const topic = `hostile-large-${randomUUID()}`;
    await admin.createTopics([{ topic, partitions: 1, replication: 1, config: { 'max.message.bytes': String(8 * MIB) } }]);
    await orchestrator.stop();
    orchestrator = await lab.run({ MILLRACE_EVENT_TOPICS: topic });
    const large = { key: Buffer.alloc(2 * MIB, 'k'), value: Buffer.alloc(2 * MIB), headers: { h: Buffer.alloc(2 * MIB) } };
    await sender.send({ topic, messages: [large] });
    await goesOnBehind((good) => sender.send({ topic, messages: [good] }));
    await eventually(async () => {
      const deadLetter = (await lab.deadLetters()).find((each) => each.topic === topic);
      expect(deadLetter).toMatchObject({ partition: 0, offset: '0', omitted: 'key, value, headers', value: null });
      expect(deadLetter?.key?.equals(Buffer.alloc(4_096, 'k'))).toBe(true);
    });
    await orchestrator.stop();
    orchestrator = await lab.run();
  });
});

describe('a compressed batch', () => {
  test.each(['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const)(
    'of %s that would become too large is a dead letter without its value, and its partition goes on',
    async (name) => {
      const { events } = lab.names;
      const topic = name === 'GZIP' ? events : ORDERS;
      const bomb = { topic, compression: kafkajs.CompressionTypes[name], messages: [{ key: uuidv7(), value: Buffer.alloc(18 * MIB) }] };
      const [sent] = await sender.send(bomb);
      await goesOnBehind((good) => sender.send({ topic, messages: [good] }));
      await eventually(async () => {
        const deadLetter = (await lab.deadLetters()).find((each) => each.topic === topic && each.offset === sent?.baseOffset);
        expect(deadLetter).toMatchObject({ code: 'MR_TOO_LARGE', value: null, omitted: 'value' });
      });
    },
  );
});

describe('a transaction', () => {
  test('leaves no lag behind, gives what was committed once, and what was aborted never', async () => {
    const before = (await lab.deadLetters()).length;
    const producer = others.producer({
      transactionalId: randomUUID(),
      maxInFlightRequests: 1,
      idempotent: true,
      createPartitioner: () => () => 1,
    });
    await producer.connect();
    const aborted = await producer.transaction();
    await aborted.send({ topic: ORDERS, messages: [{ key: 'k', value: 'junk' }] });
    await aborted.abort();
    await goesOnBehind(async (good) => {
      const transaction = await producer.transaction();
      await transaction.send({ topic: ORDERS, messages: [good] });
      await transaction.commit();
    });
    await producer.disconnect();
    await committedIsEnd(ORDERS, groupNames('hostile-records').correlator(ORDERS));
    await eventually(async () => expect(await orchestrator.counted('consumer_lag_records', { topic: ORDERS })).toBe(0));
    expect((await lab.deadLetters()).length).toBe(before);
  });
});

describe('partitions that are added to a topic', () => {
  test('are read without a restart', async () => {
    const topic = `hostile-grows-${randomUUID()}`;
    await admin.createTopics([{ topic, partitions: 1, replication: 1, config: {} }]);
    const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const read: string[] = [];
    const consumer = connectKafka({ brokers, clientId: 'grows', metadataMaxAgeMs: 1_000 }, quiet).consumer({
      groupId: randomUUID(),
      topics: [topic],
      handlers: {
        onBatch: ({ records }) => read.push(...records.map(({ value }) => String(value))),
        onAssigned: () => undefined,
        onRevoked: () => undefined,
      },
    });
    await consumer.start();
    const adding = others.admin();
    await adding.connect();
    await adding.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await adding.disconnect();
    const producer = lab.log.producer();
    await producer.send([{ topic, partition: 2, key: null, value: Buffer.from('new') }]);
    await eventually(() => expect(read).toEqual(['new']), { timeoutMs: 30_000, intervalMs: 100 });
    expect(
      consumer
        .lag()
        .map(({ partition }) => partition)
        .sort(),
    ).toEqual([0, 1, 2]);
    await consumer.stop();
    await producer.stop();
  });
});
