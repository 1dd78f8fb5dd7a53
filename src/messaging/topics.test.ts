import { describe, expect, test } from 'vitest';
import { connectTopics, recordLimits } from '../../stack/settings.ts';
import type { LogAdmin, TopicDescription, TopicSpec } from './log.ts';
import {
  deadLetterExtraBytes,
  defaultMaxMessageBytes,
  ensureQueueTopic,
  ensureTopics,
  outboxTopics,
  topicNames,
  topicSpecs,
} from './topics.ts';

const settings = { prefix: 'mill', partitions: 8 };

/** The topics of a broker. `made` and `set` hold the requests. */
function fakeAdmin(there: readonly TopicDescription[] = []) {
  const topics = new Map(there.map((each) => [each.topic, each]));
  const made: string[] = [];
  const set: string[] = [];
  const unused = async (): Promise<never> => {
    throw new Error('not part of making topics');
  };
  const admin: LogAdmin = {
    describeTopics: async (names) => names.flatMap((name) => topics.get(name) ?? []),
    missingTopics: unused,
    createTopics: async (specs: readonly TopicSpec[]) => {
      for (const { topic, partitions, config } of specs) {
        made.push(topic);
        topics.set(topic, { topic, partitions, config });
      }
    },
    setTopicConfig: async (topic) => {
      set.push(topic);
    },
    endOffsets: unused,
    offsetsAt: unused,
    committedOffsets: unused,
    committedNotes: unused,
    deleteGroup: unused,
    ping: unused,
    close: unused,
  };
  return { admin, made, set };
}

describe('making topics', () => {
  test('makes all of them once, the heartbeat and those of Connect included', async () => {
    const { admin, made } = fakeAdmin();
    const { created } = await ensureTopics(admin, { ...settings, queues: ['mail'] });
    expect(created).toEqual(made);
    expect(made).toEqual([
      'mill.tasks',
      'mill.tasks.handlers',
      'mill.tasks.mail',
      'mill.notifications',
      'mill.lifecycle',
      'mill.events',
      'mill.dead-letters',
      'mill.probes',
      'mill.definitions',
      'mill.queues',
      '__debezium-heartbeat.mill',
      ...Object.values(connectTopics('mill')),
    ]);
    expect(await ensureTopics(admin, { ...settings, queues: ['mail'] })).toEqual({ created: [], changed: [] });
  });

  test('refuses a topic with another partition count, and says what to do', async () => {
    const { admin } = fakeAdmin([{ topic: 'mill.notifications', partitions: 6, config: {} }]);
    await expect(ensureTopics(admin, settings)).rejects.toMatchObject({
      code: 'MR_TOPIC_PARTITIONS',
      retryable: false,
      message: expect.stringContaining('mill.notifications has 6 partitions, but this installation has 8'),
    });
  });

  test('sets what differs', async () => {
    const specs = topicSpecs(settings);
    const { admin, set } = fakeAdmin(
      specs.map(({ topic, partitions, config }) => ({
        topic,
        partitions,
        config: topic === 'mill.events' ? { ...config, 'retention.ms': '5' } : { ...config, 'segment.bytes': '1' },
      })),
    );
    expect(await ensureTopics(admin, settings)).toEqual({ created: [], changed: ['mill.events'] });
    expect(set).toEqual(['mill.events']);
  });

  test('leaves topics that Connect made for itself as they are', async () => {
    const { admin, set } = fakeAdmin([{ topic: 'mill.connect.offsets', partitions: 25, config: {} }]);
    await ensureTopics(admin, settings);
    expect(set).toEqual([]);
  });

  test('makes the topic of a new queue only', async () => {
    const { admin, made } = fakeAdmin();
    await ensureQueueTopic(admin, settings, 'mail');
    expect(made).toEqual(['mill.tasks.mail']);
  });
});

test('record limits are one setting, and the stack has the same', () => {
  expect({ topicMaxMessageBytes: defaultMaxMessageBytes, deadLetterExtraBytes }).toMatchObject({
    topicMaxMessageBytes: recordLimits.topicMaxMessageBytes,
    deadLetterExtraBytes: recordLimits.deadLetterExtraBytes,
  });
  const bytes = Object.fromEntries(
    topicSpecs({ ...settings, maxMessageBytes: 1_000 }).map((spec) => [spec.topic, spec.config['max.message.bytes']]),
  );
  expect(bytes['mill.notifications']).toBe('1000');
  expect(bytes['mill.dead-letters']).toBe('66536');
});

test('the outbox takes messages for what Debezium writes, and for the configured topics of `publish`', () => {
  expect(outboxTopics('mill', ['mail', 'handlers'], ['orders', 'invoices'])).toEqual([
    ...['mill.tasks', 'mill.tasks.handlers', 'mill.tasks.mail', 'mill.notifications', 'mill.lifecycle', 'mill.events'],
    ...['mill.probes', 'mill.queues', 'orders', 'invoices'],
  ]);
});

test('names of the topics of Connect are those of the stack', () => {
  expect(topicNames('mill').connect).toEqual(connectTopics('mill'));
});
