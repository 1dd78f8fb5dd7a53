/** Topics, offsets and groups by kafkajs' admin client, which is connected at its first use. */
import { ConstantBackoff, handleWhen, retry } from 'cockatiel';
import kafkajs, { type Admin } from 'kafkajs';
import type { LogAdmin, TopicSpec } from '../log.ts';
import type { OpenClient } from './client.ts';
import { protocolErrorOf, unavailable } from './errors.ts';

export function createAdmin(open: OpenClient): LogAdmin {
  const client = open();
  const admin = client.kafka.admin();
  let connecting: Promise<void> | null = null;

  const run = async <Value>(what: string, work: (admin: Admin) => Promise<Value>): Promise<Value> => {
    try {
      connecting ??= admin.connect();
      await connecting;
    } catch (error) {
      connecting = null;
      throw unavailable(what, error);
    }
    try {
      return await work(admin);
    } catch (error) {
      throw unavailable(what, error);
    }
  };

  return {
    describeTopics: (topics) =>
      run('describe topics', async () => {
        const there = new Set(await admin.listTopics());
        const wanted = topics.filter((topic) => there.has(topic));
        if (wanted.length === 0) return [];
        const metadata = await admin.fetchTopicMetadata({ topics: wanted });
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: wanted.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
        });
        const configs = new Map(
          resources.map(({ resourceName, configEntries }) => [
            resourceName,
            Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
          ]),
        );
        return metadata.topics.map(({ name, partitions }) => ({
          topic: name,
          partitions: partitions.length,
          config: configs.get(name) ?? {},
        }));
      }),
    missingTopics: (topics) =>
      run('list topics', async () => {
        const there = new Set(await admin.listTopics());
        return topics.filter((topic) => !there.has(topic));
      }),
    createTopics: (topics) =>
      run('make topics', async () => {
        // One by one: of several in a request, one that is there already makes the whole answer an error.
        for (const topic of topics) await createTopic(admin, topic);
      }),
    setTopicConfig: (topic, config) =>
      run(`set up the topic ${topic}`, async () => {
        // Altering replaces all settings of the topic: those that an administrator made stay.
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
        });
        const own = (resources[0]?.configEntries ?? []).filter(({ configSource }) => configSource === kafkajs.ConfigSource.TOPIC_CONFIG);
        const merged = { ...Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue])), ...config };
        const configEntries = Object.entries(merged).map(([name, value]) => ({ name, value }));
        await admin.alterConfigs({
          validateOnly: false,
          resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }],
        });
      }),
    endOffsets: (topic) =>
      run(`read the offsets of ${topic}`, async () =>
        offsetsOf((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({ partition, offset: high }))),
      ),
    offsetsAt: (topic, timestampMs) =>
      run(`read the offsets of ${topic}`, async () => offsetsOf(await admin.fetchTopicOffsetsByTimestamp(topic, timestampMs))),
    committedOffsets: (groupId, topic) =>
      run(`read the offsets of the group ${groupId}`, async () => {
        const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
        return offsetsOf((found?.partitions ?? []).filter(({ offset }) => offset !== '-1'));
      }),
    deleteGroup: (groupId) =>
      run(`delete the group ${groupId}`, async () => {
        try {
          await admin.deleteGroups([groupId]);
        } catch (error) {
          if (!(error instanceof kafkajs.KafkaJSDeleteGroupsError)) throw error;
          const failed = error.groups.map((group) => group.error);
          if (failed.some((each) => protocolErrorOf(each) !== 'GROUP_ID_NOT_FOUND')) throw error;
        }
      }),
    ping: () =>
      run('answer', async () => {
        await admin.describeCluster();
      }),
    close: async () => {
      connecting = null;
      await admin.disconnect();
      client.close();
    },
  };
}

/** A topic that was just made is not yet known to whichever broker is asked next. */
const notYet = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);
const untilKnown = retry(
  handleWhen((error) => notYet.has(protocolErrorOf(error) ?? '')),
  { maxAttempts: 60, backoff: new ConstantBackoff(100) },
);

async function createTopic(admin: Admin, { topic, partitions, replication, config }: TopicSpec): Promise<void> {
  // false means that it is there already.
  await admin.createTopics({
    // kafkajs waits for leaders, but takes a broker that does not know the topic yet for a failure.
    waitForLeaders: false,
    topics: [
      {
        topic,
        numPartitions: partitions,
        replicationFactor: replication,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      },
    ],
  });
  await untilKnown.execute(() => admin.fetchTopicMetadata({ topics: [topic] }));
}

function offsetsOf(partitions: readonly { readonly partition: number; readonly offset: string }[]): ReadonlyMap<number, bigint> {
  return new Map(partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
}
