/** Topics, offsets and groups of the log in memory. */
import { MillraceError } from '../../core/error.ts';
import type { LogAdmin } from '../log.ts';
import type { MemoryCluster } from './cluster.ts';
import type { MemoryTopic } from './topic.ts';

export function createMemoryAdmin(cluster: MemoryCluster, defaults: Readonly<Record<string, string>>): LogAdmin {
  function topicOf(name: string): MemoryTopic {
    const topic = cluster.topic(name);
    if (topic === undefined) throw new MillraceError('MR_KAFKA_UNAVAILABLE', `There is no topic ${name} (yet).`, { retryable: true });
    return topic;
  }

  function byPartition(topic: MemoryTopic, offsetOf: (partition: number) => bigint): ReadonlyMap<number, bigint> {
    return new Map(Array.from({ length: topic.partitions }, (_, partition) => [partition, offsetOf(partition)]));
  }

  return {
    describeTopics: async (names) =>
      names.flatMap((name) => {
        const topic = cluster.topic(name);
        return topic === undefined ? [] : [{ topic: name, partitions: topic.partitions, config: { ...defaults, ...topic.config } }];
      }),
    missingTopics: async (names) => names.filter((name) => cluster.topic(name) === undefined),
    createTopics: async (specs) => {
      for (const spec of specs) cluster.create(spec);
    },
    setTopicConfig: async (name, config) => {
      const topic = topicOf(name);
      topic.config = { ...topic.config, ...config };
    },
    endOffsets: async (name) => {
      const topic = topicOf(name);
      return byPartition(topic, (partition) => topic.end(partition));
    },
    offsetsAt: async (name, timestampMs) => {
      const topic = topicOf(name);
      return byPartition(topic, (partition) => topic.offsetAt(partition, timestampMs));
    },
    committedOffsets: async (groupId, name) => new Map(cluster.findGroup(groupId)?.committed(name)),
    committedNotes: async (groupId, name) => new Map(cluster.findGroup(groupId)?.notes(name)),
    deleteGroup: async (groupId) => {
      if (cluster.findGroup(groupId)?.isEmpty === false)
        throw new MillraceError('MR_KAFKA_UNAVAILABLE', `The group ${groupId} has members.`, { retryable: true });
      cluster.deleteGroup(groupId);
    },
    ping: async () => undefined,
    close: async () => undefined,
  };
}
