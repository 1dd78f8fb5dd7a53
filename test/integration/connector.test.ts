/**
 * The connector on the real stack: what a row of the outbox becomes, and what happens when the task fails. The first part
 * looks at the connector that the install applied; the second brings database, slot, topics and connector of its own, so
 * that it may fail.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyConnector } from '../../connect/apply.ts';
import { connectorName } from '../../connect/connector.ts';
import { createConnectorSupervisor } from '../../connect/supervisor.ts';
import { type Codec, createCodec } from '../../src/messaging/codec.ts';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import type { Log, LogAdmin, LogConsumer, LogRecord } from '../../src/messaging/log.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import { connectRegistry } from '../../src/messaging/registry.ts';
import { ensureTopics, topicNames } from '../../src/messaging/topics.ts';
import { loadConfig } from '../../src/service/config.ts';
import { createMetrics } from '../../src/service/metrics.ts';
import { outboxTable, slotName } from '../../src/store/outbox-names.ts';
import { fetchConnect } from '../support/connect-rest.ts';
import { stackEnv } from '../support/env.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { createFreshDatabases, type FreshDatabases, type Setting } from '../support/fresh-databases.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let log: Log;
let admin: LogAdmin;
let codec: Codec;
let database: pg.Client;
const consumers: LogConsumer[] = [];

beforeAll(async () => {
  const env = stackEnv();
  log = connectKafka({ brokers: (env.KAFKA_BROKERS ?? '').split(','), clientId: 'connector-test' }, quiet);
  admin = log.admin();
  codec = createCodec({ registry: connectRegistry({ url: env.SCHEMA_REGISTRY_URL ?? '' }) });
  database = new pg.Client({ connectionString: env.INSTANCE_DATABASE_URL });
  await database.connect();
});

afterAll(async () => {
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  await admin.close();
  await database.end();
});

type Row = {
  readonly topic: string;
  readonly key: string;
  readonly messageType: string;
  readonly partition: number | null;
  readonly payload: Buffer;
};

/** One transaction with all rows, in this order. */
async function insert(
  rows: readonly Row[],
  run: (sql: string, values: unknown[]) => Promise<unknown> = (sql, values) => database.query(sql, values),
): Promise<void> {
  await run(
    `INSERT INTO ${outboxTable} (topic, key, message_type, partition, payload)
     SELECT topic, key, message_type, partition, payload
     FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bytea[]) WITH ORDINALITY
       AS r(topic, key, message_type, partition, payload, n)
     ORDER BY n`,
    [
      rows.map(({ topic }) => topic),
      rows.map(({ key }) => key),
      rows.map(({ messageType }) => messageType),
      rows.map(({ partition }) => partition),
      rows.map(({ payload }) => payload),
    ],
  );
}

/** As the login that Debezium has: slots are its own business. */
async function asReplication(sql: string, values: readonly unknown[]): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: stackEnv().REPLICATION_DATABASE_URL });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** A started consumer of everything, in a group of its own, that keeps what it is given: tests tell theirs by the key. */
async function listen(topics: readonly string[]): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  const consumer = log.consumer({
    groupId: `connector-test-${randomUUID()}`,
    topics,
    sessionTimeoutMs: 6_000,
    handlers: {
      onBatch: (batch) => {
        records.push(...batch.records);
        consumer.commit(batch, (batch.records.at(-1)?.offset ?? 0n) + 1n, batch.generation);
      },
      onAssigned: () => undefined,
      onRevoked: () => undefined,
    },
  });
  consumers.push(consumer);
  await consumer.start();
  return records;
}

const header = (record: LogRecord, key: string): string | undefined =>
  record.headers.find((header) => header.key === key)?.value.toString();
const byKey = (records: readonly LogRecord[], key: string): LogRecord[] => records.filter((record) => String(record.key) === key);

describe('the connector that the install applied', () => {
  const prefix = (): string => stackEnv().MILLRACE_TOPIC_PREFIX ?? '';
  const partitions = (): number => Number(stackEnv().MILLRACE_PARTITIONS);

  test('turns a row into a framed record of its topic: key, partition and header from its columns, values as they were', async () => {
    const { lifecycle } = topicNames(prefix());
    await codec.prepare([{ topic: lifecycle, record: 'InstanceChanged' }]);
    const records = await listen([lifecycle]);
    const instanceId = uuidv7();
    const sent = Array.from({ length: 200 }, (_, seq) => ({
      instanceId,
      definitionId: 'connector-test',
      definitionVersion: 1,
      businessKey: null,
      change: 'task',
      status: 'running',
      taskId: null,
      seq,
      at: 1_700_000_000_000,
    }));
    const partition = partitionOf(instanceId, partitions());
    const rows = sent.map((value) => ({
      topic: lifecycle,
      key: instanceId,
      messageType: 'InstanceChanged',
      partition,
      payload: codec.encode('InstanceChanged', lifecycle, value),
    }));
    await insert(rows.slice(0, 100));
    await insert(rows.slice(100));
    await eventually(() => expect(byKey(records, instanceId).length).toBe(200));
    const received = byKey(records, instanceId);
    expect(new Set(received.map((record) => record.partition))).toEqual(new Set([partition]));
    expect(received.map((record) => header(record, 'messageType'))).toEqual(rows.map(({ messageType }) => messageType));
    expect(received.map(({ value }) => value)).toEqual(rows.map(({ payload }) => payload));
  });

  test("leaves a row without a partition to Kafka's partitioner, which is ours", async () => {
    const { events } = topicNames(prefix());
    await codec.prepare([{ topic: events, record: 'ExternalEvent' }]);
    const records = await listen([events]);
    const run = randomUUID();
    const keys = Array.from({ length: 40 }, (_, n) => `${run}-${n}`);
    const payloadOf = (key: string): Buffer =>
      codec.encode('ExternalEvent', events, { id: key, type: 'connector-test.unknown', source: 'test', key, time: null, data: '{}' });
    await insert(keys.map((key) => ({ topic: events, key, messageType: 'ExternalEvent', partition: null, payload: payloadOf(key) })));
    await eventually(() => expect(records.filter(({ key }) => String(key).startsWith(run)).length).toBe(keys.length));
    for (const key of keys) expect(byKey(records, key).map(({ partition }) => partition)).toEqual([partitionOf(key, partitions())]);
  });

  test('shows no secret to whoever may ask Connect', async () => {
    const { REPLICATION_DATABASE_URL } = stackEnv();
    const text = await (await fetchConnect('/connectors?expand=info&expand=status')).text();
    expect(text).toContain(connectorName(prefix()));
    expect(text).toContain('${env:MILLRACE_CONNECT_DATABASE_PASSWORD}');
    expect(text).not.toContain(new URL(REPLICATION_DATABASE_URL ?? '').password);
  });

  test('is left as it is when it is applied again', async () => {
    const config = loadConfig(stackEnv(), ['connect', 'databases', 'topics']);
    expect(await applyConnector(config, pino({ level: 'silent' }))).toBe('unchanged');
  });

  test('confirms what it has published, by the heartbeat even where nothing is', async () => {
    const slot = slotName(prefix());
    const position = 'SELECT pg_current_wal_lsn()::text AS lsn';
    const { lsn } = (await database.query<{ lsn: string }>(position)).rows[0] ?? { lsn: '' };
    await eventuallyHas(
      async () =>
        (
          await database.query<{ passed: boolean }>(
            'SELECT confirmed_flush_lsn >= $2::pg_lsn AS passed FROM pg_replication_slots WHERE slot_name = $1',
            [slot, lsn],
          )
        ).rows[0]?.passed,
      (passed) => passed === true,
    );
  });
});

/** A connector on databases of its own, with topics of its own. */
class OwnConnector {
  readonly prefix = `connector-${randomUUID().slice(0, 8)}`;
  readonly names = topicNames(this.prefix);
  readonly #folder = mkdtempSync(join(tmpdir(), 'connector-'));
  readonly #databases: FreshDatabases;

  private constructor(databases: FreshDatabases) {
    this.#databases = databases;
  }

  /** @param handedOut what an administrator has set before. */
  static async open(handedOut: readonly Setting[] = []): Promise<OwnConnector> {
    const databases = await createFreshDatabases(`connector_${randomUUID().slice(0, 8)}`, undefined, handedOut);
    const own = new OwnConnector(databases);
    await databases.migrate({ prefix: own.prefix });
    const settings = {
      'database.dbname': new URL(databases.config.databases.instances).pathname.slice(1),
      // Reports a missing topic soon, not after two minutes.
      'producer.override.max.block.ms': '1500',
    };
    writeFileSync(join(own.#folder, 'settings.json'), JSON.stringify(settings));
    await ensureTopics(admin, { prefix: own.prefix, partitions: 4 });
    expect(await applyConnector(own.config(), pino({ level: 'silent' }))).toBe('created');
    return own;
  }

  config() {
    const file = join(this.#folder, 'settings.json');
    const env = { ...stackEnv(), MILLRACE_TOPIC_PREFIX: this.prefix, MILLRACE_CONNECTOR_SETTINGS: file };
    return loadConfig(env, ['connect', 'databases', 'topics']);
  }

  insert(rows: readonly Row[]): Promise<void> {
    return insert(rows, this.#databases.query);
  }

  query: FreshDatabases['query'] = (sql, values) => this.#databases.query(sql, values);

  async close(): Promise<void> {
    await fetchConnect(`/connectors/${connectorName(this.prefix)}`, { method: 'DELETE' });
    // Until its connection has ended, the slot is in use.
    await eventually(() => this.#databases.drop());
    rmSync(this.#folder, { recursive: true });
  }
}

describe('a connector whose task fails', () => {
  let own: OwnConnector;

  beforeAll(async () => {
    own = await OwnConnector.open();
  }, 120_000);
  afterAll(async () => {
    await own?.close();
  }, 60_000);

  const row = (key: string, topic: string, n: number): Row => ({ topic, key, messageType: 'T', partition: 2, payload: Buffer.from([n]) });

  test('goes on by itself when its connection breaks', async () => {
    const { prefix, names } = own;
    const records = await listen([names.lifecycle]);
    await own.insert([row('broken', names.lifecycle, 1)]);
    await eventually(() => expect(distinct(byKey(records, 'broken'))).toEqual([1]));
    // A login with the same role may end its sessions.
    const ended = await asReplication('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1', [
      slotName(prefix),
    ]);
    expect(ended).toEqual([{ pg_terminate_backend: true }]);
    await own.insert([row('broken', names.lifecycle, 2), row('broken', names.lifecycle, 3)]);
    await eventually(() => expect(distinct(byKey(records, 'broken'))).toEqual([1, 2, 3]));
  });

  test('is restarted by the supervisor until the reason is gone; then everything comes, in order', { timeout: 120_000 }, async () => {
    const { prefix, names } = own;
    const late = `${prefix}.late`;
    const lines: string[] = [];
    const metrics = createMetrics('test');
    const supervisor = createConnectorSupervisor({
      connect: own.config().connect,
      prefix,
      log: pino({ level: 'info' }, { write: (line) => void lines.push(line) }),
      metrics,
      lookEveryMs: 250,
      restartDelayMsMax: 1_000,
    });
    supervisor.start();
    try {
      await eventually(() => expect(supervisor.status()).toEqual({ state: 'running' }));
      const records = await listen([names.lifecycle]);
      await own.insert([row('failed', names.lifecycle, 10), row('failed', late, 11), row('failed', names.lifecycle, 12)]);
      await eventually(() => expect(lines.join('')).toContain(`Topic ${late} not present in metadata`));
      await own.insert([row('failed', names.lifecycle, 13)]);
      await admin.createTopics([{ topic: late, partitions: 4, replication: 1, config: {} }]);
      await eventually(() => expect(distinct(byKey(records, 'failed'))).toEqual([10, 12, 13]), { timeoutMs: 60_000 });
      const lateRecords = await listen([late]);
      await eventually(() => expect(distinct(lateRecords)).toEqual([11]));
      expect(lateRecords.every(({ partition }) => partition === 2)).toBe(true);
      await eventually(() => expect(supervisor.status()).toEqual({ state: 'running' }));
      expect(await metrics.registry.metrics()).toMatch(/millrace_connector_task_failures_total\{part="task"[^}]*\} [1-9]/);
    } finally {
      await supervisor.stop();
    }
  });
});

describe('a connector whose login and database are set to something else', () => {
  const settings = [
    { name: 'bytea_output', value: "'escape'" },
    { name: 'search_path', value: 'app' },
    { name: 'default_transaction_read_only', value: 'on' },
    { name: 'default_transaction_isolation', value: "'serializable'" },
    { name: 'datestyle', value: "'German'" },
    { name: 'timezone', value: "'Asia/Kathmandu'" },
    { name: 'lock_timeout', value: '1' },
    { name: 'idle_session_timeout', value: '200' },
    { name: 'standard_conforming_strings', value: 'off' },
  ];

  test.each(['replication', 'database'] as const)(
    'publishes all the same, byte for byte, and writes its heartbeat (%s)',
    { timeout: 120_000 },
    async (by) => {
      const own = await OwnConnector.open(settings.map((setting) => ({ by, ...setting })));
      try {
        const topic = own.names.lifecycle;
        const records = await listen([topic]);
        const payload = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
        const beats = async () =>
          (await own.query<{ n: number }>('SELECT coalesce(max(id), 0)::int AS n FROM public.heartbeat'))[0]?.n ?? 0;
        await own.insert([{ topic, key: 'set', messageType: 'T', partition: 1, payload }]);
        await eventually(() => expect(byKey(records, 'set').map(({ value }) => value)).toContainEqual(payload));
        const before = await beats();
        await eventually(async () => expect(await beats()).toBeGreaterThan(before));
        // After the sessions were idle for longer than the server lets them be.
        await own.insert([{ topic, key: 'later', messageType: 'T', partition: 1, payload }]);
        await eventually(() => expect(byKey(records, 'later').map(({ value }) => value)).toContainEqual(payload));
      } finally {
        await own.close();
      }
    },
  );
});

/** Values in the order of their first coming: a restart may repeat, but never passes over anything. */
function distinct(records: readonly LogRecord[]): number[] {
  return [...new Set(records.map(({ value }) => value?.[0] ?? -1))];
}
