/**
 * What an orchestrator does on given stores and a given log: applies notifications to instances, correlates external events,
 * indexes dead letters, fires timers, runs schedules, sends tasks again that have nothing in flight, and keeps the database small. `main.ts`
 * gives the systems of an installation; `millrace dev` gives those in memory.
 */
import { randomUUID } from 'node:crypto';
import { assertNever } from '../core/assert.ts';
import type { EpochMs } from '../core/ids.ts';
import { AssignedStateCache } from '../engine/process/state-cache.ts';
import { createReadyDefinitions } from '../engine/ready-definitions.ts';
import { createScheduleRunner } from '../engine/trigger/schedule-runner.ts';
import type { Codec } from '../messaging/codec.ts';
import type { Log, LogAdmin } from '../messaging/log.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';
import { deadLetterExtraBytes, groupNames, topicNames } from '../messaging/topics.ts';
import { isRetryable, retryForever } from '../service/backoff.ts';
import type { Config } from '../service/config.ts';
import { keepDatabaseClock } from '../service/database-clock.ts';
import { outboxMetrics } from '../service/metrics.ts';
import type { Service } from '../service/process.ts';
import { runLimitsOf } from '../service/run-limits.ts';
import { createDefinitionCache, type DefinitionCache } from '../store/definition-cache.ts';
import type { DefinitionStore } from '../store/definition-store.ts';
import type { EventMatcher, InstanceStore } from '../store/instance-store.ts';
import type { JobStore } from '../store/jobs.ts';
import type { Maintenance, OutboxGauge, OutboxProbes, OutboxState } from '../store/maintenance.ts';
import { createAskingTask } from './children/asking-task.ts';
import { createNotificationRetentionTask } from './children/notification-retention.ts';
import { createDeadLetterSink } from './dead-letters/dead-letter-sink.ts';
import { createJobTask } from './jobs/job-task.ts';
import { createOrchestratorMetrics, type OrchestratorMetrics } from './orchestrator-metrics.ts';
import { createProbeReader } from './probes/probe-reader.ts';
import { publishedBefore } from './published-before.ts';
import { Redispatcher } from './redispatch/redispatcher.ts';
import { type ConsumerConfig, type RunningConsumer, runConsumers } from './run-consumers.ts';
import { CorrelatedEvents } from './timers/correlated-events.ts';
import { createScheduleTask } from './timers/schedule-task.ts';
import { SchedulesAside } from './timers/schedules-aside.ts';
import { createTimerTask } from './timers/timer-task.ts';

/** What an orchestrator works on. */
export type OrchestratorSystems = {
  readonly definitions: DefinitionStore;
  readonly store: InstanceStore;
  readonly matcher: EventMatcher;
  readonly jobs: JobStore;
  readonly gauge: OutboxGauge;
  readonly maintenance: Maintenance;
  readonly probes: OutboxProbes;
  /** Its schemas, and those of `outgoing`, are looked up here. */
  readonly codec: Codec;
  readonly outgoing: OutgoingMessages;
  readonly log: Log;
};

export type OrchestrateConfig = ConsumerConfig & Pick<Config, 'orchestrator'>;

const OUTBOX_SAMPLE_MS = 2_000;
const MAINTENANCE_MS = 60_000;
/** A probe that has not come back after so many intervals counts as lost. */
const PROBE_PATIENCE = 10;
/** The hash of no key, for a query that only checks that the database answers. */
const NO_HASH = Buffer.alloc(32);

/** Resolves when each consumer has joined its group. */
export async function orchestrate(config: OrchestrateConfig, service: Service, systems: OrchestratorSystems): Promise<void> {
  const { codec, outgoing, log, store } = systems;
  const retry = retryForever(isRetryable, service.signal, service.log);
  const { deadLetters: topic } = topicNames(config.topics.prefix);
  await retry('look up the schemas', async () => {
    await outgoing.prepare();
    await codec.prepare([{ topic, record: 'DeadLetter' }]);
    // Dead letters of triggers go through the outbox.
    await store.registerTopics([topic]);
  });
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
  const maxBytes = config.topics.maxMessageBytes + deadLetterExtraBytes;
  const deadLetters = createDeadLetterSink({ codec, topic, maxBytes, producer, log: service.log, onSent: metrics.deadLetter });
  checkDatabases(service, systems);
  fireTimers(config, service, systems, { admin, metrics });
  askChildren(service, systems, metrics);
  runJobs(config, service, systems, metrics);
  lookAtRetention(config, service, admin);
  keepDatabaseSmall(service, systems, metrics);
  redispatch(config, service, systems, { admin, metrics, consumers });
  const probing = probePublishing(config, service, systems);
  const now = await keepDatabaseClock(() => store.now(), retry, service);
  const definitions = createDefinitionCache(systems.definitions);
  runSchedules(config, service, systems, { metrics, definitions, now });
  const parts = { config, service, retry, admin, producer, deadLetters, metrics, stateCache, consumers };
  await Promise.all([probing, runConsumers({ ...systems, ...parts, definitions, definitionStore: systems.definitions, now })]);
}

function checkDatabases({ health }: Service, { store, definitions }: OrchestratorSystems): void {
  health.check('instance database', () => answers(store.now()));
  health.check('definition database', () => answers(definitions.findApiKey(NO_HASH)));
}

type ScheduleParts = { readonly metrics: OrchestratorMetrics; readonly definitions: DefinitionCache; readonly now: () => EpochMs };

function runSchedules(
  config: OrchestrateConfig,
  service: Service,
  { store, outgoing }: OrchestratorSystems,
  { metrics, definitions, now }: ScheduleParts,
): void {
  const runner = createScheduleRunner({
    ...{ definitions: createReadyDefinitions(definitions, outgoing), outgoing, now, limits: runLimitsOf(config) },
    continuation: config.continuation.isOn,
  });
  const { timerIntervalMs: intervalMs } = config.orchestrator;
  const aside = new SchedulesAside(service.log);
  service.metrics.gauge('schedules_set_aside', 'Schedules whose definition cannot be loaded.', ['definition', 'schedule'], (gauge) => {
    gauge.reset();
    for (const { definitionId, name } of aside.all) gauge.set({ definition: definitionId, schedule: name }, 1);
  });
  service.repeat('run schedules', createScheduleTask({ store, runner, intervalMs, log: service.log, aside, onTime: metrics.scheduleTime }));
}

function fireTimers(
  config: OrchestrateConfig,
  service: Service,
  { store, outgoing, gauge }: OrchestratorSystems,
  { admin, metrics }: { readonly admin: LogAdmin; readonly metrics: OrchestratorMetrics },
): void {
  const { prefix, events: foreign } = config.topics;
  const groups = groupNames(prefix);
  const events = new CorrelatedEvents({
    admin,
    groups: [
      { topic: topicNames(prefix).events, group: groups.correlator(null) },
      ...foreign.map((topic) => ({ topic, group: groups.correlator(topic) })),
    ],
    publishedBefore: () => publishedBefore(store, gauge),
  });
  const { timerIntervalMs: intervalMs } = config.orchestrator;
  service.repeat('fire timers', createTimerTask({ store, outgoing, events, intervalMs, onFired: metrics.timerFired }));
}

function askChildren(service: Service, { store, outgoing }: OrchestratorSystems, metrics: OrchestratorMetrics): void {
  service.repeat('ask after children', createAskingTask({ store, outgoing, onAsked: metrics.childrenAsked }));
}

function runJobs(config: OrchestrateConfig, service: Service, { jobs, outgoing }: OrchestratorSystems, metrics: OrchestratorMetrics): void {
  const { timerIntervalMs: intervalMs } = config.orchestrator;
  const told = { onSent: metrics.jobSent, onPaused: metrics.jobPaused };
  service.repeat('run jobs', createJobTask({ jobs, outgoing, intervalMs, log: service.log, ...told }));
}

function lookAtRetention({ orchestrator, topics }: OrchestrateConfig, service: Service, admin: LogAdmin): void {
  const { notifications: topic } = topicNames(topics.prefix);
  const { outboxRetentionMs } = orchestrator;
  service.repeat(
    'look at how long notifications are kept',
    createNotificationRetentionTask({ admin, topic, outboxRetentionMs, log: service.log }),
  );
}

/** Measures the outbox too: a lost slot must be noticed before its unpublished rows are removed. */
function keepDatabaseSmall(service: Service, { gauge, maintenance }: OrchestratorSystems, metrics: OrchestratorMetrics): void {
  let reading: OutboxState | null = null;
  outboxMetrics(service.metrics, () => reading);
  service.health.check('publishing', () => whyNotInstalled(reading));
  service.repeat('measure the outbox', async () => {
    reading = await gauge.read();
    if (!reading.slotExists) await maintenance.noticeLostSlot();
    return OUTBOX_SAMPLE_MS;
  });
  service.repeat('maintain the instance database', async () => {
    const report = await maintenance.run();
    metrics.instancesDeleted(report?.deleted.instance ?? 0);
    return MAINTENANCE_MS;
  });
}

/**
 * An installation is ready once one probe has come back. If later ones do not, the API refuses starts, but the orchestrator stays
 * ready.
 */
function whyNotInstalled(reading: OutboxState | null): string | null {
  if (reading === null) return 'the outbox has not been measured yet';
  const { probe } = reading;
  switch (probe.status) {
    case 'cameBack':
      return null;
    case 'unsent':
      return 'no probe has been sent yet';
    case 'waiting':
      return probe.roundTripSeconds === null ? 'no probe that was written to the outbox has come back from Kafka yet' : null;
    default:
      return assertNever(probe);
  }
}

/** Writes probes to the outbox and waits for their records: the only certain sign that rows of the outbox arrive in Kafka. */
async function probePublishing(
  { topics, orchestrator }: OrchestrateConfig,
  service: Service,
  { log, probes }: OrchestratorSystems,
): Promise<void> {
  const { probes: topic } = topicNames(topics.prefix);
  const groupId = `${topic}.${randomUUID()}`;
  const reader = createProbeReader({ log, topic, groupId, probes, logger: service.log, signal: service.signal });
  service.onStop('probe reader', () => reader.stop());
  await reader.start();
  service.repeat('probe whether messages are published', async () => {
    const { probeIntervalMs: intervalMs } = orchestrator;
    await probes.send(topic, { intervalMs, patienceMs: intervalMs * PROBE_PATIENCE });
    return intervalMs;
  });
}

type RedispatchParts = { readonly admin: LogAdmin; readonly metrics: OrchestratorMetrics; readonly consumers: readonly RunningConsumer[] };

function redispatch(
  config: OrchestrateConfig,
  service: Service,
  { store, outgoing, gauge }: OrchestratorSystems,
  { admin, metrics, consumers }: RedispatchParts,
): void {
  const { prefix } = config.topics;
  const redispatcher = new Redispatcher({ store, outgoing, admin, prefix, publishedBefore: () => publishedBefore(store, gauge) });
  const { redispatchIntervalMs } = config.orchestrator;
  let markedAt = Number.NEGATIVE_INFINITY;
  service.repeat('look for stranded tasks', async () => {
    const { endsPass, ...counts } = await redispatcher.look(ownedPartitions(consumers, topicNames(prefix).notifications));
    if (endsPass || performance.now() - markedAt >= redispatchIntervalMs) {
      await redispatcher.mark();
      markedAt = performance.now();
    }
    if (counts.redispatched > 0) service.log.warn(counts, 'Open tasks with nothing in flight are dispatched again');
    metrics.redispatched(counts.redispatched);
    return endsPass ? redispatchIntervalMs : Math.min(REDISPATCH_ROUND_MS, redispatchIntervalMs);
  });
}

/** Between two rounds of one pass. */
const REDISPATCH_ROUND_MS = 1_000;

/** Partitions whose instances this process works on. */
function ownedPartitions(consumers: readonly RunningConsumer[], topic: string): readonly number[] {
  const owned = consumers.flatMap((consumer) => consumer.assignment()).filter((each) => each.topic === topic);
  return owned.map(({ partition }) => partition);
}

async function answers(question: Promise<unknown>): Promise<null> {
  await question;
  return null;
}
