/** Rows of the outbox in its default partition: no partition was made for their hour. */
import type { EpochMs } from '../../../core/ids.ts';
import type { Queryable } from '../connection/pools.ts';
import { inChunks } from './old-rows.ts';

export async function hasStrays(on: Queryable): Promise<boolean> {
  const { rows } = await on.query<{ there: boolean }>('SELECT EXISTS (SELECT FROM outbox_default) AS there');
  return rows[0]?.there === true;
}

/** Deletes them once they are old and the slot has confirmed a WAL position at which they were old already. */
export class StrayRows {
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
