/**
 * What keeps the instance database in shape: partitions of the outbox made ahead, old ones dropped behind the slot, and
 * old rows deleted, in bounded amounts. One process at a time, by an advisory lock. Steps do not depend on each other: one
 * that fails is reported, and tried again a minute later.
 */
import type { EpochMs } from '../../core/ids.ts';
import type { Logger, Maintenance, MaintenanceReport } from '../maintenance.ts';
import { translate, translating } from './errors.ts';
import { expireEvents } from './expired-events.ts';
import { detachPartitions, dropPartitions, makePartitions } from './outbox-partitions.ts';
import type { Pool, Queryable } from './pools.ts';
import { isRepublishPending, markLostSlot } from './slot.ts';
import { databaseNow } from './times.ts';

/** Partitions are there for two days without any maintenance. */
export const hoursAhead = 48;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Longer than any transaction of ours lives. */
const OPEN_TRANSACTION_MS = 10 * 60_000;
const CHUNK = 5_000;
/** Bounds one run: what is more waits for the next one. */
const CHUNKS_MAX = 40;
/** Any number that nobody else locks. */
const LOCK = 7_301_450_020;

export type MaintenanceOptions = {
  readonly slot: string;
  /** Rows of the outbox are kept for so long after they were published. */
  readonly outboxRetentionMs: number;
  readonly eventTtlMs: number;
  readonly log: Logger;
};

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

export function createMaintenance(pool: Pool, options: MaintenanceOptions): Maintenance {
  const strays = new StrayRows();
  return {
    async run() {
      return await translating(async () => {
        const client = await pool.connect();
        let broken: Error | undefined;
        try {
          return await withMaintenanceLock(client, 'try', () => maintain(client, strays, options));
        } catch (error) {
          // The connection may still hold the lock: with it, the lock goes.
          broken = error instanceof Error ? error : new Error(String(error));
          throw error;
        } finally {
          client.release(broken);
        }
      });
    },
    async noticeLostSlot() {
      await translating(() => noticeLostSlot(pool, options.slot, options.log));
    },
  };
}

async function maintain(
  on: Queryable,
  strays: StrayRows,
  { slot, outboxRetentionMs, eventTtlMs, log }: MaintenanceOptions,
): Promise<MaintenanceReport> {
  const now = await databaseNow(on);
  const failed: string[] = [];
  const attempt = async <T>(step: string, work: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      log.warn({ err: translate(error), step }, 'A step of maintenance failed; it is tried again');
      failed.push(step);
      return otherwise;
    }
  };

  const partitionsMade = await attempt('make partitions', () => makePartitions(on, hoursAhead), 0);
  await attempt('look after the slot', () => noticeLostSlot(on, slot, log), undefined);
  let partitionsDetached = 0;
  let partitionsDropped = 0;
  // What the slot does not know is still to be published from the table.
  if (!(await isRepublishPending(on))) {
    partitionsDetached = await attempt('detach partitions', () => detachPartitions(on, now - outboxRetentionMs), 0);
    partitionsDropped = await attempt('drop partitions', () => dropPartitions(on, slot), 0);
    await attempt('clear the default partition', () => strays.remove(on, slot, now - Math.max(outboxRetentionMs, OPEN_TRANSACTION_MS)), 0);
  }
  const deleted: Record<string, number> = {};
  for (const [table, condition] of Object.entries(oldRows(eventTtlMs)))
    deleted[table] = await attempt(`delete old rows of ${table}`, () => deleteOld(on, table, condition), 0);
  deleted.event_buffer = await attempt('expire events', () => inChunks((limit) => expireEvents(on, limit)), 0);
  const rowsInDefault = await hasStrays(on);
  if (rowsInDefault) log.error({ slot }, 'Rows of the outbox are in no partition of their own: partitions were not made ahead');
  return { partitionsMade, partitionsDetached, partitionsDropped, rowsInDefault, deleted, failed };
}

/** What is old, by table. */
function oldRows(eventTtlMs: number): Readonly<Record<string, string>> {
  const olderThan = (column: string, ms: number): string => `${column} < now() - ${ms}::float8 * interval '1 millisecond'`;
  return {
    heartbeat: olderThan('at', HOUR_MS),
    // Longer than events and deliveries live, or one that comes again would be new.
    event_seen: olderThan('at', Math.max(2 * DAY_MS, 2 * eventTtlMs)),
    idempotency: olderThan('created_at', DAY_MS),
    command: olderThan('result_at', DAY_MS),
    claim: `${olderThan('at', DAY_MS)} AND NOT EXISTS (
      SELECT FROM human_task h WHERE h.instance_id = claim.instance_id AND h.path = claim.path AND h.attempt = claim.attempt)`,
  };
}

async function deleteOld(on: Queryable, table: string, condition: string): Promise<number> {
  return await inChunks(async (limit) => {
    const { rowCount } = await on.query(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${limit}))`,
    );
    return rowCount ?? 0;
  });
}

async function inChunks(work: (limit: number) => Promise<number>): Promise<number> {
  let sum = 0;
  for (let chunk = 0; chunk < CHUNKS_MAX; chunk++) {
    const count = await work(CHUNK);
    sum += count;
    if (count < CHUNK) break;
  }
  return sum;
}

async function noticeLostSlot(on: Queryable, slot: string, log: Logger): Promise<void> {
  if (!(await markLostSlot(on, slot))) return;
  log.warn({ slot }, 'The replication slot is gone, and what it had not confirmed is not published: run `millrace republish`');
}

async function hasStrays(on: Queryable): Promise<boolean> {
  const { rows } = await on.query<{ there: boolean }>('SELECT EXISTS (SELECT FROM outbox_default) AS there');
  return rows[0]?.there === true;
}

/** Rows in the default partition go when they are old and the slot is past where the WAL was when they were old already. */
class StrayRows {
  #seen: { readonly before: EpochMs; readonly lsn: string } | null = null;

  async remove(on: Queryable, slot: string, before: EpochMs): Promise<number> {
    if (!(await hasStrays(on))) {
      this.#seen = null;
      return 0;
    }
    if (this.#seen === null) {
      const { rows } = await on.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
      this.#seen = rows[0] === undefined ? null : { before, lsn: rows[0].lsn };
      return 0;
    }
    const { rows } = await on.query<{ confirmed: boolean }>(
      `SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND wal_status <> 'lost' AND confirmed_flush_lsn >= $2::pg_lsn) AS confirmed`,
      [slot, this.#seen.lsn],
    );
    if (rows[0]?.confirmed !== true) return 0;
    const { before: old } = this.#seen;
    this.#seen = null;
    return await inChunks(async (limit) => {
      const { rowCount } = await on.query(
        `DELETE FROM outbox_default WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM outbox_default WHERE created_at < to_timestamp($1::float8 / 1000) LIMIT ${limit}))`,
        [old],
      );
      return rowCount ?? 0;
    });
  }
}
