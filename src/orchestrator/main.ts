/**
 * The orchestrator process: applies notifications to instances, correlates external events, indexes dead letters, fires
 * timers, sends tasks again that have nothing in flight, keeps the database small and the connector running. The only file of
 * this folder that knows which databases, which log and which registry there are. Any number may run side by side: consumer
 * groups, row locks and the version check divide the work.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectorSupervisor } from '../../connect/supervisor.ts';
import type { EpochMs } from '../core/ids.ts';
import { createEventMatcher } from '../engine/correlate/event-matcher.ts';
import { AssignedStateCache } from '../engine/process/state-cache.ts';
import { type Codec, createCodec } from '../messaging/codec.ts';
import { connectKafka } from '../messaging/kafkajs/index.ts';
import type { Log, LogAdmin } from '../messaging/log.ts';
import { createOutgoing, type OutgoingMessages } from '../messaging/outgoing.ts';
import { connectRegistry } from '../messaging/registry.ts';
import { topicNames } from '../messaging/topics.ts';
import { isRetryable, type RetryPolicy, retryForever } from '../service/backoff.ts';
import type { Config } from '../service/config.ts';
import { kafkaOptions, registryOptions } from '../service/connections.ts';
import { keepDatabaseClock } from '../service/database-clock.ts';
import type { Logger } from '../service/logging.ts';
import { outboxMetrics } from '../service/metrics.ts';
import { type RunningProcess, type Service, startService } from '../service/process.ts';
import { createDefinitionCache } from '../store/definition-cache.ts';
import type { DefinitionStore } from '../store/definition-store.ts';
import type { EventMatcher, InstanceStore } from '../store/instance-store.ts';
import type { OutboxGauge, OutboxState } from '../store/maintenance.ts';
import { slotName } from '../store/outbox-names.ts';
import {
  assertInstallation,
  createDefinitionStore,
  createInstanceStore,
  createMaintenance,
  createOutboxGauge,
  createPools,
  type Pools,
} from '../store/postgres/index.ts';
import { createDeadLetterSink, type DeadLetterSink } from './dead-letter-sink.ts';
import { createOrchestratorMetrics, type OrchestratorMetrics } from './orchestrator-metrics.ts';
import { type RedispatchCounts, Redispatcher } from './redispatch.ts';
import { type RunningConsumer, runConsumers } from './run-consumers.ts';
import { createTimerTask } from './timers.ts';

/** What `loadConfig` must be asked for. */
export const orchestratorConfigGroups = [
  'kafka',
  'registry',
  'connect',
  'databases',
  'topics',
  'orchestrator',
  'limits',
  'service',
  'log',
] as const;
export type OrchestratorConfig = Pick<Config, (typeof orchestratorConfigGroups)[number]>;

const OUTBOX_SAMPLE_MS = 2_000;
const MAINTENANCE_MS = 60_000;
/** Of no key: what the database is asked only to see that it answers. */
const NO_HASH = Buffer.alloc(32);

/** Resolves when it has joined its groups, however long a broker or a database is away. */
export async function runOrchestrator(config: OrchestratorConfig): Promise<RunningProcess> {
  return await startService('orchestrator', config, async (service) => {
    const dependencies = await connect(config, service);
    await watchOutside(dependencies);
    const now = await keepDatabaseClock(() => dependencies.store.now(), dependencies.retry, service);
    await runConsumers({ ...dependencies, now, definitions: createDefinitionCache(dependencies.definitions) });
  });
}

type Dependencies = {
  readonly config: OrchestratorConfig;
  readonly service: Service;
  readonly retry: RetryPolicy;
  readonly pools: Pools;
  readonly definitions: DefinitionStore;
  readonly store: InstanceStore;
  readonly matcher: EventMatcher;
  readonly codec: Codec;
  readonly outgoing: OutgoingMessages;
  readonly log: Log;
  readonly admin: LogAdmin;
  readonly deadLetters: DeadLetterSink;
  readonly metrics: OrchestratorMetrics;
  readonly stateCache: AssignedStateCache;
  readonly consumers: RunningConsumer[];
};

/** Opens everything that the parts stand on. */
async function connect(config: OrchestratorConfig, service: Service): Promise<Dependencies> {
  const { log: logger, signal } = service;
  const { prefix } = config.topics;
  const retry = retryForever(isRetryable, signal, logger);
  const pools = openPools(config, 'millrace-orchestrator', logger);
  service.onStop('databases', () => pools.close());
  await retry('check the installation', () => assertInstallation(pools.instances, config.topics.partitions));
  const { codec, outgoing, matcher, store } = openStore(config, pools);
  const topics = topicNames(prefix);
  await retry('look up the schemas', async () => {
    await outgoing.prepare();
    await codec.prepare([{ topic: topics.deadLetters, record: 'DeadLetter' }]);
  });
  const log = connectKafka(kafkaOptions(config), logger);
  const admin = log.admin();
  service.onStop('kafka admin', () => admin.close());
  const producer = log.producer();
  service.onStop('producer', () => producer.stop());
  const consumers: RunningConsumer[] = [];
  const stateCache = new AssignedStateCache(config.orchestrator.stateCacheBytes);
  const metrics = createOrchestratorMetrics(
    service.metrics,
    () => consumers.flatMap((consumer) => consumer.lag()),
    () => stateCache.bytes,
  );
  const deadLetters = createDeadLetterSink({ codec, topic: topics.deadLetters, producer, log: logger, onSent: metrics.deadLetter });
  const definitions = createDefinitionStore(pools.definitions);
  return {
    config,
    service,
    retry,
    pools,
    definitions,
    store,
    matcher,
    codec,
    outgoing,
    log,
    admin,
    deadLetters,
    metrics,
    stateCache,
    consumers,
  };
}

function openPools({ databases }: Pick<Config, 'databases'>, applicationName: string, log: Logger): Pools {
  const { definitions, instances, connections } = databases;
  const onIdleError = (error: Error): void => log.warn({ err: error }, 'A database connection was lost');
  return createPools({ definitions, instances }, { connections, genericPlans: true, applicationName, onIdleError });
}

type Store = { readonly codec: Codec; readonly outgoing: OutgoingMessages; readonly matcher: EventMatcher; readonly store: InstanceStore };

function openStore(config: Pick<Config, 'registry' | 'topics' | 'orchestrator' | 'limits'>, pools: Pools): Store {
  const { prefix, partitions, publish: publishTopics } = config.topics;
  const codec = createCodec({ registry: connectRegistry(registryOptions(config)) });
  const outgoing = createOutgoing({ codec, prefix, partitions, publishTopics });
  const matcher = createEventMatcher(outgoing);
  const { eventTtlMs } = config.orchestrator;
  const store = createInstanceStore(pools.instances, matcher, { eventTtlMs, stateBytesMax: config.limits.stateBytes });
  return { codec, outgoing, matcher, store };
}

/** The database's clock and tidiness, the outbox, the connector, timers and stranded tasks. */
async function watchOutside(dependencies: Dependencies): Promise<void> {
  const { config, service, pools, definitions, store, outgoing, admin, metrics, consumers } = dependencies;
  const { log, health } = service;
  const { prefix } = config.topics;
  health.check('instance database', () => answers(store.now()));
  health.check('definition database', () => answers(definitions.findApiKey(NO_HASH)));

  const { timerIntervalMs } = config.orchestrator;
  service.repeat('fire timers', createTimerTask({ store, outgoing, intervalMs: timerIntervalMs, onFired: metrics.timerFired }));

  const gauge = createOutboxGauge(pools.instances, slotName(prefix));
  let reading: OutboxState | null = null;
  outboxMetrics(service.metrics, () => reading);
  const { eventTtlMs, outboxRetentionMs, redispatchIntervalMs } = config.orchestrator;
  const maintenance = createMaintenance(pools.instances, { slot: slotName(prefix), outboxRetentionMs, eventTtlMs, log });
  service.repeat('look at the outbox', async () => {
    reading = await gauge.read();
    if (!reading.slotExists) await maintenance.noticeLostSlot();
    return OUTBOX_SAMPLE_MS;
  });
  service.repeat('maintain the instance database', async () => {
    await maintenance.run();
    return MAINTENANCE_MS;
  });

  const redispatcher = new Redispatcher({ store, outgoing, admin, prefix, publishedBefore: () => publishedBefore(store, gauge) });
  service.repeat('look for stranded tasks', async () => {
    const counts = await redispatcher.look(ownedPartitions(consumers, topicNames(prefix).notifications));
    await redispatcher.mark();
    if (counts.redispatched > 0) log.warn(counts, 'Open tasks with nothing in flight are dispatched again');
    metrics.redispatched(counts.redispatched);
    return redispatchIntervalMs;
  });

  const supervisor = createConnectorSupervisor({ connect: config.connect, prefix, log, metrics: service.metrics });
  supervisor.start();
  service.onStop('connector supervisor', () => supervisor.stop());
}

/** Partitions whose instances this process works on. */
function ownedPartitions(consumers: readonly RunningConsumer[], topic: string): readonly number[] {
  const owned = consumers.flatMap((consumer) => consumer.assignment()).filter((each) => each.topic === topic);
  return owned.map(({ partition }) => partition);
}

async function publishedBefore(store: Pick<InstanceStore, 'now'>, gauge: OutboxGauge): Promise<EpochMs | null> {
  // The earlier moment: what was published by the reading was so then, or is older still.
  const now = await store.now();
  const { slotExists, confirmed, republishPending, oldestAgeSeconds } = await gauge.read();
  return slotExists && confirmed && !republishPending ? now - oldestAgeSeconds * 1_000 : null;
}

async function answers(question: Promise<unknown>): Promise<null> {
  await question;
  return null;
}

/** What `redispatchOnce` needs of the configuration. */
export const redispatchConfigGroups = ['kafka', 'registry', 'databases', 'topics', 'orchestrator', 'limits'] as const;

export type RedispatchOptions = {
  /** How long to wait for queues to pass what is in flight. */
  readonly waitMs: number;
  /** Sends also what may still be in flight: after a loss of Kafka's data. */
  readonly force: boolean;
  readonly log: Logger;
};

const LOOK_AGAIN_MS = 500;

/** Sends all open tasks again whose timeout is over and that have nothing in flight, for `millrace redispatch`. */
export async function redispatchOnce(
  config: Pick<Config, (typeof redispatchConfigGroups)[number]>,
  { waitMs, force, log }: RedispatchOptions,
): Promise<RedispatchCounts> {
  const { prefix } = config.topics;
  const pools = openPools(config, 'millrace-redispatch', log);
  const admin = connectKafka(kafkaOptions(config), log).admin();
  try {
    await assertInstallation(pools.instances, config.topics.partitions);
    const { outgoing, store } = openStore(config, pools);
    await outgoing.prepare();
    const gauge = createOutboxGauge(pools.instances, slotName(prefix));
    const redispatcher = new Redispatcher({ store, outgoing, admin, prefix, publishedBefore: () => publishedBefore(store, gauge) });
    const partitions = Array.from({ length: config.topics.partitions }, (_, partition) => partition);
    const deadline = performance.now() + waitMs;
    let { redispatched, waiting } = await redispatcher.look(partitions, force);
    while (waiting > 0 && performance.now() < deadline) {
      await redispatcher.mark();
      await sleep(LOOK_AGAIN_MS);
      const counts = await redispatcher.look(partitions);
      redispatched += counts.redispatched;
      waiting = counts.waiting;
    }
    return { redispatched, waiting };
  } finally {
    await Promise.all([admin.close(), pools.close()]);
  }
}
