/** One process at a time maintains a database: an advisory lock of its session. */
import type { Queryable } from '../connection/pools.ts';

/** Key of the advisory lock. Nothing else in this database uses it. */
const LOCK = 7_301_450_020;

/** Runs `work` while no other process maintains the same database. @returns null when one does, and `wait` is not asked for. */
export async function withMaintenanceLock<T>(on: Queryable, mode: 'wait' | 'try', work: () => Promise<T>): Promise<T | null> {
  if (mode === 'wait') await on.query('SELECT pg_advisory_lock($1)', [LOCK]);
  else {
    const { rows } = await on.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [LOCK]);
    if (rows[0]?.locked !== true) return null;
  }
  try {
    return await work();
  } finally {
    await on.query('SELECT pg_advisory_unlock($1)', [LOCK]);
  }
}
