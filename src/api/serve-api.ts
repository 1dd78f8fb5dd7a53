/**
 * Serves the REST API on given stores and a given log: builds the routes' ports of them, installs the bootstrap key, samples
 * the outbox and reads the lifecycle topic. Health and metrics are served on the port of the API. `main.ts` gives the
 * systems of an installation; `millrace dev` gives those in memory.
 */
import { hash, randomUUID } from 'node:crypto';
import { defaultDefinitionLimits, parseDefinition } from '../core/definition/index.ts';
import type { Log, LogAdmin } from '../messaging/log.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';
import { recordsOfQueue, registerSchemas } from '../messaging/registration.ts';
import type { Registry } from '../messaging/registry.ts';
import { ensureQueueTopic, topicNames } from '../messaging/topics.ts';
import { isRetryable, retryForever } from '../service/backoff.ts';
import type { Config } from '../service/config.ts';
import { topicSettings } from '../service/connections.ts';
import { keepDatabaseClock } from '../service/database-clock.ts';
import { outboxMetrics } from '../service/metrics.ts';
import type { Service } from '../service/process.ts';
import { createDefinitionCache } from '../store/definition-cache.ts';
import type { DefinitionStore } from '../store/definition-store.ts';
import type { InstanceQueries } from '../store/instance-queries.ts';
import type { InstanceStore } from '../store/instance-store.ts';
import type { OutboxGauge } from '../store/maintenance.ts';
import { createAdmissionControl, type SamplingAdmissionControl } from './admission-control.ts';
import { createApp } from './app.ts';
import { installBootstrapKey } from './bootstrap-key.ts';
import type { ApiLimits } from './context.ts';
import { createInstanceWatch, type InstanceWatch } from './instance-watch.ts';
import { createLifecycleReader } from './lifecycle.ts';
import type { ApiPorts } from './ports.ts';
import { createQueues } from './queues.ts';
import { createReplay } from './replay.ts';

/** What the API works on. */
export type ApiSystems = {
  readonly definitions: DefinitionStore;
  readonly instances: InstanceStore;
  readonly queries: InstanceQueries;
  readonly gauge: OutboxGauge;
  /** Its schemas are looked up here. */
  readonly outgoing: OutgoingMessages;
  readonly registry: Registry;
  readonly log: Log;
};

export type ServeApiConfig = Pick<Config, 'topics' | 'api' | 'continuation' | 'limits' | 'service'>;

const OUTBOX_SAMPLE_MS = 1_000;
/** The hash of no key, to check that the database answers. */
const NO_HASH = Buffer.alloc(32);

/** @returns where it listens, as soon as it does. */
export async function serveApi(config: ServeApiConfig, service: Service, systems: ApiSystems): Promise<string> {
  const { log, signal } = service;
  const admission = createAdmission(config, service, systems);
  const app = await createApp({
    ports: await createPorts(config, service, systems, admission),
    limits: limitsOf(config),
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
  return await app.listen({ host: config.service.host, port: config.api.port });
}

function createAdmission(config: ServeApiConfig, service: Service, { gauge }: ApiSystems): SamplingAdmissionControl {
  let reading: Awaited<ReturnType<OutboxGauge['read']>> | null = null;
  outboxMetrics(service.metrics, () => reading);
  return createAdmissionControl({
    read: async () => {
      reading = await gauge.read();
      return reading;
    },
    ageMaxMs: config.api.outboxAgeMaxMs,
    log: service.log,
  });
}

async function createPorts(
  config: ServeApiConfig,
  service: Service,
  systems: ApiSystems,
  admission: SamplingAdmissionControl,
): Promise<ApiPorts> {
  const { log, health } = service;
  const { definitions, instances, queries, outgoing, log: records } = systems;
  const retry = retryForever(isRetryable, service.signal, log);
  await retry('look up the schemas', () => outgoing.prepare());
  const { apiKey: given } = config.api;
  await retry('install the bootstrap key', () => installBootstrapKey({ definitions, given, home: config.service.home, log }));
  health.check('definition database', () => answers(definitions.findApiKey(NO_HASH)));
  health.check('instance database', () => answers(instances.now()));

  const admin = records.admin();
  service.onStop('kafka admin', () => admin.close());
  const now = await keepDatabaseClock(() => instances.now(), retry, service);
  const watch = createInstanceWatch();
  const wakes = readLifecycle(config, service, { log: records, admin, watch });
  const replay = createReplay(() => records.producer());
  service.onStop('producer', () => replay.stop());
  return {
    definitions,
    cache: createDefinitionCache(definitions),
    instances,
    queries,
    outgoing,
    admission,
    watch,
    wakes,
    parseDefinition: (document, options) => parseDefinition(document, { ...options, limits: definitionLimitsOf(config) }),
    ensureQueues: queuesOf(config, systems, admin),
    produce: replay.send,
    now,
    sha256: (text) => hash('sha256', text, 'hex'),
  };
}

/** @returns tells whether the topic is read at present. */
function readLifecycle(
  config: ServeApiConfig,
  service: Service,
  { log, admin, watch }: { readonly log: Log; readonly admin: LogAdmin; readonly watch: InstanceWatch },
): () => boolean {
  const { prefix } = config.topics;
  const groupId = `${prefix}.api.${randomUUID()}`;
  const reader = createLifecycleReader({ log, topic: topicNames(prefix).lifecycle, groupId, watch });
  service.onStop('lifecycle', async () => {
    await reader.stop();
    // If the broker is unavailable, it removes the empty group later by itself.
    await admin.deleteGroup(groupId).catch((error: unknown) => service.log.warn({ err: error, groupId }, 'The group was not deleted'));
  });
  // Not awaited: without it, requests that wait query the database once a second, and everything else works.
  reader.start().catch((error: unknown) => service.log.error({ err: error }, 'The lifecycle topic is not read'));
  return () => reader.isMember();
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

function limitsOf({ api, limits }: ServeApiConfig): ApiLimits {
  return {
    bodyBytes: api.bodyLimitBytes,
    payloadBytes: limits.payloadBytes,
    definitionBytes: limits.definitionBytes,
    depth: limits.depth,
    waitMaxMs: api.waitMaxMs,
  };
}

function definitionLimitsOf({ limits }: ServeApiConfig) {
  return { ...defaultDefinitionLimits, bytes: limits.definitionBytes, nodes: limits.nodes, depth: limits.depth };
}
