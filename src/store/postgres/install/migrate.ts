/**
 * `millrace migrate`: brings both databases to the schema of this version, sets what follows from the configuration, and makes the
 * replication slot. Safe to repeat, and from several processes at once. There are no down migrations.
 */
import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { MillraceError } from '../../../core/error.ts';
import type { Logger } from '../../../core/logger.ts';
import { schemaName, slotName } from '../../outbox-names.ts';
import { translate, translating } from '../connection/errors.ts';
import { clientConfig, type Queryable } from '../connection/pools.ts';
import { prepareSession } from '../connection/session.ts';
import { withMaintenanceLock } from '../maintenance/lock.ts';
import { hoursAhead, makePartitions } from '../outbox/partitions.ts';
import { ensureSlot } from '../outbox/slot.ts';
import { install } from './installation.ts';

export type MigrateConfig = {
  readonly databases: { readonly definitions: string; readonly instances: string; readonly replication: string | null };
  readonly topics: { readonly prefix: string; readonly partitions: number; readonly maxMessageBytes: number };
};

/** Size of framing, headers and everything else in a record beside payload, key and type. */
const RECORD_OVERHEAD_BYTES = 1_024;

/** @throws MillraceError, also for a migration that fails: nothing of that one is done then. */
export async function migrate({ databases, topics }: MigrateConfig, log: Logger): Promise<void> {
  await withClient('DEFINITION_DATABASE_URL', databases.definitions, (client) => runMigrations(client, 'definitions', log));
  await withClient('INSTANCE_DATABASE_URL', databases.instances, async (client) => {
    await runMigrations(client, 'instances', log);
    await withMaintenanceLock(client, 'wait', async () => {
      await install(client, topics.partitions);
      await limitPayload(client, topics.maxMessageBytes - RECORD_OVERHEAD_BYTES);
      await makePartitions(client, hoursAhead);
      await ensureSlot(client, { slot: slotName(topics.prefix), replicationUrl: databases.replication, replaceLost: false, log });
    });
  });
}

async function withClient(variable: string, url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ ...clientConfig(url), application_name: 'millrace-migrate', connectionTimeoutMillis: 10_000 });
  await translating(async () => {
    await client.connect().catch((error: unknown) => {
      throw notConnected(variable, translate(error));
    });
    // A connection that breaks meanwhile also fails the query under way, which reports it.
    client.on('error', () => undefined);
    try {
      // Migrations may take long.
      await prepareSession(client, { statementTimeoutMs: 0 });
      await work(client);
    } finally {
      await client.end();
    }
  });
}

async function runMigrations(client: pg.Client, database: 'definitions' | 'instances', log: Logger): Promise<void> {
  try {
    const done = await runner({
      dbClient: client,
      dir: join(import.meta.dirname, '..', '..', 'migrations', database),
      direction: 'up',
      // Each has a table of migrations of its own, so that one database may be both.
      schema: schemaName,
      migrationsSchema: schemaName,
      migrationsTable: `migration_of_${database}`,
      checkOrder: true,
      advisoryLockMode: 'wait',
      logger: {
        info: (text) => log.debug({ database }, text),
        warn: (text) => log.warn({ database }, text),
        error: (text) => log.warn({ database }, text),
      },
    });
    for (const { name } of done) log.info({ database, migration: name }, 'Migrated');
  } catch (error) {
    throw new MillraceError('MR_MIGRATION_FAILED', `The database of ${database} cannot be migrated: ${messageOf(error)}`, {
      retryable: false,
      cause: error,
    });
  }
}

/** The limit of records as a CHECK: a row that no topic accepts would stop all rows after it. */
async function limitPayload(on: Queryable, bytes: number): Promise<void> {
  const condition = `octet_length(payload) + octet_length(key) + octet_length(message_type) <= ${bytes}`;
  const { rows } = await on.query<{ definition: string }>(
    `SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conrelid = 'outbox'::regclass AND conname = 'outbox_payload_size'`,
  );
  if (rows[0]?.definition.includes(`<= ${bytes})`) === true) return;
  // NOT VALID: existing rows met the limit of their time.
  await on.query(`ALTER TABLE outbox DROP CONSTRAINT IF EXISTS outbox_payload_size,
    ADD CONSTRAINT outbox_payload_size CHECK (${condition}) NOT VALID`);
}

/** A wrong login or a pooler that refuses is no outage, so the code stays. */
function notConnected(variable: string, error: unknown): MillraceError {
  const { code, retryable } = error instanceof MillraceError ? error : { code: 'MR_DATABASE' as const, retryable: false };
  return new MillraceError(code, `Cannot connect to ${variable}: ${messageOf(error)}`, { retryable, cause: error });
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
