/**
 * Names and settings of every topic, and how they are made, idempotently. A row for a missing topic stops the whole connector, so
 * topics are never created implicitly: `millrace topics` and the deploy of a new queue make them.
 */
import { MillraceError } from '../core/error.ts';
import type { LogAdmin, TopicDescription, TopicSpec } from './log.ts';

export type TopicNames = {
  /** Tasks of `http` nodes with null, of a queue's handlers otherwise. */
  tasks(queue: string | null): string;
  readonly notifications: string;
  readonly events: string;
  readonly lifecycle: string;
  readonly deadLetters: string;
  /** Messages that orchestrators write to the outbox to see that they arrive. */
  readonly probes: string;
  /** The topic of Debezium's heartbeat. If it is missing, nothing is delivered. */
  readonly heartbeat: string;
  /** Versions of definitions that workers go on with by themselves. */
  readonly definitions: string;
  /** Which queues are paused. */
  readonly queues: string;
  readonly connect: { readonly configs: string; readonly offsets: string; readonly status: string };
};

export function topicNames(prefix: string): TopicNames {
  return {
    tasks: (queue) => (queue === null ? `${prefix}.tasks` : `${prefix}.tasks.${queue}`),
    notifications: `${prefix}.notifications`,
    events: `${prefix}.events`,
    lifecycle: `${prefix}.lifecycle`,
    deadLetters: `${prefix}.dead-letters`,
    probes: `${prefix}.probes`,
    definitions: `${prefix}.definitions`,
    queues: `${prefix}.queues`,
    heartbeat: `__debezium-heartbeat.${prefix}`,
    connect: { configs: `${prefix}.connect.configs`, offsets: `${prefix}.connect.offsets`, status: `${prefix}.connect.status` },
  };
}

/** Consumer groups. Their names are part of the compatibility contract: an upgrade keeps them. */
export type GroupNames = {
  tasks(queue: string | null): string;
  readonly orchestrator: string;
  /** Of a topic of `MILLRACE_EVENT_TOPICS`, or of our own events (null). */
  correlator(topic: string | null): string;
  /** Copies the dead letters into the table. */
  readonly deadLetters: string;
};

export function groupNames(prefix: string): GroupNames {
  return {
    tasks: (queue) => (queue === null ? `${prefix}.tasks` : `${prefix}.tasks.${queue}`),
    orchestrator: `${prefix}.orchestrator`,
    correlator: (topic) => (topic === null ? `${prefix}.correlator` : `${prefix}.correlator.${topic}`),
    deadLetters: `${prefix}.dead-letters`,
  };
}

/** The queue of `task` nodes that do not name one. */
export const defaultQueue = 'handlers';
export const defaultMaxMessageBytes = 1_048_576;
/** `<prefix>.dead-letters` holds an original and the reason beside it. */
export const deadLetterExtraBytes = 65_536;

export type TopicSettings = {
  readonly prefix: string;
  /** Frozen at install; every topic that is keyed by instance has this many partitions. */
  readonly partitions: number;
  /** Default 1. */
  readonly replication?: number;
  /** Largest record of our topics; default 1 MiB. The outbox's CHECK comes from the same setting. */
  readonly maxMessageBytes?: number;
  /** How long tasks, notifications and lifecycle are kept; default 7 days. */
  readonly retentionMs?: number;
  /** Queues beside the default one. */
  readonly queues?: readonly string[];
};

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Every topic that an installation has, with its settings. */
export function topicSpecs(settings: TopicSettings): TopicSpec[] {
  const names = topicNames(settings.prefix);
  const replication = settings.replication ?? 1;
  const compacted = { 'cleanup.policy': 'compact' };
  const queues = [...new Set([defaultQueue, ...(settings.queues ?? [])])];
  return [
    ...[null, ...queues].map((queue) => queueTopicSpec(settings, queue)),
    keyedByInstance(settings, names.notifications),
    keyedByInstance(settings, names.lifecycle),
    keyedByInstance(settings, names.events),
    keyedByInstance(settings, names.deadLetters, {
      'max.message.bytes': String(maxBytes(settings) + deadLetterExtraBytes),
      // People look at them later than consumers read.
      'retention.ms': String(30 * dayMs),
    }),
    { topic: names.probes, partitions: 1, replication, config: { 'retention.ms': String(hourMs), 'segment.ms': String(hourMs) } },
    { topic: names.definitions, partitions: 1, replication, config: { ...compacted, 'max.message.bytes': String(maxBytes(settings)) } },
    { topic: names.queues, partitions: 1, replication, config: compacted },
    { topic: names.heartbeat, partitions: 1, replication, config: { 'retention.ms': String(dayMs) } },
    { topic: names.connect.configs, partitions: 1, replication, config: compacted },
    { topic: names.connect.offsets, partitions: 1, replication, config: compacted },
    { topic: names.connect.status, partitions: 1, replication, config: compacted },
  ];
}

/** Topics for which the outbox accepts messages: those of Millrace that Debezium writes, and those that `publish` may name. */
export function outboxTopics(prefix: string, queues: readonly string[] = [], publishTopics: readonly string[] = []): string[] {
  const names = topicNames(prefix);
  const tasks = [null, ...new Set([defaultQueue, ...queues])].map((queue) => names.tasks(queue));
  return [...tasks, names.notifications, names.lifecycle, names.events, names.probes, names.queues, ...publishTopics];
}

export function queueTopicSpec(settings: TopicSettings, queue: string | null): TopicSpec {
  return keyedByInstance(settings, topicNames(settings.prefix).tasks(queue));
}

function maxBytes(settings: TopicSettings): number {
  return settings.maxMessageBytes ?? defaultMaxMessageBytes;
}

function keyedByInstance(settings: TopicSettings, topic: string, config: Readonly<Record<string, string>> = {}): TopicSpec {
  return {
    topic,
    partitions: settings.partitions,
    replication: settings.replication ?? 1,
    config: {
      'cleanup.policy': 'delete',
      // Producers decide: all of them use a compression that every consumer of Millrace reads.
      'compression.type': 'producer',
      'max.message.bytes': String(maxBytes(settings)),
      'retention.ms': String(settings.retentionMs ?? 7 * dayMs),
      ...config,
    },
  };
}

export type EnsuredTopics = { readonly created: readonly string[]; readonly changed: readonly string[] };

/**
 * Makes what is missing and sets what differs; safe to repeat, and from several processes at once. Throws `MR_TOPIC_PARTITIONS`
 * (not retryable) when a topic has another number of partitions: that can never be corrected.
 */
export async function ensureTopics(admin: LogAdmin, settings: TopicSettings): Promise<EnsuredTopics> {
  return await ensureSpecs(admin, settings, topicSpecs(settings));
}

/** Makes the topic of a queue; deploying a definition with a new queue does so before it answers. */
export async function ensureQueueTopic(admin: LogAdmin, settings: TopicSettings, queue: string): Promise<EnsuredTopics> {
  return await ensureSpecs(admin, settings, [queueTopicSpec(settings, queue)]);
}

function isOurs(topic: string, { prefix }: TopicSettings): boolean {
  const { heartbeat, connect } = topicNames(prefix);
  return ![heartbeat, ...Object.values(connect)].includes(topic);
}

async function ensureSpecs(admin: LogAdmin, settings: TopicSettings, specs: readonly TopicSpec[]): Promise<EnsuredTopics> {
  const before = await describe(admin, specs);
  const missing = specs.filter(({ topic }) => !before.has(topic));
  if (missing.length > 0) await admin.createTopics(missing);
  // Topics that were missing are read again too: another process may have made them with other settings meanwhile.
  const after = missing.length > 0 ? await describe(admin, specs) : before;
  const changed: string[] = [];
  for (const spec of specs) {
    const found = after.get(spec.topic);
    if (found === undefined) continue;
    // If Connect starts first, it creates its own topics, with the settings of its administrator.
    if (!isOurs(spec.topic, settings)) continue;
    if (found.partitions !== spec.partitions) throw partitionsDiffer(spec, found);
    if (Object.entries(spec.config).every(([name, value]) => found.config[name] === value)) continue;
    await admin.setTopicConfig(spec.topic, spec.config);
    changed.push(spec.topic);
  }
  return { created: missing.map(({ topic }) => topic), changed };
}

async function describe(admin: LogAdmin, specs: readonly TopicSpec[]): Promise<ReadonlyMap<string, TopicDescription>> {
  const found = await admin.describeTopics(specs.map(({ topic }) => topic));
  return new Map(found.map((description) => [description.topic, description]));
}

function partitionsDiffer(spec: TopicSpec, found: TopicDescription): MillraceError {
  const message =
    `Topic ${spec.topic} has ${found.partitions} partitions, but this installation has ${spec.partitions}. ` +
    'The count is frozen: set MILLRACE_PARTITIONS to what was installed, or choose another MILLRACE_TOPIC_PREFIX.';
  return new MillraceError('MR_TOPIC_PARTITIONS', message, { retryable: false });
}
