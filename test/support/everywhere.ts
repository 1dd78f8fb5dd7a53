/** Where a text stands in what a stack keeps: every row of both databases, and every record of the topics of an installation. */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { pino } from 'pino';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import { connectTopics } from '../../stack/settings.ts';
import { stackEnv } from './env.ts';
import { eventually } from './eventually.ts';

/** Names of the tables whose rows hold it, as text or in bytes. */
export async function tablesWith(text: string): Promise<readonly string[]> {
  const { DEFINITION_DATABASE_URL, INSTANCE_DATABASE_URL } = stackEnv();
  const found: string[] = [];
  for (const connectionString of [DEFINITION_DATABASE_URL, INSTANCE_DATABASE_URL]) {
    const client = new pg.Client({ connectionString });
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string }>(
        "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace",
      );
      for (const { name } of rows) {
        const where = "position($1 IN x::text) > 0 OR position(encode(convert_to($1, 'UTF8'), 'hex') IN x::text) > 0";
        const hits = await client.query(`SELECT FROM ${client.escapeIdentifier(name)} AS x WHERE ${where} LIMIT 1`, [text]);
        if (hits.rows.length > 0) found.push(name);
      }
    } finally {
      await client.end();
    }
  }
  return found.sort();
}

/**
 * Names of the topics that hold a record, of those that are there now, with the text in its key, its value or a header: for each of
 * the texts. Reads all topics of an installation, and Connect's own.
 * @param prefix of the installation's topics; default: the run's.
 */
export async function topicsWith(
  texts: readonly string[],
  prefix = stackEnv().MILLRACE_TOPIC_PREFIX ?? '',
): Promise<readonly (readonly string[])[]> {
  const { KAFKA_BROKERS = '' } = stackEnv();
  const brokers = KAFKA_BROKERS.split(',');
  const log = connectKafka({ brokers, clientId: 'everywhere' }, pino({ level: 'silent' }));
  const own = Object.values(connectTopics(prefix));
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  const unread = new Map<string, bigint>();
  let topics: readonly string[];
  try {
    topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`) || own.includes(topic) || topic === '_schemas');
    for (const topic of topics)
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
        if (BigInt(high) > BigInt(low)) unread.set(`${topic}/${partition}`, BigInt(high));
  } finally {
    await admin.disconnect();
  }
  const needles = texts.map((text) => ({ bytes: Buffer.from(text), topics: new Set<string>() }));
  const consumer = log.consumer({
    groupId: `everywhere-${randomUUID()}`,
    topics,
    handlers: {
      onBatch({ topic, partition, records, highWatermark }) {
        for (const { key, value, headers } of records)
          for (const bytes of [key, value, ...headers.map((header) => header.value)])
            for (const needle of needles) if (bytes?.includes(needle.bytes) === true) needle.topics.add(topic);
        const last = records.at(-1)?.offset ?? 0n;
        // The end of a compacted partition may hold no record any more.
        const end = unread.get(`${topic}/${partition}`) ?? 0n;
        if (last + 1n >= end || last + 1n >= highWatermark) unread.delete(`${topic}/${partition}`);
      },
      onAssigned: () => undefined,
      onRevoked: () => undefined,
    },
  });
  await consumer.start();
  try {
    await eventually(() => {
      if (unread.size > 0) throw new Error(`These partitions are not read to their end: ${[...unread.keys()].join(', ')}`);
    });
  } finally {
    await consumer.stop();
  }
  return needles.map((needle) => [...needle.topics].sort());
}
