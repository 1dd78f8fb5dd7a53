/** The number of partitions, which is fixed when the database is installed: an instance's partition never changes. */
import { MillraceError } from '../../../core/error.ts';
import { heartbeatTable, outboxPublication, outboxTable, schemaName } from '../../outbox-names.ts';
import { translating } from '../connection/errors.ts';
import type { Pool, Pools, Queryable } from '../connection/pools.ts';
import { assertSessions } from '../connection/session.ts';

/** Every process calls it when it starts. @throws MillraceError not retryable, also `MR_DATABASE_SETTINGS`. */
export async function assertSetup({ definitions, instances }: Pick<Pools, 'definitions' | 'instances'>, partitions: number): Promise<void> {
  await assertSessions(definitions, 'The definition database');
  await assertSessions(instances, 'The instance database');
  await assertInstallation(instances, partitions);
}

/**
 * @throws MillraceError not retryable: `MR_NOT_INSTALLED` before `millrace migrate`, `MR_PARTITIONS_FROZEN` for another number.
 */
export async function assertInstallation(pool: Pool, partitions: number): Promise<void> {
  const installed = await translating(() => installedPartitions(pool));
  if (installed === null)
    throw new MillraceError('MR_NOT_INSTALLED', 'The instance database is not set up: run `millrace migrate`.', { retryable: false });
  if (installed !== partitions) throw frozen(installed, partitions);
  await translating(() => assertPublished(pool));
}

/** Debezium reads only the tables of the publication: an outbox in another schema would never be published. */
async function assertPublished(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ published: string[] }>(
    `SELECT array_agg(schemaname || '.' || tablename) AS published FROM pg_publication_tables WHERE pubname = $1`,
    [outboxPublication],
  );
  const published = rows[0]?.published ?? [];
  const missing = [outboxTable, heartbeatTable].filter((table) => !published.includes(table));
  if (missing.length > 0)
    throw new MillraceError(
      'MR_NOT_INSTALLED',
      `The publication ${outboxPublication} does not have ${missing.join(' and ')}, so nothing would be published.`,
      { retryable: false },
    );
}

/** Stores the number the first time. */
export async function install(on: Queryable, partitions: number): Promise<void> {
  await on.query('INSERT INTO installation (partitions) VALUES ($1) ON CONFLICT DO NOTHING', [partitions]);
  const installed = await installedPartitions(on);
  if (installed !== partitions) throw frozen(installed, partitions);
}

async function installedPartitions(on: Queryable): Promise<number | null> {
  const { rows: tables } = await on.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    `${schemaName}.installation`,
  ]);
  if (tables[0]?.there !== true) return null;
  const { rows } = await on.query<{ partitions: number }>('SELECT partitions FROM installation');
  return rows[0]?.partitions ?? null;
}

function frozen(installed: number | null, partitions: number): MillraceError {
  return new MillraceError(
    'MR_PARTITIONS_FROZEN',
    `The instance database was installed with ${installed} partitions, and MILLRACE_PARTITIONS says ${partitions}: the number never changes.`,
    { retryable: false },
  );
}
