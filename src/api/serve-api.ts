/**
 * Serves the REST API on given stores and a given log: builds the routes' ports of them, installs the bootstrap key, samples
 * the outbox and reads the lifecycle topic. Health and metrics are served on the port of the API. `main.ts` gives the
 * systems of an installation; `millrace dev` gives those in memory.
 */
import { hash, randomUUID } from 'node:crypto';
import { defaultDefinitionLimits } from '../core/definition/index.ts';
import type { Log, LogAdmin } from '../messaging/log.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';
import { recordsOfQueue, registerSchemas } from '../messaging/registration.ts';
import type { Registry } from '../messaging/registry.ts';
import { ensureQueueTopic, groupNames, topicNames } from '../messaging/topics.ts';
import { isRetryable, retryForever } from '../service/backoff.ts';
import type { Config } from '../service/config.ts';
import { topicSettings } from '../service/connections.ts';
import { keepDatabaseClock } from '../service/database-clock.ts';
import { outboxMetrics } from '../service/metrics.ts';
import type { Service } from '../service/process.ts';
import { runLimitsOf } from '../service/run-limits.ts';
import { createDefinitionCache } from '../store/definition-cache.ts';
import type { DefinitionStore } from '../store/definition-store.ts';
import type { InstanceQueries } from '../store/instance-queries.ts';
import type { InstanceStore } from '../store/instance-store.ts';
import type { JobStore } from '../store/jobs.ts';
import type { OutboxGauge } from '../store/maintenance.ts';
import { parseInTurns } from '../store/parse-in-turns.ts';
import type { QueueStore } from '../store/queues.ts';
import { createAdmissionControl, type SamplingAdmissionControl } from './admission-control.ts';
import { createApp } from './app.ts';
import { Backlog } from './backlog.ts';
import { installBootstrapKey, installWorkerKey } from './bootstrap-key.ts';
import type { ApiLimits } from './context.ts';
import { createInstanceWatch, type InstanceWatch } from './instance-watch.ts';
import { createLifecycleReader, LifecycleReading } from './lifecycle.ts';
import { lookAtWaited } from './look-at-waited.ts';
import type { ApiPorts } from './ports.ts';
import { createQueues } from './queues.ts';
import { createReplay } from './replay.ts';

/** What the API works on. */
export type ApiSystems = {
  readonly definitions: DefinitionStore;
  readonly instances: InstanceStore;
  readonly queries: InstanceQueries;
  readonly jobs: JobStore;
  readonly queues: QueueStore;
  readonly gauge: OutboxGauge;
  /** Its schemas are looked up here. */
  readonly outgoing: OutgoingMessages;
  readonly registry: Registry;
  readonly log: Log;
};

export type ServeApiConfig = Pick<Config, 'topics' | 'api' | 'continuation' | 'limits' | 'references' | 'service'>;

/**
 * New connections that the operating system keeps until they are taken, as many as Linux allows by default (`net.core.somaxconn`). One that
 * finds no room is dropped, and its caller tries again after a second, three, and seven.
 */
const CONNECTIONS_WAITING_MAX = 4_096;
const OUTBOX_SAMPLE_MS = 1_000;
/** How often the instances are looked at that are waited for. */
const LOOK_MS = 1_000;
/** The hash of no key, to check that the database answers. */
const NO_HASH = Buffer.alloc(32);

/** @returns where it listens, as soon as it does. */
export async function serveApi(config: ServeApiConfig, service: Service, systems: ApiSystems): Promise<string> {
  const { log, signal } = service;
  const admin = systems.log.admin();
  service.onStop('kafka admin', () => admin.close());
  const admission = createAdmission(config, service, systems, admin);
  const app = await createApp({
    ports: await createPorts(config, service, systems, admission, admin),
    limits: limitsOf(config),
    starts: config.api.starts,
    continuation: config.continuation.isOn,
    publishTopics: [topicNames(config.topics.prefix).events, ...config.topics.publish],
    log,
    metrics: service.metrics,
    health: service.health,
    signal,
  });
  // Before the first request, so that no start is refused only because the outbox was not sampled yet.
  await admission.sample();
  service.repeat('measure the outbox', async () => {
    await admission.sample();
    return OUTBOX_SAMPLE_MS;
  });
  service.onStop('http server', () => app.close());
  return await app.listen({ host: config.service.host, port: config.api.port, backlog: CONNECTIONS_WAITING_MAX });
}

function createAdmission(config: ServeApiConfig, service: Service, { gauge }: ApiSystems, admin: LogAdmin): SamplingAdmissionControl {
  const { prefix } = config.topics;
  const { notifications } = topicNames(prefix);
  let reading: Awaited<ReturnType<OutboxGauge['read']>> | null = null;
  outboxMetrics(service.metrics, () => reading);
  return createAdmissionControl({
    read: async () => {
      reading = await gauge.read();
      return reading;
    },
    readPositions: async () => {
      const [ends, dealtWith] = await Promise.all([
        admin.endOffsets(notifications),
        admin.committedOffsets(groupNames(prefix).orchestrator, notifications),
      ]);
      // A partition for which nothing was ever committed has no orchestrator yet, and says nothing of how fast they are.
      const committed = [...ends].map(([partition, end]) => dealtWith.get(partition) ?? end);
      return { end: sumOf(ends.values()), dealtWith: sumOf(committed) };
    },
    backlog: new Backlog(),
    ageMaxMs: config.api.outboxAgeMaxMs,
    log: service.log,
  });
}

async function createPorts(
  config: ServeApiConfig,
  service: Service,
  systems: ApiSystems,
  admission: SamplingAdmissionControl,
  admin: LogAdmin,
): Promise<ApiPorts> {
  const { log, health } = service;
  const { definitions, instances, queries, jobs, queues, outgoing, log: records } = systems;
  const retry = retryForever(isRetryable, service.signal, log);
  await retry('look up the schemas', () => outgoing.prepare());
  const { apiKey: given } = config.api;
  await retry('install the bootstrap key', () => installBootstrapKey({ definitions, given, home: config.service.home, log }));
  await retry('install the key of workers', () => installWorkerKey({ definitions, given: config.references.workerKey, log }));
  health.check('definition database', () => answers(definitions.findApiKey(NO_HASH)));
  health.check('instance database', () => answers(instances.now()));

  const now = await keepDatabaseClock(() => instances.now(), retry, service);
  const { watch, wakes } = readLifecycle(config, service, { log: records, admin, queries });
  const replay = createReplay(() => records.producer());
  service.onStop('producer', () => replay.stop());
  return {
    definitions,
    cache: createDefinitionCache(definitions),
    instances,
    queries,
    jobs,
    queues,
    outgoing,
    admission,
    watch,
    wakes,
    parseDefinition: (document, options) => parseInTurns(document, { ...options, limits: definitionLimitsOf(config) }),
    ensureQueues: queuesOf(config, systems, admin),
    produce: replay.send,
    now,
    sha256: (text) => hash('sha256', text, 'hex'),
  };
}

function sumOf(offsets: Iterable<bigint>): bigint {
  return [...offsets].reduce((sum, offset) => sum + offset, 0n);
}

/** @returns `wakes` tells whether the topic is read at present. */
function readLifecycle(
  config: ServeApiConfig,
  service: Service,
  { log, admin, queries }: { readonly log: Log; readonly admin: LogAdmin; readonly queries: InstanceQueries },
): { readonly watch: InstanceWatch; readonly wakes: () => boolean } {
  const { prefix } = config.topics;
  const groupId = `${prefix}.api.${randomUUID()}`;
  const watch = createInstanceWatch(() => reading.need());
  const reading = new LifecycleReading({
    open: () => createLifecycleReader({ log, topic: topicNames(prefix).lifecycle, groupId, watch }),
    watch,
    // If the broker is unavailable, it removes the empty group later by itself.
    onStopped: () =>
      admin.deleteGroup(groupId).catch((error: unknown) => service.log.warn({ err: error, groupId }, 'The group was not deleted')),
    log: service.log,
  });
  service.onStop('lifecycle', () => reading.stop());
  const look = lookAtWaited(watch, queries);
  service.repeat('look at the instances that are waited for', async () => {
    reading.restWhenIdle();
    await look();
    return LOOK_MS;
  });
  return { watch, wakes: () => reading.isRead };
}

function queuesOf(config: ServeApiConfig, { instances, registry }: ApiSystems, admin: LogAdmin): ApiPorts['ensureQueues'] {
  const { prefix } = config.topics;
  const settings = topicSettings(config);
  return createQueues({
    makeTopic: async (queue) => {
      await ensureQueueTopic(admin, settings, queue);
    },
    register: async (queue) => {
      await registerSchemas(registry, recordsOfQueue(prefix, queue));
    },
    admit: (queue) => instances.registerTopics([topicNames(prefix).tasks(queue)]),
  });
}

async function answers(question: Promise<unknown>): Promise<null> {
  await question;
  return null;
}

function limitsOf(config: ServeApiConfig): ApiLimits {
  const { api } = config;
  const limits = runLimitsOf(config);
  return {
    bodyBytes: api.bodyLimitBytes,
    payloadBytes: limits.payloadBytes,
    messageBytes: limits.messageBytes,
    definitionBytes: limits.definitionBytes,
    depth: limits.depth,
    waitMaxMs: api.waitMaxMs,
  };
}

function definitionLimitsOf({ limits }: ServeApiConfig) {
  return { ...defaultDefinitionLimits, bytes: limits.definitionBytes, nodes: limits.nodes, depth: limits.depth };
}
