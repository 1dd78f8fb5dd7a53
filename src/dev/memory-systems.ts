/**
 * The systems of a whole engine in the memory of this process: both databases, the log and the schema registry. Installs them too:
 * topics, schemas, and the topics for which the outbox accepts messages. Nothing is durable.
 */
import type { ApiSystems } from '../api/serve-api.ts';
import { createEventMatcher } from '../engine/correlate/event-matcher.ts';
import { createCodec } from '../messaging/codec.ts';
import { createMemoryLog } from '../messaging/memory/index.ts';
import { MemoryRegistry } from '../messaging/memory/registry.ts';
import { createOutgoing } from '../messaging/outgoing.ts';
import { recordsOnTopics, registerSchemas } from '../messaging/registration.ts';
import { ensureTopics, outboxTopics, topicNames } from '../messaging/topics.ts';
import type { OrchestratorSystems } from '../orchestrator/orchestrate.ts';
import type { Config } from '../service/config.ts';
import { topicSettings } from '../service/connections.ts';
import type { Logger } from '../service/logging.ts';
import { createMemoryDatabases, type OutboxFeed } from '../store/memory/index.ts';
import type { TaskSystems } from '../task-consumer/run-tasks.ts';
import { createStorePayloads } from './store-payloads.ts';

export type MemorySystems = ApiSystems & OrchestratorSystems & TaskSystems & { readonly outbox: OutboxFeed };

type SystemsConfig = Pick<Config, 'topics' | 'orchestrator' | 'limits'>;

/** Size of a record beside its payload, as for the outbox of Postgres. */
const RECORD_BYTES = 1_024;

/** @param queues whose tasks will be run, beside the default one. Their topics are made at once, so that their workers find them. */
export async function createMemorySystems(config: SystemsConfig, queues: readonly string[], logger: Logger): Promise<MemorySystems> {
  const { prefix, partitions, publish: publishTopics, maxMessageBytes } = config.topics;
  const registry = new MemoryRegistry();
  const codec = createCodec({ registry });
  const outgoing = createOutgoing({ codec, prefix, partitions, publishTopics, referenceBytes: config.limits.referenceBytes });
  const matcher = createEventMatcher(outgoing);
  const { definitions, queries, jobs, maintenance, gauge, probes, outbox, instanceStore, queueStore } = createMemoryDatabases({
    eventTtlMs: config.orchestrator.eventTtlMs,
    stateBytesMax: config.limits.stateBytes,
    retention: config.orchestrator.retention,
    messageBytesMax: maxMessageBytes - RECORD_BYTES,
  });
  const store = instanceStore(matcher);
  const log = createMemoryLog({ maxMessageBytes }, logger);

  const admin = log.admin();
  await ensureTopics(admin, { ...topicSettings(config), queues });
  // Topics of others, which in an installation exist already.
  const foreign = [...new Set([...publishTopics, ...config.topics.events])];
  await admin.createTopics(foreign.map((topic) => ({ topic, partitions, replication: 1, config: {} })));
  await registerSchemas(registry, recordsOnTopics(prefix, queues, publishTopics));
  await store.registerTopics(outboxTopics(prefix, queues, publishTopics));
  return {
    definitions,
    queries,
    jobs,
    queues: queueStore(topicNames(prefix).tasks(null)),
    maintenance,
    gauge,
    probes,
    outbox,
    registry,
    codec,
    outgoing,
    matcher,
    log,
    store,
    instances: store,
    payloads: createStorePayloads(queries, store, (instanceId) => outgoing.partitionOf(instanceId)),
  };
}
