/**
 * What the floor stands on: a database, two topics and a connector of its own on the same Kafka, Connect and Postgres that the
 * engine is measured on. The least that could do the job: JSON instead of Avro, no checks, no expressions.
 */
import kafkajs from 'kafkajs';
import pg from 'pg';
import engine from '../../connect/connector.json' with { type: 'json' };
import { openHome, readSecrets } from '../../stack/home.ts';
import type { StackHandle } from '../../stack/index.ts';
import { connectRestHeaders, host, roles } from '../../stack/settings.ts';

export const floorTopics = { tasks: 'floor.tasks', notifications: 'floor.notifications', ended: 'floor.ended' } as const;
export const partitions = 8;
const database = 'floor';
const connector = 'floor';

/** What the processes of the floor get as their environment. */
export type FloorEnvironment = { readonly FLOOR_DATABASE: string; readonly FLOOR_BROKERS: string };

export async function installFloor(stack: StackHandle, pollIntervalMs: number): Promise<FloorEnvironment> {
  const { superuser } = readSecrets(openHome(stack.home));
  const urlOf = (name: string): string => `postgres://${roles.superuser}:${superuser}@${host}:${stack.ports.postgres}/${name}`;
  await query(urlOf('postgres'), [`CREATE DATABASE ${database}`]);
  await query(urlOf(database), [
    `CREATE TABLE instance (id text PRIMARY KEY, partition int NOT NULL, version int NOT NULL, is_ended boolean NOT NULL, state bytea NOT NULL)
       WITH (fillfactor = 70)`,
    'CREATE TABLE history (instance_id text, version int, event bytea NOT NULL, PRIMARY KEY (instance_id, version))',
    `CREATE TABLE task (id text PRIMARY KEY, instance_id text NOT NULL, is_open boolean NOT NULL, scheduled_at timestamptz NOT NULL DEFAULT now())
       WITH (fillfactor = 70)`,
    `CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key text NOT NULL,
       type text NOT NULL, partition int NOT NULL, payload bytea NOT NULL)`,
    "CREATE PUBLICATION floor_outbox FOR TABLE outbox WITH (publish = 'insert')",
  ]);
  await createTopics(stack);
  await applyConnector(stack, superuser, pollIntervalMs);
  return { FLOOR_DATABASE: urlOf(database), FLOOR_BROKERS: stack.env.KAFKA_BROKERS ?? '' };
}

async function query(connectionString: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

async function createTopics(stack: StackHandle): Promise<void> {
  const admin = new kafkajs.Kafka({
    clientId: 'floor',
    brokers: [stack.env.KAFKA_BROKERS ?? ''],
    logLevel: kafkajs.logLevel.ERROR,
  }).admin();
  await admin.connect();
  const topics = Object.values(floorTopics).map((topic) => ({ topic, numPartitions: partitions, replicationFactor: 1 }));
  await admin.createTopics({ topics });
  await admin.disconnect();
}

/** The engine's connector for another table, without probes and heartbeats; what sets its speed is the same. Resolves when its task runs. */
async function applyConnector(stack: StackHandle, password: string, pollIntervalMs: number): Promise<void> {
  const { connectRest } = readSecrets(openHome(stack.home));
  const url = `http://${host}:${stack.ports.connect}/connectors/${connector}`;
  const headers = { ...connectRestHeaders(connectRest), 'content-type': 'application/json' };
  const settings = {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'topic.prefix': 'floor',
    ...{ 'database.hostname': host, 'database.port': String(stack.ports.postgres), 'database.dbname': database },
    ...{ 'database.user': roles.superuser, 'database.password': password },
    ...{ 'plugin.name': 'pgoutput', 'slot.name': 'floor', 'publication.name': 'floor_outbox', 'publication.autocreate.mode': 'disabled' },
    ...{ 'table.include.list': 'public.outbox', 'snapshot.mode': 'no_data', 'tombstones.on.delete': 'false' },
    ...{
      'poll.interval.ms': String(pollIntervalMs),
      'max.batch.size': engine['max.batch.size'],
      'max.queue.size': engine['max.queue.size'],
    },
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'io.debezium.converters.BinaryDataConverter',
    'value.converter.delegate.converter.type': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.delegate.converter.type.schemas.enable': 'false',
    transforms: 'outbox',
    'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
    'transforms.outbox.table.field.event.id': 'id',
    'transforms.outbox.table.field.event.key': 'key',
    'transforms.outbox.table.field.event.payload': 'payload',
    'transforms.outbox.route.by.field': 'topic',
    'transforms.outbox.route.topic.replacement': '$' + '{routedByValue}',
    'transforms.outbox.table.fields.additional.placement': 'type:header:messageType,partition:partition',
    'transforms.outbox.table.op.invalid.behavior': 'error',
    ...{ 'producer.override.linger.ms': '0', 'producer.override.batch.size': '131072', 'producer.override.acks': 'all' },
  };
  const answer = await fetch(`${url}/config`, { method: 'PUT', headers, body: JSON.stringify(settings) });
  if (!answer.ok) throw new Error(`Connect refused the connector of the floor: ${await answer.text()}`);
  const deadline = performance.now() + 60_000;
  for (;;) {
    const status = (await (await fetch(`${url}/status`, { headers })).json()) as { readonly tasks?: readonly { readonly state: string }[] };
    if (status.tasks?.[0]?.state === 'RUNNING') return;
    if (performance.now() > deadline) throw new Error(`The connector of the floor does not run: ${JSON.stringify(status)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
