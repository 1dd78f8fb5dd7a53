/** Topics and consumer groups. */
import { CHILD_AGE_MS_MAX } from '../../../core/instance/children/age.ts';
import { DAY, defineGroup, HOUR, MIB } from '../group.ts';
import { duration, integer, list, matching } from '../variable.ts';

export const topics = defineGroup({
  title: 'Topics and groups',
  variables: {
    MILLRACE_TOPIC_PREFIX: matching('^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$', 'letters, digits, `.` and `-`, at most 64 characters', {
      description: 'Prefix of all topics and consumer groups. Another prefix is another, empty engine.',
      default: 'millrace',
    }),
    MILLRACE_PARTITIONS: integer(1, 1_000, {
      description:
        'Number of partitions of every topic that is keyed by instance. It cannot change after the installation: a process with another number does not start. 48 is a good number for production.',
      default: 8,
    }),
    MILLRACE_REPLICATION_FACTOR: integer(1, 10, {
      description:
        'Replicas of each topic that `millrace topics` creates; use 3 in production. From 3 on, two replicas must have a record before it counts as written.',
      default: 1,
    }),
    MILLRACE_TOPIC_RETENTION: duration(HOUR, CHILD_AGE_MS_MAX - DAY, {
      description:
        'How long tasks, notifications and events stay in their topics. Starts of children that are older than 14 days are not applied any more, so this and `MILLRACE_OUTBOX_RETENTION` must be less than 14 days together.',
      default: '7d',
    }),
    MILLRACE_MAX_MESSAGE_BYTES: integer(65_536, 16 * MIB, {
      description:
        'Largest record in bytes, for the topics and the outbox. The brokers must accept it (`message.max.bytes`) and 64 KiB more for dead letters.',
      default: MIB,
    }),
    MILLRACE_EVENT_TOPICS: list('topic', 'topic names, separated by commas', {
      description: 'Topics to read external events from, besides `<prefix>.events`.',
      default: '',
    }),
    MILLRACE_PUBLISH_TOPICS: list('topic', 'topic names, separated by commas', {
      description: 'Topics that a `publish` node may name, besides `<prefix>.events`.',
      default: '',
    }),
  },
  read: (values) => ({
    prefix: values.MILLRACE_TOPIC_PREFIX,
    partitions: values.MILLRACE_PARTITIONS,
    replicationFactor: values.MILLRACE_REPLICATION_FACTOR,
    retentionMs: values.MILLRACE_TOPIC_RETENTION,
    maxMessageBytes: values.MILLRACE_MAX_MESSAGE_BYTES,
    /** Topics with external events besides `<prefix>.events`. */
    events: values.MILLRACE_EVENT_TOPICS,
    /** Topics that `publish` may name besides `<prefix>.events`. */
    publish: values.MILLRACE_PUBLISH_TOPICS,
  }),
});
