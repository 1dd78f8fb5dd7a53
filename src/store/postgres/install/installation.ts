/** The number of partitions, which is fixed when the database is installed: an instance's partition never changes. */
import { MillraceError } from '../../../core/error.ts';
import { translating } from '../connection/errors.ts';
import type { Pool, Queryable } from '../connection/pools.ts';

/**
 * Every process calls it when it starts.
 * @throws MillraceError not retryable: `MR_NOT_INSTALLED` before `millrace migrate`, `MR_PARTITIONS_FROZEN` for another number.
 */
export async function assertInstallation(pool: Pool, partitions: number): Promise<void> {
  const installed = await translating(() => installedPartitions(pool));
  if (installed === null)
    throw new MillraceError('MR_NOT_INSTALLED', 'The instance database is not set up: run `millrace migrate`.', { retryable: false });
  if (installed !== partitions) throw frozen(installed, partitions);
}

/** Writes the number down the first time. */
export async function install(on: Queryable, partitions: number): Promise<void> {
  await on.query('INSERT INTO installation (partitions) VALUES ($1) ON CONFLICT DO NOTHING', [partitions]);
  const installed = await installedPartitions(on);
  if (installed !== partitions) throw frozen(installed, partitions);
}

async function installedPartitions(on: Queryable): Promise<number | null> {
  const { rows: tables } = await on.query<{ there: boolean }>(`SELECT to_regclass('installation') IS NOT NULL AS there`);
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
