/** What an engine leaves in the parts of a stack, asked of each part itself: what a restart keeps and a reset deletes. */
import kafkajs from 'kafkajs';
import pg from 'pg';
import { mendRequestQueue } from '../../src/messaging/kafkajs/request-queue.ts';
import { connectTopics } from '../../stack/settings.ts';
import { fetchConnect } from './connect-rest.ts';

export type StackTraces = {
  readonly slots: readonly string[];
  readonly tables: number;
  /** All but those that Connect makes for itself. */
  readonly topics: readonly string[];
  /** How many the topic of notifications has ever held. */
  readonly notifications: number;
  readonly connectors: readonly string[];
  /** Whether Connect has ever noted how far it has read. */
  readonly connectOffsets: boolean;
  /** The id of the latest version of each subject. */
  readonly schemas: Readonly<Record<string, number>>;
};

/** @param env of an engine process on the stack. */
export async function readStackTraces(env: Readonly<Record<string, string>>): Promise<StackTraces> {
  return {
    ...(await readDatabase(env)),
    ...(await readTopics(env)),
    connectors: await readConnectors(env),
    schemas: await readSchemas(env),
  };
}

async function readDatabase(env: Readonly<Record<string, string>>): Promise<Pick<StackTraces, 'slots' | 'tables'>> {
  const client = new pg.Client({ connectionString: env.INSTANCE_DATABASE_URL });
  await client.connect();
  try {
    const slots = await client.query<{ name: string }>('select slot_name as name from pg_replication_slots order by 1');
    // Partitions come and go with the time.
    const tables = await client.query<{ count: number }>(
      "select count(*)::int from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace",
    );
    return { slots: slots.rows.map(({ name }) => name), tables: tables.rows[0]?.count ?? 0 };
  } finally {
    await client.end();
  }
}

async function readTopics(
  env: Readonly<Record<string, string>>,
): Promise<Pick<StackTraces, 'topics' | 'notifications' | 'connectOffsets'>> {
  const own = connectTopics(env.MILLRACE_TOPIC_PREFIX ?? '');
  mendRequestQueue();
  const admin = new kafkajs.Kafka({ brokers: [env.KAFKA_BROKERS ?? ''], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const topics = await admin.listTopics();
    const held = async (topic: string): Promise<number> => {
      const partitions = topics.includes(topic) ? await admin.fetchTopicOffsets(topic) : [];
      return partitions.reduce((sum, { high }) => sum + Number(high), 0);
    };
    return {
      topics: topics.filter((topic) => !Object.values(own).includes(topic) && !topic.startsWith('__')).sort(),
      notifications: await held(`${env.MILLRACE_TOPIC_PREFIX}.notifications`),
      connectOffsets: (await held(own.offsets)) > 0,
    };
  } finally {
    await admin.disconnect();
  }
}

async function readConnectors(env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  return (await (await fetchConnect('/connectors', {}, env)).json()) as string[];
}

async function readSchemas(env: Readonly<Record<string, string>>): Promise<Readonly<Record<string, number>>> {
  const subjects = await read<string[]>(`${env.SCHEMA_REGISTRY_URL}/subjects`);
  const versions = subjects.sort().map(async (subject) => {
    const { id } = await read<{ id: number }>(`${env.SCHEMA_REGISTRY_URL}/subjects/${encodeURIComponent(subject)}/versions/latest`);
    return [subject, id] as const;
  });
  return Object.fromEntries(await Promise.all(versions));
}

async function read<Answer>(url: string): Promise<Answer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as Answer;
}
