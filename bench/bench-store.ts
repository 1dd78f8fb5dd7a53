/** A Postgres of its own with the stack's settings, and an instance store on one session of it: what statements cost, without Kafka. Linux only. */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { pino } from 'pino';
import { parseDefinition } from '../src/core/definition/index.ts';
import type { Definition } from '../src/core/definition/types.ts';
import { createEventMatcher } from '../src/engine/correlate/event-matcher.ts';
import { createCodec } from '../src/messaging/codec.ts';
import { MemoryRegistry } from '../src/messaging/memory/registry.ts';
import { createOutgoing, type OutgoingMessages } from '../src/messaging/outgoing.ts';
import { recordsOnTopics, registerSchemas } from '../src/messaging/registration.ts';
import { topicNames } from '../src/messaging/topics.ts';
import type { EventMatcher, InstanceStore } from '../src/store/instance-store.ts';
import { createInstanceStore, createPool } from '../src/store/postgres/index.ts';
import { migrate } from '../src/store/postgres/install/migrate.ts';
import { openHome, readSecrets } from '../stack/home.ts';
import { roles } from '../stack/settings.ts';
import { startExtraPostgres } from '../test/support/extra-postgres.ts';
import type { Document } from './engine/definitions.ts';

const PREFIX = 'millrace';
const PARTITIONS = 8;
/** Of Linux; what /proc counts CPU time in. */
const TICKS_PER_SECOND = 100;

export type BenchStore = {
  readonly store: InstanceStore;
  readonly outgoing: OutgoingMessages;
  readonly matcher: EventMatcher;
  readonly superuser: pg.Client;
  /** CPU seconds of the session so far. */
  sessionCpu(): number;
  /** Where the WAL ends. */
  lsn(): Promise<string>;
  stop(): Promise<void>;
};

export function parsed(document: Document): Definition {
  const result = parseDefinition(document, { version: 1 });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

export async function startBenchStore(): Promise<BenchStore> {
  const postgres = await startExtraPostgres('bench-store', () => ({
    shared_buffers: '128MB',
    max_wal_size: '4GB',
    checkpoint_timeout: '30min',
  }));
  const url = (name: string): string => postgres.env[name] ?? '';
  const [definitions, instances] = [url('DEFINITION_DATABASE_URL'), url('INSTANCE_DATABASE_URL')];
  await migrate(
    {
      databases: { definitions, instances, replication: null },
      topics: { prefix: PREFIX, partitions: PARTITIONS, maxMessageBytes: 1_048_576 },
    },
    pino({ level: 'silent' }),
  );
  const { hostname, port, pathname } = new URL(instances);
  const superuser = new pg.Client({
    host: hostname,
    port: Number(port),
    database: pathname.slice(1),
    user: roles.superuser,
    password: readSecrets(openHome(url('MILLRACE_HOME'))).superuser,
  });
  await superuser.connect();
  await superuser.query('CREATE EXTENSION pg_walinspect');
  const pool = createPool(instances, { connections: 1, genericPlans: true });
  const outgoing = await createMessages();
  const matcher = createEventMatcher(outgoing);
  const store = createInstanceStore(pool, matcher, { eventTtlMs: 3_600_000 });
  const { notifications, lifecycle, tasks } = topicNames(PREFIX);
  await store.registerTopics([tasks('handlers'), notifications, lifecycle]);
  const pid = (await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid ?? 0;
  return {
    ...{ store, outgoing, matcher, superuser },
    sessionCpu: () => cpuOf(pid),
    lsn: async () => (await superuser.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn')).rows[0]?.lsn ?? '',
    async stop() {
      await pool.end();
      await superuser.end();
      await postgres.stop();
    },
  };
}

async function createMessages(): Promise<OutgoingMessages> {
  const registry = new MemoryRegistry();
  const records = recordsOnTopics(PREFIX);
  await registerSchemas(registry, records);
  const codec = createCodec({ registry });
  const outgoing = createOutgoing({ codec, prefix: PREFIX, partitions: PARTITIONS, publishTopics: [] });
  await codec.prepare(records);
  await outgoing.prepareQueues([null, 'handlers']);
  return outgoing;
}

/** CPU seconds of a process of Linux. */
function cpuOf(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [utime, stime] = fields.split(' ').slice(11, 13).map(Number);
  return ((utime ?? 0) + (stime ?? 0)) / TICKS_PER_SECOND;
}
