/**
 * The orchestrator process, and the command that sends stranded tasks again. The only file of this folder that opens the
 * databases, the log and the registry of an installation. Any number of orchestrators may run side by side: consumer groups, row
 * locks and the version check divide the work.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectorSupervisor } from '../../connect/supervisor.ts';
import type { MillraceError } from '../core/error.ts';
import { createEventMatcher } from '../engine/correlate/event-matcher.ts';
import { createCodec } from '../messaging/codec.ts';
import { connectKafka } from '../messaging/kafkajs/index.ts';
import { createOutgoing } from '../messaging/outgoing.ts';
import { connectRegistry } from '../messaging/registry.ts';
import { isRetryable, retryForever } from '../service/backoff.ts';
import type { Config } from '../service/config.ts';
import { kafkaOptions, registryOptions } from '../service/connections.ts';
import type { Logger } from '../service/logging.ts';
import { type RunningProcess, type Service, startService } from '../service/process.ts';
import { slotName } from '../store/outbox-names.ts';
import {
  assertSetup,
  createDefinitionStore,
  createInstanceStore,
  createJobStore,
  createMaintenance,
  createOutboxGauge,
  createOutboxProbes,
  createPools,
  type Pools,
} from '../store/postgres/index.ts';
import { type OrchestratorSystems, orchestrate } from './orchestrate.ts';
import { publishedBefore } from './published-before.ts';
import { type RedispatchCounts, Redispatcher } from './redispatch/redispatcher.ts';

/** What `loadConfig` must be asked for. */
export const orchestratorConfigGroups = [
  'kafka',
  'registry',
  'connect',
  'databases',
  'topics',
  'orchestrator',
  'continuation',
  'limits',
  'service',
  'log',
] as const;
export type OrchestratorConfig = Pick<Config, (typeof orchestratorConfigGroups)[number]>;

/** Resolves when it has joined its groups, however long a broker or a database is away. */
export async function runOrchestrator(config: OrchestratorConfig): Promise<RunningProcess> {
  return await startService('orchestrator', config, async (service) => {
    const systems = await connect(config, service);
    const { log, metrics } = service;
    const supervisor = createConnectorSupervisor({ connect: config.connect, prefix: config.topics.prefix, log, metrics });
    supervisor.start();
    service.onStop('connector supervisor', () => supervisor.stop());
    await orchestrate(config, service, systems);
  });
}

async function connect(config: OrchestratorConfig, service: Service): Promise<OrchestratorSystems> {
  const { log, signal } = service;
  const pools = openPools(config, 'millrace-orchestrator', log, service.fail);
  service.onStop('databases', () => pools.close());
  const retry = retryForever(isRetryable, signal, log);
  await retry('check the installation', () => assertSetup(pools, config.topics.partitions));
  const slot = slotName(config.topics.prefix);
  const { eventTtlMs, outboxRetentionMs, retention } = config.orchestrator;
  return {
    ...openStore(config, pools),
    definitions: createDefinitionStore(pools.definitions),
    jobs: createJobStore(pools.instances),
    gauge: createOutboxGauge(pools.instances, slot),
    maintenance: createMaintenance(pools.instances, { slot, outboxRetentionMs, eventTtlMs, retention, log }),
    probes: createOutboxProbes(pools.instances),
    log: connectKafka(kafkaOptions(config), log),
  };
}

function openPools(
  { databases }: Pick<Config, 'databases'>,
  applicationName: string,
  log: Logger,
  onUnusable?: (error: MillraceError) => void,
): Pools {
  const { definitions, instances, connections } = databases;
  const onIdleError = (error: Error): void => log.warn({ err: error }, 'A database connection was lost');
  const told = { onIdleError, ...(onUnusable === undefined ? {} : { onUnusable }) };
  return createPools({ definitions, instances }, { connections, genericPlans: true, applicationName, ...told });
}

type Store = Pick<OrchestratorSystems, 'codec' | 'outgoing' | 'matcher' | 'store'>;

function openStore(config: Pick<Config, 'registry' | 'topics' | 'orchestrator' | 'limits'>, pools: Pools): Store {
  const { prefix, partitions, publish: publishTopics } = config.topics;
  const codec = createCodec({ registry: connectRegistry(registryOptions(config)) });
  const outgoing = createOutgoing({ codec, prefix, partitions, publishTopics, referenceBytes: config.limits.referenceBytes });
  const matcher = createEventMatcher(outgoing);
  const { eventTtlMs } = config.orchestrator;
  const store = createInstanceStore(pools.instances, matcher, { eventTtlMs, stateBytesMax: config.limits.stateBytes });
  return { codec, outgoing, matcher, store };
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
    await assertSetup(pools, config.topics.partitions);
    const { outgoing, store } = openStore(config, pools);
    await outgoing.prepare();
    const gauge = createOutboxGauge(pools.instances, slotName(prefix));
    const redispatcher = new Redispatcher({ store, outgoing, admin, prefix, publishedBefore: () => publishedBefore(store, gauge) });
    const partitions = Array.from({ length: config.topics.partitions }, (_, partition) => partition);
    const deadline = performance.now() + waitMs;
    let { redispatched, waiting } = await redispatcher.lookAtAll(partitions, force);
    while (waiting > 0 && performance.now() < deadline) {
      await redispatcher.mark();
      await sleep(LOOK_AGAIN_MS);
      const counts = await redispatcher.lookAtAll(partitions);
      redispatched += counts.redispatched;
      waiting = counts.waiting;
    }
    return { redispatched, waiting };
  } finally {
    await Promise.all([admin.close(), pools.close()]);
  }
}
