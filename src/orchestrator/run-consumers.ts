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
import { isContinuing } from '../messaging/produced-headers.ts';
import { groupNames, topicNames } from '../messaging/topics.ts';
import type { RetryPolicy } from '../service/backoff.ts';
import type { Config } from '../service/config.ts';
import type { Service } from '../service/process.ts';
import { runLimitsOf } from '../service/run-limits.ts';
import type { DefinitionCache } from '../store/definition-cache.ts';
import type { DefinitionStore } from '../store/definition-store.ts';
import type { EventMatcher, InstanceStore } from '../store/instance-store.ts';
import { createLatestVersions } from '../store/latest-versions.ts';
import { PartitionConsumer, type PartitionConsumerOptions } from './consumer/partition-consumer.ts';
import { createCorrelator } from './correlator/correlator.ts';
import { createDeadLetterIndexer } from './dead-letters/dead-letter-indexer.ts';
import type { DeadLetterSink } from './dead-letters/dead-letter-sink.ts';
import { DefinitionPublisher } from './definitions/definition-publisher.ts';
import { DirectSender } from './direct/direct-sender.ts';
import { createEndTeller } from './ends/end-teller.ts';
import { type Assigned, Assignments } from './leases/assigned.ts';
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
/** Most partitions whose batches begin together: what one round writes is one transaction. */
const rounds = { batchesAtOnce: 64 } as const;
/**
 * How long outcomes wait whose worker goes on with the next task: that one's outcome is about to come, and all of an instance in a batch is one
 * write. Whatever else comes in the partition ends the wait, so nobody waits for it but who looks at the instance.
 */
const CONTINUED_MS = 20;
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

  const limits = runLimitsOf(config);
  const isContinued = config.continuation.isOn;
  const ready = await readyDefinitions(dependencies, createReadyDefinitions(definitions, outgoing));
  const assignments = new Assignments(stateCache);
  // Before the consumers, so that it is closed after them.
  const direct = config.continuation.isDirect
    ? openDirectSender(dependencies, (partition) => notifications.commitAgain({ topic: topics.notifications, partition }))
    : null;
  // All at the same time: one that waits for a database must not use up the time of the others.
  service.onStop('consumers', () =>
    Promise.all(dependencies.consumers.map((consumer) => consumer.stop(config.service.shutdownTimeoutMs * DRAIN_SHARE))),
  );
  const observer = createProcessingObserver(log, metrics);
  const latest = createLatestVersions(dependencies.definitionStore);
  const deciding = { store, definitions: ready, outgoing, limits, now, continuation: isContinued };
  const processor = new InstanceProcessor({ ...deciding, births: createBirths({ ...deciding, latest }), observer, tellsEnds: true });
  const maxBytes = limits.messageBytes + EVENT_ENVELOPE_BYTES;
  const starter = createEventStarter(deciding);
  const correlate = createCorrelator({
    ...{ codec, maxBytes, maxMessageBytes, deadLetterTopic: topics.deadLetters, store, matcher, starter, deadLetters, log, metrics },
  });
  const correlating = { openContext: () => null, process: correlate, limits: rounds };
  const notifications: PartitionConsumer<Assigned> = openConsumer(dependencies, {
    groupId: groups.orchestrator,
    topics: [topics.notifications],
    openContext: () => assignments.open(),
    committable: ({ leases }, partition, reached) => leases.committable(partition, reached),
    process: createNotificationProcessor({
      ...{ codec, maxMessageBytes, outgoing, processor, outputs: store, deadLetters, metrics },
      tellEnds: createEndTeller(outgoing, dependencies.producer),
      direct,
    }),
    // Else whoever owns the partitions next would find tasks that the broker is about to have.
    settled: async () => direct?.settled(),
    patience: { ms: CONTINUED_MS, mayWait: isContinuing },
    limits: rounds,
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
    runConsumer(dependencies, { groupId: groups.correlator(null), topics: [topics.events], ...correlating }),
    ...config.topics.events.map((topic) => runForeignConsumer(dependencies, topic, { groupId: groups.correlator(topic), ...correlating })),
    runConsumer(dependencies, {
      groupId: groups.deadLetters,
      topics: [topics.deadLetters],
      openContext: () => null,
      process: createDeadLetterIndexer({ codec, store, log, onSkipped: (code) => metrics.deadLetter(topics.deadLetters, code) }),
    }),
  ]);
}

type ConsumerParts<Context> = Pick<
  PartitionConsumerOptions<Context>,
  'groupId' | 'openContext' | 'process' | 'committable' | 'settled' | 'patience' | 'limits'
> & {
  readonly topics: readonly string[];
};

function openDirectSender({ service, log, metrics }: ConsumerDependencies, commitAgain: (partition: number) => void): DirectSender {
  const producer = log.producer();
  service.onStop('producer of tasks', () => producer.stop());
  return new DirectSender({ producer, commitAgain, onProduced: metrics.sentDirectly, log: service.log });
}

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
    async find(id, version) {
      const definition = await ready.find(id, version);
      if (definition !== null) publisher.tell(definition);
      return definition;
    },
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
