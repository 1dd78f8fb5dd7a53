/**
 * Partitions of the outbox, one for each hour (UTC), named by it. They are created ahead and attached, which blocks no insert.
 * Detaching waits for a lock behind which every insert would wait too, so it gives up after a short time and tries again.
 */
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import pg from 'pg';
import type { EpochMs } from '../../../core/ids.ts';
import { inTransactionOn, type Queryable } from '../connection/pools.ts';
import { databaseNow } from '../sql/times.ts';

/** Partitions are made so far ahead that inserts find one for two days without any maintenance. */
export const hoursAhead = 48;

const HOUR_MS = 3_600_000;
const LOCK_PATIENCE_MS = 200;
const LOCK_NOT_AVAILABLE = '55P03';
const NAME = /^outbox_(\d{4})(\d{2})(\d{2})(\d{2})$/;

type Hour = { readonly name: string; readonly from: EpochMs; readonly to: EpochMs };

function hourOf(at: EpochMs): Hour {
  const from = Math.floor(at / HOUR_MS) * HOUR_MS;
  const name = `outbox_${new Date(from).toISOString().slice(0, 13).replaceAll(/[-T]/g, '')}`;
  return { name, from, to: from + HOUR_MS };
}

/** @returns the names of the attached partitions of hours, oldest first. */
export async function attachedPartitions(on: Queryable): Promise<readonly Hour[]> {
  const { rows } = await on.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'outbox'::regclass ORDER BY 1`,
  );
  return rows.flatMap(({ name }) => {
    const [, year, month, day, hour] = NAME.exec(name) ?? [];
    return hour === undefined ? [] : [hourOf(Date.parse(`${year}-${month}-${day}T${hour}:00:00Z`))];
  });
}

/** Creates the missing partitions of this hour and of so many after it. @returns how many were created. */
export async function makePartitions(on: Queryable, hoursAhead: number): Promise<number> {
  const now = await databaseNow(on);
  const there = new Set((await attachedPartitions(on)).map(({ name }) => name));
  let made = 0;
  for (let index = 0; index <= hoursAhead; index++) {
    const hour = hourOf(now + index * HOUR_MS);
    if (there.has(hour.name)) continue;
    await attach(on, hour);
    made++;
  }
  return made;
}

async function attach(on: Queryable, { name, from, to }: Hour): Promise<void> {
  const bound = (at: EpochMs): string => `'${new Date(at).toISOString()}'`;
  await inTransactionOn(on, async () => {
    await on.query(`SET LOCAL lock_timeout = ${LOCK_PATIENCE_MS * 10}`);
    // Autovacuum is off: rows are never updated or deleted, only dropped with their table, and vacuum would write every page once more.
    await on.query(`CREATE TABLE ${name} (LIKE outbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (autovacuum_enabled = off)`);
    await on.query(`ALTER TABLE outbox ATTACH PARTITION ${name} FOR VALUES FROM (${bound(from)}) TO (${bound(to)})`);
  });
}

/**
 * Detaches the partitions whose hour ended before an instant, and saves the WAL position of that moment: all their rows were
 * written before it. @returns how many were detached.
 */
export async function detachPartitions(on: Queryable, endedBefore: EpochMs): Promise<number> {
  const old = (await attachedPartitions(on)).filter(({ to }) => to <= endedBefore);
  for (const { name } of old) await retryPolicy.execute(() => detach(on, name));
  return old.length;
}

const retryPolicy = retry(
  handleWhen((error) => error instanceof pg.DatabaseError && error.code === LOCK_NOT_AVAILABLE),
  { maxAttempts: 5, backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 2_000 }) },
);

async function detach(on: Queryable, name: string): Promise<void> {
  await inTransactionOn(on, async () => {
    await on.query(`SET LOCAL lock_timeout = ${LOCK_PATIENCE_MS}`);
    // Not CONCURRENTLY, which Postgres refuses for tables with a default partition.
    await on.query(`ALTER TABLE outbox DETACH PARTITION ${name}`);
    await on.query('INSERT INTO outbox_detached_partition (name, detached_at_lsn) VALUES ($1, pg_current_wal_insert_lsn())', [name]);
  });
}

/** Drops detached partitions once the slot has confirmed the WAL position of their detaching. @returns how many. */
export async function dropPartitions(on: Queryable, slot: string): Promise<number> {
  const { rows } = await on.query<{ name: string }>(
    `SELECT d.name FROM outbox_detached_partition d JOIN pg_replication_slots s ON s.slot_name = $1 AND s.wal_status <> 'lost'
      WHERE d.detached_at_lsn <= s.confirmed_flush_lsn ORDER BY d.name`,
    [slot],
  );
  for (const { name } of rows) {
    await inTransactionOn(on, async () => {
      await on.query(`DROP TABLE IF EXISTS ${pg.escapeIdentifier(name)}`);
      await on.query('DELETE FROM outbox_detached_partition WHERE name = $1', [name]);
    });
  }
  return rows.length;
}
