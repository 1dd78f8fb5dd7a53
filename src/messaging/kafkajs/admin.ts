/** Topics, offsets and groups by kafkajs' admin client, which is connected at its first use. */
import kafkajs, { type Admin } from 'kafkajs';
import type { LogAdmin, TopicSpec } from '../log.ts';
import { AdminConnection } from './admin-connection.ts';
import type { OpenClient } from './client.ts';
import { protocolErrorOf } from './errors.ts';

/** @param metadataMaxAgeMs how long it may take until partitions are seen that were added to a topic. */
export function createAdmin(open: OpenClient, metadataMaxAgeMs: number): LogAdmin {
  const connection = new AdminConnection<Admin>({
    open: () => {
      const client = open();
      return { admin: client.kafka.admin(), close: () => client.close() };
    },
    metadataMaxAgeMs,
  });
  const run = connection.run.bind(connection);

  return {
    describeTopics: (topics) =>
      run('describe topics', async (admin) => {
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
      run('list topics', async (admin) => {
        const there = new Set(await admin.listTopics());
        return topics.filter((topic) => !there.has(topic));
      }),
    createTopics: async (topics) => {
      // One by one: in a request for several, one that exists makes the whole answer an error.
      for (const topic of topics) {
        await run(`make the topic ${topic.topic}`, (admin) => createTopic(admin, topic));
        await run(`tell of the topic ${topic.topic}`, (admin) => admin.fetchTopicMetadata({ topics: [topic.topic] }));
      }
    },
    setTopicConfig: (topic, config) =>
      run(`set up the topic ${topic}`, async (admin) => {
        // Altering replaces all settings of a topic, so those that an administrator made are sent again.
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
      run(`read the offsets of ${topic}`, async (admin) =>
        offsetsOf((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({ partition, offset: high }))),
      ),
    offsetsAt: (topic, timestampMs) =>
      run(`read the offsets of ${topic}`, async (admin) => offsetsOf(await admin.fetchTopicOffsetsByTimestamp(topic, timestampMs))),
    committedOffsets: (groupId, topic) =>
      run(`read the offsets of the group ${groupId}`, async (admin) => {
        const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
        return offsetsOf((found?.partitions ?? []).filter(({ offset }) => offset !== '-1'));
      }),
    committedNotes: (groupId, topic) =>
      run(`read the offsets of the group ${groupId}`, async (admin) => {
        const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
        const noted = (found?.partitions ?? []).filter(({ metadata }) => metadata !== null && metadata !== '');
        return new Map(noted.map(({ partition, metadata }) => [partition, metadata ?? '']));
      }),
    deleteGroup: (groupId) =>
      run(`delete the group ${groupId}`, async (admin) => {
        try {
          await admin.deleteGroups([groupId]);
        } catch (error) {
          if (!(error instanceof kafkajs.KafkaJSDeleteGroupsError)) throw error;
          const failed = error.groups.map((group) => group.error).find((each) => protocolErrorOf(each) !== 'GROUP_ID_NOT_FOUND');
          if (failed !== undefined) throw failed;
        }
      }),
    ping: () =>
      run('answer', async (admin) => {
        await admin.describeCluster();
      }),
    close: () => connection.close(),
  };
}

async function createTopic(admin: Admin, { topic, partitions, replication, config }: TopicSpec): Promise<void> {
  // false means that it exists already.
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
}

function offsetsOf(partitions: readonly { readonly partition: number; readonly offset: string }[]): ReadonlyMap<number, bigint> {
  return new Map(partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
}
