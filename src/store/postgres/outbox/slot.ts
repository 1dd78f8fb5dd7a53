/**
 * The replication slot. Without it nothing is published, and rows from before it are not published by it. It is created by the
 * login with REPLICATION, after the publication, and outside any other transaction: one that wrote cannot create a slot.
 */
import pg from 'pg';
import { MillraceError } from '../../../core/error.ts';
import type { Logger } from '../../../core/logger.ts';
import { translating } from '../connection/errors.ts';
import { clientConfig, type Queryable } from '../connection/pools.ts';
import { prepareSession } from '../connection/session.ts';

/** Making a slot waits for every transaction that is under way. */
const PATIENCE_MS = 120_000;
const UNDEFINED_OBJECT = '42704';

type Slot = { readonly isLost: boolean; readonly isHere: boolean };

export type SlotOptions = {
  readonly slot: string;
  /** REPLICATION_DATABASE_URL. */
  readonly replicationUrl: string | null;
  /** true: replaces a lost slot, as republishing does. false: only reports it. */
  readonly replaceLost: boolean;
  readonly log: Logger;
};

/** @param on the instance database, in no transaction. @returns whether the slot is there. */
export async function ensureSlot(on: Queryable, { slot, replicationUrl, replaceLost, log }: SlotOptions): Promise<boolean> {
  const found = await readSlot(on, slot);
  if (found !== null && !found.isHere)
    throw new MillraceError('MR_SLOT_TAKEN', `The slot ${slot} belongs to another database: choose another MILLRACE_TOPIC_PREFIX.`, {
      retryable: false,
    });
  if (found !== null && !found.isLost) {
    await recordSlot(on, slot);
    return true;
  }
  if (found !== null && !replaceLost) {
    log.warn({ slot }, 'The replication slot is lost, so nothing is published: run `millrace republish`');
    return false;
  }
  if (replicationUrl === null) {
    log.warn({ slot }, 'There is no replication slot, so nothing is published: set REPLICATION_DATABASE_URL and run this again');
    return false;
  }
  await markForRepublishing(on, slot);
  await makeSlot(replicationUrl, slot, found !== null);
  await recordSlot(on, slot);
  log.info({ slot }, 'The replication slot was made');
  // A caller that replaces a lost slot republishes by itself.
  if (!replaceLost && (await isRepublishPending(on)))
    log.warn({ slot }, 'Rows of the outbox from before the slot are not published by themselves: run `millrace republish`');
  return true;
}

async function readSlot(on: Queryable, slot: string): Promise<Slot | null> {
  const { rows } = await on.query<Slot>(
    `SELECT wal_status IS NOT DISTINCT FROM 'lost' AS "isLost", database = current_database() AS "isHere"
      FROM pg_replication_slots WHERE slot_name = $1`,
    [slot],
  );
  return rows[0] ?? null;
}

/** Its present position counts as unconfirmed; a later one shows that Debezium is working. */
async function recordSlot(on: Queryable, slot: string): Promise<void> {
  await on.query(
    `INSERT INTO outbox_slot (name, created_at_lsn, failover) SELECT slot_name, confirmed_flush_lsn, ${hasFailover('s')}
      FROM pg_replication_slots s WHERE slot_name = $1
      ON CONFLICT (name) DO UPDATE SET failover = EXCLUDED.failover WHERE outbox_slot.failover IS NULL`,
    [slot],
  );
}

/** A republishing that is under way begins again. */
const beginAnew = `ON CONFLICT (singleton) DO UPDATE SET last_row_id = NULL, finished_tables = '{}', next_block = 0`;

/** Servers before 17 lack the column: NULL there. */
function hasFailover(slot: string): string {
  return `(to_jsonb(${slot}) ->> 'failover')::boolean`;
}

/** Whether the slot is not the one in `outbox_slot`: that was dropped, and Debezium made another, without `failover`. */
export function isAnotherSlot(slot: string, known: string): string {
  return `coalesce(${hasFailover(slot)} <> ${known}.failover, false)`;
}

/**
 * Marks that rows must be republished, if the slot is gone, lost or replaced. One statement, since another process may be
 * creating the next slot at the same time. @returns whether it was.
 */
export async function markLostSlot(on: Queryable, slot: string): Promise<boolean> {
  const { rowCount } = await on.query(
    `WITH old AS (DELETE FROM outbox_slot known WHERE name = $1
        AND NOT EXISTS (SELECT FROM pg_replication_slots s WHERE slot_name = $1 AND wal_status IS DISTINCT FROM 'lost'
          AND NOT ${isAnotherSlot('s', 'known')}) RETURNING name)
      INSERT INTO outbox_republish (singleton) SELECT true FROM old ${beginAnew}`,
    [slot],
  );
  return rowCount === 1;
}

/** Rows from before the next slot must be published again, unless there are none (a fresh database). */
export async function markForRepublishing(on: Queryable, slot: string): Promise<void> {
  await on.query(
    `WITH old AS (DELETE FROM outbox_slot WHERE name = $1 RETURNING name)
      INSERT INTO outbox_republish (singleton) SELECT true WHERE EXISTS (SELECT FROM old) OR EXISTS (SELECT FROM outbox)
      ${beginAnew}`,
    [slot],
  );
}

export async function isRepublishPending(on: Queryable): Promise<boolean> {
  const { rows } = await on.query<{ pending: boolean }>('SELECT EXISTS (SELECT FROM outbox_republish) AS pending');
  return rows[0]?.pending === true;
}

async function makeSlot(replicationUrl: string, slot: string, replaces: boolean): Promise<void> {
  const client = new pg.Client({ ...clientConfig(replicationUrl), connectionTimeoutMillis: 10_000 });
  await translating(async () => {
    await client.connect();
    try {
      await prepareSession(client, { statementTimeoutMs: PATIENCE_MS });
      const { rows } = await client.query<{ has: boolean; failover: boolean }>(
        `SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = 'millrace_outbox') AS has,
          current_setting('server_version_num')::int >= 170000 AS failover`,
      );
      if (rows[0]?.has !== true)
        throw new MillraceError('MR_REPLICATION_URL', 'REPLICATION_DATABASE_URL names another database than INSTANCE_DATABASE_URL.', {
          retryable: false,
        });
      if (replaces) await dropSlot(client, slot);
      // A failover slot is copied to standbys (17 and later), so that a failover loses nothing.
      await client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput', false, false${rows[0].failover ? ', true' : ''})`, [
        slot,
      ]);
    } finally {
      await client.end();
    }
  });
}

async function dropSlot(client: pg.Client, slot: string): Promise<void> {
  try {
    await client.query('SELECT pg_drop_replication_slot($1)', [slot]);
  } catch (error) {
    const isGone = error instanceof pg.DatabaseError && error.code === UNDEFINED_OBJECT;
    if (!isGone) throw error;
  }
}
