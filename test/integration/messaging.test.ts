/** The codec, the registration and the log on the real broker and registry; topics of a prefix that is this file's own. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { avroTypeOf } from '../../src/messaging/avro.ts';
import { type Codec, createCodec } from '../../src/messaging/codec.ts';
import { type Records, schemaTexts } from '../../src/messaging/generated/records.ts';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import type { Log, LogAdmin, LogBatch, LogConsumer, LogProducer, LogRecord, OutgoingRecord } from '../../src/messaging/log.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import { deadLetterRecord } from '../../src/messaging/records/dead-letter.ts';
import { recordsOnTopics, registerSchemas } from '../../src/messaging/registration.ts';
import { connectRegistry, type Registry } from '../../src/messaging/registry.ts';
import { ensureTopics, topicNames } from '../../src/messaging/topics.ts';
import { frameBytes, writeFrameHead } from '../../src/messaging/wire-format.ts';
import { runEngineCommand } from '../../stack/engine.ts';
import { stackEnv } from '../support/env.ts';
import { eventually } from '../support/eventually.ts';
import { createFreshDatabases } from '../support/fresh-databases.ts';
import { produceByJava } from '../support/java-producer.ts';

const prefix = `messaging-${randomUUID().slice(0, 8)}`;
const names = topicNames(prefix);
const partitions = 4;
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let log: Log;
let admin: LogAdmin;
let producer: LogProducer;
let registry: Registry;
let codec: Codec;
let folder: string;
const consumers: LogConsumer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-messaging-'));
  const env = stackEnv();
  log = connectKafka({ brokers: (env.KAFKA_BROKERS ?? '').split(','), clientId: 'messaging-test' }, quiet);
  admin = log.admin();
  producer = log.producer();
  registry = connectRegistry({ url: env.SCHEMA_REGISTRY_URL ?? '' });
  codec = createCodec({ registry });
  await ensureTopics(admin, { prefix, partitions });
  await registerSchemas(registry, recordsOnTopics(prefix));
  await codec.prepare(recordsOnTopics(prefix));
});

afterAll(async () => {
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  await producer.stop();
  await admin.close();
  await rm(folder, { recursive: true });
});

/** A started consumer that keeps all records, and commits only when the test says so. */
async function listen(topic: string, groupId: string = randomUUID()) {
  const records: LogRecord[] = [];
  const batches: LogBatch[] = [];
  const told: string[] = [];
  const consumer = log.consumer({
    groupId,
    topics: [topic],
    sessionTimeoutMs: 6_000,
    handlers: {
      onBatch: (batch) => {
        batches.push(batch);
        records.push(...batch.records);
      },
      onAssigned: (assigned, generation) => told.push(`assigned ${assigned.length} @${generation}`),
      onRevoked: (revoked, generation) => told.push(`revoked ${revoked.length} @${generation}`),
    },
  });
  consumers.push(consumer);
  await consumer.start();
  return { consumer, groupId, records, batches, told };
}

const timer = (n: number): Records['TimerFired'] => ({
  instanceId: `01890000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`,
  timerId: `t${n}`,
  kind: 'retry',
  taskId: null,
  attempt: 1,
  dueAt: 1_700_000_000_000 + n,
});

function timerRecord(topic: string, n: number): OutgoingRecord {
  const value = timer(n);
  return { topic, key: value.instanceId, value: codec.encode('TimerFired', names.notifications, value) };
}

const bytesOf = (record: LogRecord): Buffer => record.value ?? Buffer.alloc(0);

describe('topics and schemas', () => {
  test('are made and registered again without any change', async () => {
    expect(await ensureTopics(admin, { prefix, partitions })).toEqual({ created: [], changed: [] });
    const again = await registerSchemas(registry, recordsOnTopics(prefix));
    expect(again.map(({ status }) => status)).not.toContain('registered');
    expect(await registry.compatibilityOf(`${names.events}-millrace.event.ExternalEvent`)).toBe('FULL_TRANSITIVE');
  });

  test('refuse another partition count', async () => {
    await expect(ensureTopics(admin, { prefix, partitions: partitions + 1 })).rejects.toMatchObject({ code: 'MR_TOPIC_PARTITIONS' });
  });

  test('are set to what they should be, and keep what an administrator set', async () => {
    await admin.setTopicConfig(names.events, { 'retention.ms': '1000', 'segment.ms': '600000' });
    expect(await ensureTopics(admin, { prefix, partitions })).toEqual({ created: [], changed: [names.events] });
    const [events] = await admin.describeTopics([names.events]);
    expect(events?.config).toMatchObject({ 'retention.ms': '604800000', 'segment.ms': '600000' });
  });

  test('of `publish` that are not ours must be there and take what the outbox takes, or the outbox does not learn them', async () => {
    const name = prefix.replaceAll('-', '_');
    const databases = await createFreshDatabases(name);
    try {
      await databases.migrate({ prefix, partitions, replication: null });
      const foreign = (topic: string) => `${prefix}-foreign-${topic}`;
      const makeTopics = async ({ publish = [], events = [] }: { publish?: readonly string[]; events?: readonly string[] }) => {
        const settings = {
          ...{ MILLRACE_TOPIC_PREFIX: prefix, MILLRACE_PARTITIONS: String(partitions) },
          ...{ MILLRACE_PUBLISH_TOPICS: publish.join(','), MILLRACE_EVENT_TOPICS: events.join(',') },
          INSTANCE_DATABASE_URL: databases.config.databases.instances,
        };
        const command = { title: 'Making the topics', args: ['topics'] };
        return await runEngineCommand(command, { ...stackEnv(), ...settings }, join(folder, 'topics.log'));
      };
      const known = async () => (await databases.query<{ topic: string }>('SELECT topic FROM outbox_topic')).map(({ topic }) => topic);
      const make = (topic: string, bytes: number) => ({
        ...{ topic: foreign(topic), partitions: 1, replication: 1, config: { 'max.message.bytes': String(bytes) } },
      });
      await admin.createTopics([make('large', 1_048_576), make('small', 1_048_575)]);

      const refused = String(await makeTopics({ publish: ['large', 'gone', 'small'].map(foreign) }).catch((caught: unknown) => caught));
      expect(refused).toContain('MR_PUBLISH_TOPIC');
      expect(refused).toContain(`${foreign('gone')} does not exist`);
      expect(refused).toContain(`${foreign('small')} takes 1048575 bytes at most`);
      expect(refused).not.toContain(`${foreign('large')} takes`);
      // The topics of Millrace are known all the same.
      expect(await known()).toContain(names.notifications);
      expect(await known()).not.toContain(foreign('large'));

      const unread = String(await makeTopics({ events: ['small', 'gone'].map(foreign) }).catch((caught: unknown) => caught));
      expect(unread).toContain('MR_EVENT_TOPIC');
      expect(unread).toContain(`${foreign('gone')} does not`);
      expect(unread).not.toContain(foreign('small'));

      await makeTopics({ publish: [foreign('large')], events: [foreign('small')] });
      expect(await known()).toEqual(expect.arrayContaining([names.notifications, foreign('large')]));
      const there = await admin.describeTopics(['large', 'small', 'gone'].map(foreign));
      expect(new Map(there.map(({ topic, config }) => [topic, config['max.message.bytes']]))).toEqual(
        new Map([
          [foreign('large'), '1048576'],
          [foreign('small'), '1048575'],
        ]),
      );
    } finally {
      await databases.drop();
    }
  });

  test('an incompatible version is refused by the registry, with its reason', async () => {
    const schema = JSON.parse(schemaTexts.ExternalEvent) as { fields: unknown[] };
    const broken = JSON.stringify({ ...schema, fields: [...schema.fields, { name: 'more', doc: 'x', type: 'string' }] });
    await expect(registry.register(`${names.events}-millrace.event.ExternalEvent`, broken)).rejects.toMatchObject({
      code: 'MR_SCHEMA_INCOMPATIBLE',
      retryable: false,
    });
  });

  test('a schema id that the registry does not know is a value; a registry at a wrong address is an error', async () => {
    expect(await registry.schemaById(999_999)).toBeNull();
    const elsewhere = connectRegistry({ url: `${stackEnv().SCHEMA_REGISTRY_URL}/nowhere`, timeoutMs: 2_000 });
    await expect(elsewhere.schemaById(1)).rejects.toMatchObject({ code: 'MR_REGISTRY_UNAVAILABLE', retryable: true });
    await expect(connectRegistry({ url: 'http://127.0.0.1:1' }).schemaById(1)).rejects.toMatchObject({ retryable: true });
  });
});

describe('records', () => {
  test('travel framed and keyed, to a place that we can tell beforehand, and others can read them', async () => {
    const { records } = await listen(names.notifications);
    await producer.send([1, 2, 3, 4, 5].map((n) => timerRecord(names.notifications, n)));
    await eventually(() => expect(records).toHaveLength(5));
    const others = new SchemaRegistry({ host: stackEnv().SCHEMA_REGISTRY_URL ?? '' });
    for (const record of records) {
      expect(record.partition).toBe(partitionOf(String(record.key), partitions));
      const decoded = await codec.decode(bytesOf(record), ['TaskOutcome', 'TimerFired']);
      expect(decoded).toMatchObject({ ok: true, record: 'TimerFired' });
      expect(decoded.ok && decoded.value).toEqual({ ...(await others.decode(bytesOf(record))) });
    }
  });

  test('of a newer version are read by an older reader', async () => {
    const schema = JSON.parse(schemaTexts.InstanceChanged) as { fields: unknown[] };
    const newer = {
      ...schema,
      fields: [...schema.fields, { name: 'later', doc: 'Added later.', type: ['null', 'string'], default: null }],
    };
    const id = await registry.register(`${names.lifecycle}-millrace.lifecycle.InstanceChanged`, JSON.stringify(newer));
    const value: Records['InstanceChanged'] = {
      instanceId: 'i',
      definitionId: 'd',
      definitionVersion: 1,
      businessKey: null,
      change: 'started',
      status: 'running',
      taskId: null,
      seq: 1,
      at: 1,
    };
    const head = Buffer.alloc(frameBytes);
    writeFrameHead(head, id);
    const bytes = Buffer.concat([head, avroTypeOf(newer).toBuffer({ ...value, later: 'x' })]);
    expect(await codec.decode(bytes, ['InstanceChanged'])).toEqual({ ok: true, record: 'InstanceChanged', value });
  });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    "of Kafka's own producer are read when compressed by %s",
    async (compression) => {
      const { records } = await listen(names.events);
      const sent = Array.from(
        { length: 50 },
        (_, n) => [`${compression}-${n}`, `${compression} ${'lorem ipsum '.repeat(50)}${n}`] as const,
      );
      await produceByJava({ brokers: stackEnv().KAFKA_BROKERS ?? '', topic: names.events, compression, records: sent });
      const found = await eventually(() => {
        const own = records.filter(({ key }) => String(key).startsWith(`${compression}-`));
        expect(own).toHaveLength(50);
        return own;
      });
      expect(Object.fromEntries(found.map((record) => [String(record.key), String(record.value)]))).toEqual(Object.fromEntries(sent));
    },
  );

  test('as large as the topic takes go through; larger ones are refused at once, also among others', async () => {
    const large = (bytes: number) => ({ topic: names.events, key: 'large', value: Buffer.alloc(bytes, 'x') });
    const outcomes = await Promise.allSettled([
      producer.send([timerRecord(names.events, 1)]),
      producer.send([large(1_100_000)]),
      producer.send([large(1_040_000)]),
      producer.send([large(2_000_000)]),
      producer.send([timerRecord(names.events, 2)]),
    ]);
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'sent' : outcome.reason.code))).toEqual([
      'sent',
      'MR_RECORD_TOO_LARGE',
      'sent',
      'MR_RECORD_TOO_LARGE',
      'sent',
    ]);
  });

  test('as large as the topic takes fit into a dead letter', async () => {
    const { records } = await listen(names.deadLetters);
    const value = Buffer.alloc(1_040_000, 'x');
    const original: LogRecord = { topic: names.events, partition: 1, offset: 7n, timestamp: 0, key: Buffer.from('k'), value, headers: [] };
    await producer.send([
      deadLetterRecord(codec, names.deadLetters, { original, code: 'MR_NOT_FRAMED', reason: 'r', instanceId: null, at: 1 }, 1_048_576),
    ]);
    const record = await eventually(() => {
      expect(records).toHaveLength(1);
      return records[0] ?? original;
    });
    const decoded = await codec.decode(bytesOf(record), ['DeadLetter']);
    expect(decoded.ok && decoded.value.value?.equals(value)).toBe(true);
  });
});

describe('a consumer', () => {
  test('goes on where its group committed, and not where it merely read', async () => {
    const first = await listen(names.tasks(null));
    await producer.send(Array.from({ length: 20 }, (_, n) => ({ ...timerRecord(names.tasks(null), n), partition: 2 })));
    await eventually(() => expect(first.records).toHaveLength(20));
    const batch = first.batches.at(-1);
    const place = { topic: names.tasks(null), partition: 2 };
    const middle = (first.records[0]?.offset ?? 0n) + 8n;
    first.consumer.commit(place, middle, batch?.generation ?? 0);
    first.consumer.commit(place, middle + 5n, (batch?.generation ?? 0) + 1);
    await first.consumer.flush();
    expect((await admin.committedOffsets(first.groupId, place.topic)).get(2)).toBe(middle);
    expect(first.consumer.lag().find(({ partition }) => partition === 2)?.lag).toBe(12);
    await first.consumer.stop();
    const second = await listen(names.tasks(null), first.groupId);
    await eventually(() => expect(second.records).toHaveLength(12));
    expect(second.records[0]?.offset).toBe(middle);
  });

  test('hands over nothing of a paused partition until it is resumed', async () => {
    const topic = names.tasks('handlers');
    const { consumer, records, batches } = await listen(topic);
    await producer.send([{ ...timerRecord(topic, 1), partition: 0 }]);
    await eventually(() => expect(records).toHaveLength(1));
    consumer.pause({ topic, partition: 0 });
    await producer.send([2, 3].map((n) => ({ ...timerRecord(topic, n), partition: n === 2 ? 0 : 1 })));
    await eventually(() => expect(records.map(({ partition }) => partition)).toEqual([0, 1]));
    consumer.resume({ topic, partition: 0 });
    await eventually(() => expect(records).toHaveLength(3));
    expect(batches.at(-1)?.partition).toBe(0);
  });

  test('stays a member while nothing is committed and all is paused for longer than its session', async () => {
    const topic = names.tasks('handlers');
    const { consumer, told } = await listen(topic);
    for (const partition of consumer.assignment()) consumer.pause(partition);
    const startedAt = performance.now();
    await eventually(() => expect(performance.now() - startedAt).toBeGreaterThan(7_500), { timeoutMs: 20_000, intervalMs: 250 });
    expect(consumer.isMember()).toBe(true);
    expect(told).toEqual(['assigned 4 @1']);
  });

  test('loses nothing when others join and leave: commits of a generation that is over are ignored', async () => {
    const topic = names.lifecycle;
    const first = await listen(topic);
    await producer.send(Array.from({ length: 40 }, (_, n) => timerRecord(topic, n)));
    await eventually(() => expect(first.records).toHaveLength(40));
    const before = first.batches.at(-1);
    if (before === undefined) throw new Error('unreachable: records came in batches');
    const second = await listen(topic, first.groupId);
    await eventually(() => expect(first.told).toEqual(['assigned 4 @1', 'revoked 4 @1', 'assigned 2 @2']));
    first.consumer.commit(before, before.highWatermark, before.generation);
    await first.consumer.flush();
    expect([...(await admin.committedOffsets(first.groupId, topic))]).toEqual([]);
    // Nothing was committed, so between them they read everything again.
    await eventually(() => expect(first.records.length - 40 + second.records.length).toBe(40));
    for (const { consumer, batches } of [first, second]) {
      for (const batch of batches) consumer.commit(batch, (batch.records.at(-1)?.offset ?? 0n) + 1n, batch.generation);
    }
    await second.consumer.stop();
    await eventually(() => expect(first.told.at(-1)).toBe('assigned 4 @3'));
    await first.consumer.stop();
    const committed = await admin.committedOffsets(first.groupId, topic);
    const ends = await admin.endOffsets(topic);
    expect([...committed].filter(([partition, offset]) => offset !== ends.get(partition))).toEqual([]);
    expect([...committed.values()].reduce((sum, offset) => sum + offset, 0n)).toBe(40n);
  });

  test('from latest sees what comes, and its group goes without a trace', async () => {
    const topic = names.notifications;
    const records: LogRecord[] = [];
    const groupId = randomUUID();
    const handlers = {
      onBatch: (batch: LogBatch) => records.push(...batch.records),
      onAssigned: () => undefined,
      onRevoked: () => undefined,
    };
    const consumer = log.consumer({ groupId, topics: [topic], from: 'latest', handlers });
    await consumer.start();
    await eventually(async () => {
      await producer.send([timerRecord(topic, 99)]);
      expect(records.length).toBeGreaterThan(0);
    });
    expect(new Set(records.map(({ key }) => String(key)))).toEqual(new Set([timer(99).instanceId]));
    await consumer.stop();
    await admin.deleteGroup(groupId);
    await admin.deleteGroup(groupId);
    expect([...(await admin.committedOffsets(groupId, topic))]).toEqual([]);
  });
});
