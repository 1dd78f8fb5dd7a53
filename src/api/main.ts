/**
 * The API process. Connects the ports to Postgres, Kafka and the registry; no other file of this folder knows them. The
 * process has no state of its own, so any number of them may run.
 */
import { createEventMatcher } from '../engine/correlate/event-matcher.ts';
import { createCodec } from '../messaging/codec.ts';
import { connectKafka } from '../messaging/kafkajs/index.ts';
import { createOutgoing } from '../messaging/outgoing.ts';
import { connectRegistry } from '../messaging/registry.ts';
import { topicNames } from '../messaging/topics.ts';
import { isRetryable, retryForever } from '../service/backoff.ts';
import type { Config } from '../service/config.ts';
import { kafkaOptions, registryOptions } from '../service/connections.ts';
import { type RunningProcess, type Service, startService } from '../service/process.ts';
import { slotName } from '../store/outbox-names.ts';
import {
  assertSetup,
  createDefinitionStore,
  createInstanceQueries,
  createInstanceStore,
  createJobStore,
  createOutboxGauge,
  createPools,
  createQueueStore,
} from '../store/postgres/index.ts';
import { type ApiSystems, serveApi } from './serve-api.ts';

/** The groups of the configuration that this process needs. */
export const apiConfigGroups = [
  'kafka',
  'registry',
  'databases',
  'topics',
  'api',
  'orchestrator',
  'continuation',
  'limits',
  'references',
  'service',
  'log',
] as const;
export type ApiConfig = Pick<Config, (typeof apiConfigGroups)[number]>;

export interface RunningApi extends RunningProcess {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
}

/** Resolves when the server listens. Waits for the databases and the registry, not for Kafka. */
export async function runApi(config: ApiConfig): Promise<RunningApi> {
  let url = '';
  const running = await startService(
    'api',
    config,
    async (service) => {
      url = await serveApi(config, service, await connect(config, service));
    },
    { monitoring: false },
  );
  return { ...running, url };
}

async function connect(config: ApiConfig, service: Service): Promise<ApiSystems> {
  const { log, signal } = service;
  const { prefix, partitions, publish: publishTopics } = config.topics;
  const { definitions: definitionsUrl, instances: instancesUrl, connections } = config.databases;
  const pools = createPools(
    { definitions: definitionsUrl, instances: instancesUrl },
    {
      connections,
      applicationName: 'millrace-api',
      onIdleError: (error) => log.warn({ err: error }, 'A database connection was lost'),
      onUnusable: service.fail,
    },
  );
  service.onStop('databases', () => pools.close());
  const retry = retryForever(isRetryable, signal, log);
  await retry('check the installation', () => assertSetup(pools, partitions));
  const registry = connectRegistry(registryOptions(config));
  const outgoing = createOutgoing({
    codec: createCodec({ registry }),
    prefix,
    partitions,
    publishTopics,
    referenceBytes: config.limits.referenceBytes,
  });
  return {
    definitions: createDefinitionStore(pools.definitions),
    instances: createInstanceStore(pools.instances, createEventMatcher(outgoing), {
      eventTtlMs: config.orchestrator.eventTtlMs,
      stateBytesMax: config.limits.stateBytes,
    }),
    queries: createInstanceQueries(pools.instances),
    jobs: createJobStore(pools.instances),
    queues: createQueueStore(pools.instances, topicNames(prefix).tasks(null)),
    gauge: createOutboxGauge(pools.instances, slotName(prefix)),
    outgoing,
    registry,
    log: connectKafka(kafkaOptions(config), log),
  };
}
