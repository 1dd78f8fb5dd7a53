/** Both databases in memory, for `millrace dev` and for tests. Whatever they hold ends with the process. */
import type { DefinitionStore } from '../definition-store.ts';
import type { InstanceQueries } from '../instance-queries.ts';
import type { EventMatcher, InstanceStore } from '../instance-store.ts';
import type { JobStore } from '../jobs.ts';
import type { Maintenance, OutboxGauge, OutboxProbes } from '../maintenance.ts';
import type { QueueStore } from '../queues.ts';
import { createMemoryDefinitionStore } from './definition-store.ts';
import { createMemoryInstanceQueries } from './instance-queries.ts';
import { createMemoryInstanceStore, type MemoryStoreOptions } from './instance-store.ts';
import { createMemoryJobStore } from './jobs.ts';
import { createMemoryMaintenance, createMemoryOutboxGauge, createMemoryOutboxProbes } from './maintenance.ts';
import type { OutboxFeed } from './outbox.ts';
import { createMemoryQueueStore } from './queues.ts';
import { MemoryTables } from './tables.ts';

export type { OutboxFeed, OutboxRow } from './outbox.ts';

export type MemoryDatabases = {
  readonly definitions: DefinitionStore;
  readonly queries: InstanceQueries;
  readonly jobs: JobStore;
  /** What an in-process publisher reads, as Debezium reads the outbox of Postgres. */
  readonly outbox: OutboxFeed;
  readonly maintenance: Maintenance;
  readonly gauge: OutboxGauge;
  readonly probes: OutboxProbes;
  /** A store on the tables that all stores of these databases share. */
  instanceStore(matcher: EventMatcher): InstanceStore;
  /** @param tasksTopic of `http` nodes. */
  queueStore(tasksTopic: string): QueueStore;
};

export type MemoryOptions = MemoryStoreOptions & {
  /** Largest message, in bytes with its key and type; default 1 MiB less what a record takes beside them. */
  readonly messageBytesMax?: number;
};

const MESSAGE_BYTES_MAX = 1_048_576 - 1_024;

export function createMemoryDatabases({ messageBytesMax = MESSAGE_BYTES_MAX, ...options }: MemoryOptions): MemoryDatabases {
  return memoryDatabasesOn(new MemoryTables(messageBytesMax), options);
}

/** For tests that look into the tables. */
export function memoryDatabasesOn(tables: MemoryTables, options: MemoryStoreOptions): MemoryDatabases {
  return {
    definitions: createMemoryDefinitionStore(),
    queries: createMemoryInstanceQueries(tables),
    jobs: createMemoryJobStore(tables),
    outbox: tables.outbox,
    maintenance: createMemoryMaintenance(tables, options),
    gauge: createMemoryOutboxGauge(tables),
    probes: createMemoryOutboxProbes(tables),
    instanceStore: (matcher) => createMemoryInstanceStore(tables, matcher, options),
    queueStore: (tasksTopic) => createMemoryQueueStore(tables, tasksTopic),
  };
}
