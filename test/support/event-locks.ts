/** The locks of transactions on events and waits of a key (protocol, "Events" 1), for tests that hold them. */

import { type EventKey, lockKeys } from '../../src/store/postgres/events/key-locks.ts';
import type { Pool } from '../../src/store/postgres/index.ts';
import type { FreshDatabases } from './fresh-databases.ts';

export type EventLock = {
  readonly class: number;
  readonly lock: number;
  readonly pid: number;
  readonly transaction: string;
  readonly granted: boolean;
};

/** All locks of this database that are held or waited for. */
export async function eventLocks(databases: FreshDatabases): Promise<readonly EventLock[]> {
  return await databases.query<EventLock>(
    `SELECT classid::int AS class, objid::int AS lock, pid, virtualtransaction AS transaction, granted FROM pg_locks
      WHERE locktype = 'advisory' AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
}

/** Runs `work` while somebody else holds the locks of these keys. */
export async function holdingEventLocks<T>(pool: Pool, keys: readonly EventKey[], work: () => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await lockKeys(client, keys);
    return await work();
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}
