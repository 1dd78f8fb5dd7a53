/** The consumers of an orchestrator: notifications, events of our topic and of others, dead letters. */
import type { EpochMs } from '../core/ids.ts';
import { createBirths } from '../engine/child/births.ts';
import { continuedOf } from '../engine/continuation/continued.ts';
import { InstanceProcessor } from '../engine/process/instance-processor.ts';
import type { AssignedStateCache } from '../engine/process/state-cache.ts';
import { createReadyDefinitions, type ReadyDefinitions } from '../engine/ready-definitions.ts';
import { createEventStarter } from '../engine/trigger/event-starter.ts';
import type { Codec } from '../messaging/codec.ts';
import { assertEventTopics } from '../messaging/foreign-topics.ts';
import type { Log, LogAdmin, LogProducer } from '../messaging/log.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';
import { groupNames, topicNames } from '../messaging/topics.ts';
import type { RetryPolicy } from '../service/backoff.ts';
import type { Config } from '../service/config.ts';
import type { Service } from '../service/process.ts';
import type { DefinitionCache } from '../store/definition-cache.ts';
import type { DefinitionStore } from '../store/definition-store.ts';
import type { EventMatcher, InstanceStore } from '../store/instance-store.ts';
import { createLatestVersions } from '../store/latest-versions.ts';
import { PartitionConsumer, type PartitionConsumerOptions } from './consumer/partition-consumer.ts';
import { createCorrelator } from './correlator/correlator.ts';
import { createDeadLetterIndexer } from './dead-letters/dead-letter-indexer.ts';
import type { DeadLetterSink } from './dead-letters/dead-letter-sink.ts';
import { DefinitionPublisher } from './definitions/definition-publisher.ts';
import { Assignments } from './leases/assigned.ts';
import { LeaseKeeper } from './leases/lease-keeper.ts';
import { createNotificationProcessor } from './notifications/notification-processor.ts';
import { createProcessingObserver } from './notifications/processing-observer.ts';
import type { OrchestratorMetrics } from './orchestrator-metrics.ts';

export type ConsumerConfig = Pick<Config, 'topics' | 'continuation' | 'limits' | 'service'> & {
  readonly kafka: Pick<Config['kafka'], 'sessionTimeoutMs'>;
};

export type ConsumerDependencies = {
  readonly config: ConsumerConfig;
  readonly service: Service;
  readonly retry: RetryPolicy;
  readonly definitions: DefinitionCache;
  readonly definitionStore: DefinitionStore;
  readonly store: InstanceStore;
  readonly matcher: EventMatcher;
  readonly codec: Codec;
  readonly outgoing: OutgoingMessages;
  readonly log: Log;
  readonly admin: LogAdmin;
  readonly producer: LogProducer;
  readonly deadLetters: DeadLetterSink;
  readonly metrics: OrchestratorMetrics;
  readonly stateCache: AssignedStateCache;
  /** Those that were started are added here. */
  readonly consumers: RunningConsumer[];
  /** The instance database's clock. */
  readonly now: () => EpochMs;
};

/** A consumer, whatever the type of its context. */
export type RunningConsumer = Pick<PartitionConsumer<unknown>, 'start' | 'stop' | 'groupId' | 'isMember' | 'lag' | 'assignment'>;

/** The part of the shutdown time that batches under way get; the rest is for leaving groups and closing connections. */
const DRAIN_SHARE = 0.6;
/** How often leases are looked at: a part of their length. */
const LEASES_MS = 250;
/** What an event's id, type, source and key add to its data at most: 500 characters each. */
const EVENT_ENVELOPE_BYTES = 8_192;

/** Resolves when each is a member of its group, except those of foreign topics that do not exist. */
export async function runConsumers(dependencies: ConsumerDependencies): Promise<void> {
  const { config, service, definitions, store, matcher, codec, outgoing, deadLetters, metrics, stateCache, now } = dependencies;
  const { log } = service;
  const { prefix, maxMessageBytes } = config.topics;
  const topics = topicNames(prefix);
  const groups = groupNames(prefix);

  const isContinued = config.continuation.isOn;
  const ready = await readyDefinitions(dependencies, createReadyDefinitions(definitions, outgoing));
  const assignments = new Assignments(stateCache);
  // All at the same time: one that waits for a database must not use up the time of the others.
  service.onStop('consumers', () =>
    Promise.all(dependencies.consumers.map((consumer) => consumer.stop(config.service.shutdownTimeoutMs * DRAIN_SHARE))),
  );
  const observer = createProcessingObserver(log, metrics);
  const latest = createLatestVersions(dependencies.definitionStore);
  const deciding = { store, definitions: ready, outgoing, limits: config.limits, now };
  const processor = new InstanceProcessor({
    ...deciding,
    births: createBirths({ ...deciding, latest }),
    observer,
    continuation: isContinued,
  });
  const maxBytes = config.limits.payloadBytes + EVENT_ENVELOPE_BYTES;
  const starter = createEventStarter({ definitions: ready, outgoing, now, limits: config.limits, continuation: isContinued });
  const correlate = createCorrelator({
    ...{ codec, maxBytes, maxMessageBytes, deadLetterTopic: topics.deadLetters, store, matcher, starter, deadLetters, log, metrics },
  });
  const notifications = openConsumer(dependencies, {
    groupId: groups.orchestrator,
    topics: [topics.notifications],
    openContext: () => assignments.open(),
    committable: ({ leases }, partition, reached) => leases.committable(partition, reached),
    process: createNotificationProcessor({ codec, maxMessageBytes, outgoing, processor, deadLetters, metrics }),
  });
  const keeper = new LeaseKeeper({
    ...{ topic: topics.notifications, store, outgoing, admin: dependencies.admin, consumer: notifications },
    assigned: () => assignments.current,
    continued: ({ state }) => continuedOf(isContinued, ready, state),
    onReleased: metrics.leaseEnded,
  });
  service.repeat('end leases', async () => {
    await keeper.look();
    return LEASES_MS;
  });
  await Promise.all([
    notifications.start(),
    runConsumer(dependencies, { groupId: groups.correlator(null), topics: [topics.events], openContext: () => null, process: correlate }),
    ...config.topics.events.map((topic) =>
      runForeignConsumer(dependencies, topic, { groupId: groups.correlator(topic), openContext: () => null, process: correlate }),
    ),
    runConsumer(dependencies, {
      groupId: groups.deadLetters,
      topics: [topics.deadLetters],
      openContext: () => null,
      process: createDeadLetterIndexer({ codec, store, log, onSkipped: (code) => metrics.deadLetter(topics.deadLetters, code) }),
    }),
  ]);
}

type ConsumerParts<Context> = Pick<PartitionConsumerOptions<Context>, 'groupId' | 'openContext' | 'process' | 'committable'> & {
  readonly topics: readonly string[];
};

/** Workers are told of the versions whose instances are moved on here. */
async function readyDefinitions(
  { config, service, codec, retry, producer }: ConsumerDependencies,
  ready: ReadyDefinitions,
): Promise<ReadyDefinitions> {
  if (!config.continuation.isOn) return ready;
  const { definitions: topic } = topicNames(config.topics.prefix);
  await retry('look up the schema of definitions', () => codec.prepare([{ topic, record: 'DefinitionVersion' }]));
  const publisher = new DefinitionPublisher({ codec, topic, producer, log: service.log });
  return {
    peek: (id, version) => ready.peek(id, version),
    async get(id, version) {
      const definition = await ready.get(id, version);
      publisher.tell(definition);
      return definition;
    },
    find: (id, version) => ready.find(id, version),
  };
}

async function runConsumer<Context>(dependencies: ConsumerDependencies, parts: ConsumerParts<Context>): Promise<void> {
  await openConsumer(dependencies, parts).start();
}

function openConsumer<Context>(
  dependencies: ConsumerDependencies,
  { groupId, topics, ...parts }: ConsumerParts<Context>,
): PartitionConsumer<Context> {
  const { config, service, log, metrics, consumers } = dependencies;
  const consumer = new PartitionConsumer({
    ...parts,
    groupId,
    openConsumer: (handlers) => log.consumer({ groupId, topics, sessionTimeoutMs: config.kafka.sessionTimeoutMs, handlers }),
    log: service.log,
    metrics,
  });
  consumers.push(consumer);
  service.health.check(`group ${groupId}`, () => (consumer.isMember ? null : 'this process is not a member of the group at present'));
  return consumer;
}

/** Reads a topic that others own. While it does not exist, neither the start nor other topics wait for it. */
async function runForeignConsumer<Context>(
  dependencies: ConsumerDependencies,
  topic: string,
  parts: Omit<ConsumerParts<Context>, 'topics'>,
): Promise<void> {
  const { admin, retry, service } = dependencies;
  const missing = await retry('list the topics', () => admin.missingTopics([topic]));
  if (missing.length === 0) return await runConsumer(dependencies, { ...parts, topics: [topic] });
  let isMissing = true;
  service.health.check(`topic ${topic}`, () => (isMissing ? 'MILLRACE_EVENT_TOPICS lists the topic, but it does not exist' : null));
  retry(`read events from ${topic}`, () => assertEventTopics(admin, [topic]))
    .then(async () => {
      isMissing = false;
      await runConsumer(dependencies, { ...parts, topics: [topic] });
    })
    .catch((error: unknown) => {
      if (!service.signal.aborted) throw error;
    });
}
