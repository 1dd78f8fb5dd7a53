/**
 * After a lost slot: inserts every row of the outbox again that the new slot does not know. Each table is read by its blocks, a
 * bounded number in one transaction, which also saves how far it came. Within a transaction rows are inserted by id. Rows that the
 * new slot knows are published twice, which changes nothing, since each basis is applied once (protocol, Outbox 3).
 */
import pg from 'pg';
import { MillraceError } from '../../../core/error.ts';
import type { Logger } from '../../../core/logger.ts';
import { translating } from '../connection/errors.ts';
import { inTransactionOn, type Pool, type Queryable } from '../connection/pools.ts';
import { withMaintenanceLock } from '../maintenance/lock.ts';
import { ensureSlot } from './slot.ts';

const BLOCKS = 1_024;

export type RepublishOptions = {
  readonly slot: string;
  /** REPLICATION_DATABASE_URL: makes the slot when it is missing or lost. */
  readonly replicationUrl: string | null;
  readonly log: Logger;
};

type Progress = { last_row_id: string; finished_tables: string[]; next_block: string };

/**
 * Makes the slot if necessary, then publishes all rows of the outbox from before it. Continues where an earlier call was
 * interrupted.
 * @returns how many rows were written again; null when there was nothing to do.
 * @throws MillraceError `MR_SLOT_MISSING`, not retryable: the slot is not there and cannot be made.
 */
export async function republish(pool: Pool, { slot, replicationUrl, log }: RepublishOptions): Promise<number | null> {
  return await translating(async () => {
    const client = await pool.connect();
    try {
      return await withMaintenanceLock(client, 'wait', async () => {
        if (!(await ensureSlot(client, { slot, replicationUrl, replaceLost: true, log })))
          throw new MillraceError(
            'MR_SLOT_MISSING',
            `The replication slot ${slot} does not exist, and could not be made: set REPLICATION_DATABASE_URL and run this again.`,
            {
              retryable: false,
            },
          );
        return await republishAll(client, log);
      });
    } finally {
      // This session has no statement timeout, so it must not go back to the pool.
      client.release(true);
    }
  });
}

async function republishAll(on: Queryable, log: Logger): Promise<number | null> {
  // A page of a large table takes longer than statements usually may.
  await on.query('SET statement_timeout = 0');
  const progress = await begin(on);
  if (progress === null) return null;
  let sum = 0;
  for (const table of await tablesOf(on)) {
    if (progress.finished_tables.includes(table)) continue;
    const blocks = await blocksOf(on, table);
    let rows = 0;
    for (let block = Number(progress.next_block); block < blocks; block += BLOCKS)
      rows += await inTransactionOn(on, () => copy(on, table, block, progress.last_row_id));
    sum += rows;
    progress.next_block = '0';
    await on.query('UPDATE outbox_republish SET finished_tables = array_append(finished_tables, $1), next_block = 0', [table]);
    if (rows > 0) log.info({ table, rows }, 'Republished');
  }
  await on.query('DELETE FROM outbox_republish');
  return sum;
}

/** Up to the last row that is there now: every row that was committed before the slot is among them. */
async function begin(on: Queryable): Promise<Progress | null> {
  const { rows } = await on.query<Progress>(
    `UPDATE outbox_republish SET last_row_id = coalesce(last_row_id, pg_sequence_last_value(pg_get_serial_sequence('outbox', 'id')::regclass), 0)
      RETURNING last_row_id, finished_tables, next_block`,
  );
  return rows[0] ?? null;
}

/** Attached partitions, and detached ones that are not dropped yet; oldest first by their names, the default one last. */
async function tablesOf(on: Queryable): Promise<readonly string[]> {
  const { rows } = await on.query<{ name: string }>(
    `SELECT name FROM outbox_detached_partition UNION
      SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'outbox'::regclass
      ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

async function blocksOf(on: Queryable, table: string): Promise<number> {
  const { rows } = await on.query<{ blocks: number }>(
    `SELECT (pg_relation_size($1::regclass) / current_setting('block_size')::int)::float8 AS blocks`,
    [pg.escapeIdentifier(table)],
  );
  return rows[0]?.blocks ?? 0;
}

async function copy(on: Queryable, table: string, block: number, upTo: string): Promise<number> {
  const { rowCount } = await on.query(
    `INSERT INTO outbox (topic, key, message_type, partition, payload)
      SELECT topic, key, message_type, partition, payload FROM ${pg.escapeIdentifier(table)}
      WHERE ctid >= '(${block},0)' AND ctid < '(${block + BLOCKS},0)' AND id <= $1 ORDER BY id`,
    [upTo],
  );
  await on.query('UPDATE outbox_republish SET next_block = $1', [block + BLOCKS]);
  return rowCount ?? 0;
}
