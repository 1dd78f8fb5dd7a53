/** Events whose time to live is over. Takes their keys' locks: a wait that opens at the same moment either has them or does not. */
import { inTransactionOn, type Queryable } from '../connection/pools.ts';
import { type EventKey, lockKeys } from './key-locks.ts';

/** @returns how many were deleted, at most `limit`. */
export async function expireEvents(on: Queryable, limit: number): Promise<number> {
  const { rows } = await on.query<EventKey & { row_id: string }>(
    'SELECT row_id, type, key FROM event_buffer WHERE expires_at <= now() AND offer_after IS NULL ORDER BY expires_at LIMIT $1',
    [limit],
  );
  if (rows.length === 0) return 0;
  return await inTransactionOn(on, async () => {
    await lockKeys(on, rows);
    const { rowCount } = await on.query('DELETE FROM event_buffer WHERE row_id = ANY ($1::bigint[])', [rows.map(({ row_id }) => row_id)]);
    return rowCount ?? 0;
  });
}
