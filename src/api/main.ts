/**
 * The API process. Connects the ports to Postgres, Kafka and the registry; no other file of this folder knows them. Health
 * and metrics are served on the port of the API. The process has no state of its own, so any number of them may run.
 */
import { hash, randomUUID } from 'node:crypto';
import { defaultDefinitionLimits, parseDefinition } from '../core/definition/index.ts';
import { createEventMatcher } from '../engine/correlate/event-matcher.ts';
import { createCodec } from '../messaging/codec.ts';
import { connectKafka } from '../messaging/kafkajs/index.ts';
import { createOutgoing } from '../messaging/outgoing.ts';
import { recordsOfQueue, registerSchemas } from '../messaging/registration.ts';
import { connectRegistry } from '../messaging/registry.ts';
import { ensureQueueTopic, topicNames } from '../messaging/topics.ts';
import { isRetryable, type RetryPolicy, retryForever } from '../service/backoff.ts';
import type { Config } from '../service/config.ts';
import { kafkaOptions, registryOptions, topicSettings } from '../service/connections.ts';
import { keepDatabaseClock } from '../service/database-clock.ts';
import { outboxMetrics } from '../service/metrics.ts';
import { type RunningProcess, type Service, startService } from '../service/process.ts';
import { createDefinitionCache } from '../store/definition-cache.ts';
import { slotName } from '../store/outbox-names.ts';
import {
  assertInstallation,
  createDefinitionStore,
  createInstanceQueries,
  createInstanceStore,
  createOutboxGauge,
  createPools,
} from '../store/postgres/index.ts';
import { createAdmissionControl, type SamplingAdmissionControl } from './admission-control.ts';
import { createApp } from './app.ts';
import { installBootstrapKey } from './bootstrap-key.ts';
import type { ApiLimits } from './context.ts';
import { createInstanceWatch } from './instance-watch.ts';
import { createLifecycleReader } from './lifecycle.ts';
import type { ApiPorts } from './ports.ts';
import { createQueues } from './queues.ts';
import { createReplay } from './replay.ts';

/** The groups of the configuration that this process needs. */
export const apiConfigGroups = ['kafka', 'registry', 'databases', 'topics', 'api', 'orchestrator', 'limits', 'service', 'log'] as const;
export type ApiConfig = Pick<Config, (typeof apiConfigGroups)[number]>;

export interface RunningApi extends RunningProcess {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
}

const OUTBOX_SAMPLE_MS = 1_000;
/** The hash of no key, to check that the database answers. */
const NO_HASH = Buffer.alloc(32);

/** Resolves when the server listens. Waits for the databases and the registry, not for Kafka. */
export async function runApi(config: ApiConfig): Promise<RunningApi> {
  let url = '';
  const running = await startService(
    'api',
    config,
    async (service) => {
      url = await serve(config, service);
    },
    { monitoring: false },
  );
  return { url, stop: () => running.stop() };
}

async function serve(config: ApiConfig, service: Service): Promise<string> {
  const { log, signal } = service;
  const retry = retryForever(isRetryable, signal, log);
  const { ports, admission } = await connect(config, service, retry);
  const app = await createApp({
    ports,
    limits: limitsOf(config),
    publishTopics: [topicNames(config.topics.prefix).events, ...config.topics.publish],
    log,
    metrics: service.metrics,
    health: service.health,
    signal,
  });
  // Before the first request, so that no start is refused only because the outbox was not sampled yet.
  await admission.sample();
  service.repeat('look at the outbox', async () => {
    await admission.sample();
    return OUTBOX_SAMPLE_MS;
  });
  service.onStop('http server', () => app.close());
  return await app.listen({ host: config.service.host, port: config.api.port });
}

/** Connects everything that the routes use. */
async function connect(
  config: ApiConfig,
  service: Service,
  retry: RetryPolicy,
): Promise<{ readonly ports: ApiPorts; readonly admission: SamplingAdmissionControl }> {
  const { log, health } = service;
  const { prefix, partitions, publish: publishTopics } = config.topics;
  const { definitions: definitionsUrl, instances: instancesUrl, connections } = config.databases;
  const pools = createPools(
    { definitions: definitionsUrl, instances: instancesUrl },
    { connections, applicationName: 'millrace-api', onIdleError: (error) => log.warn({ err: error }, 'A database connection was lost') },
  );
  service.onStop('databases', () => pools.close());
  await retry('check the installation', () => assertInstallation(pools.instances, partitions));

  const registry = connectRegistry(registryOptions(config));
  const codec = createCodec({ registry });
  const outgoing = createOutgoing({ codec, prefix, partitions, publishTopics });
  await retry('look up the schemas', () => outgoing.prepare());

  const definitions = createDefinitionStore(pools.definitions);
  const instances = createInstanceStore(pools.instances, createEventMatcher(outgoing), {
    eventTtlMs: config.orchestrator.eventTtlMs,
    stateBytesMax: config.limits.stateBytes,
  });
  const { apiKey: given } = config.api;
  await retry('install the bootstrap key', () => installBootstrapKey({ definitions, given, home: config.service.home, log }));
  health.check('definition database', () => answers(definitions.findApiKey(NO_HASH)));
  health.check('instance database', () => answers(instances.now()));

  const kafka = connectKafka(kafkaOptions(config), log);
  const admin = kafka.admin();
  service.onStop('kafka admin', () => admin.close());

  const now = await keepDatabaseClock(() => instances.now(), retry, service);

  const watch = createInstanceWatch();
  const groupId = `${prefix}.api.${randomUUID()}`;
  const reader = createLifecycleReader({ log: kafka, topic: topicNames(prefix).lifecycle, groupId, watch });
  service.onStop('lifecycle', async () => {
    await reader.stop();
    // If the broker is unavailable, it removes the empty group later by itself.
    await admin.deleteGroup(groupId).catch((error: unknown) => log.warn({ err: error, groupId }, 'The group was not deleted'));
  });
  // Not awaited: without it, requests that wait query the database once a second, and everything else works.
  reader.start().catch((error: unknown) => log.error({ err: error }, 'The lifecycle topic is not read'));

  const gauge = createOutboxGauge(pools.instances, slotName(prefix));
  let reading: Awaited<ReturnType<typeof gauge.read>> | null = null;
  const admission = createAdmissionControl({
    read: async () => {
      reading = await gauge.read();
      return reading;
    },
    ageMaxMs: config.api.outboxAgeMaxMs,
    log,
  });
  outboxMetrics(service.metrics, () => reading);

  const replay = createReplay(() => kafka.producer());
  service.onStop('producer', () => replay.stop());
  const settings = topicSettings(config);
  const ports: ApiPorts = {
    definitions,
    cache: createDefinitionCache(definitions),
    instances,
    queries: createInstanceQueries(pools.instances),
    outgoing,
    admission,
    watch,
    wakes: () => reader.isMember(),
    parseDefinition: (document, options) => parseDefinition(document, { ...options, limits: definitionLimitsOf(config) }),
    ensureQueues: createQueues({
      makeTopic: async (queue) => {
        await ensureQueueTopic(admin, settings, queue);
      },
      register: async (queue) => {
        await registerSchemas(registry, recordsOfQueue(prefix, queue));
      },
      admit: (queue) => instances.registerTopics([topicNames(prefix).tasks(queue)]),
    }),
    produce: replay.send,
    now,
    sha256: (text) => hash('sha256', text, 'hex'),
  };
  return { ports, admission };
}

async function answers(question: Promise<unknown>): Promise<null> {
  await question;
  return null;
}

function limitsOf({ api, limits }: ApiConfig): ApiLimits {
  return {
    bodyBytes: api.bodyLimitBytes,
    payloadBytes: limits.payloadBytes,
    definitionBytes: limits.definitionBytes,
    depth: limits.depth,
    waitMaxMs: api.waitMaxMs,
  };
}

function definitionLimitsOf({ limits }: ApiConfig) {
  return { ...defaultDefinitionLimits, bytes: limits.definitionBytes, nodes: limits.nodes, depth: limits.depth };
}
