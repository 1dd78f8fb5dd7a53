/** Rows that are deleted because they are old, in bounded amounts. */
import type { Queryable } from '../connection/pools.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CHUNK = 5_000;
/** Most chunks of one run. What is left waits for the next run. */
const CHUNKS_MAX = 40;

/** Conditions of the rows that are old, by table. */
export function oldRows(eventTtlMs: number): Readonly<Record<string, string>> {
  // Longer than events and deliveries are kept: otherwise a repeated event would count as new.
  const receivedMs = Math.max(2 * DAY_MS, 2 * eventTtlMs);
  const olderThan = (column: string, ms: number): string => `${column} < now() - ${ms}::float8 * interval '1 millisecond'`;
  return {
    heartbeat: olderThan('at', HOUR_MS),
    received_event: olderThan('received_at', receivedMs),
    // Keys of starts by events are kept for as long as the events are known: a dead letter of a trigger may be replayed until then.
    idempotency: `${olderThan('created_at', DAY_MS)} AND (NOT starts_with(key, E'event\\n') OR ${olderThan('created_at', receivedMs)})`,
    command: olderThan('result_at', DAY_MS),
    claim: `${olderThan('claimed_at', DAY_MS)} AND NOT EXISTS (
      SELECT FROM human_task h WHERE h.instance_id = claim.instance_id AND h.path = claim.path AND h.attempt = claim.attempt)`,
  };
}

export async function deleteOld(on: Queryable, table: string, condition: string): Promise<number> {
  return await inChunks(async (limit) => {
    const { rowCount } = await on.query(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${limit}))`,
    );
    return rowCount ?? 0;
  });
}

/** Calls `work` until it finds less than a chunk. @returns the sum of what it did. */
export async function inChunks(work: (limit: number) => Promise<number>): Promise<number> {
  let sum = 0;
  for (let chunk = 0; chunk < CHUNKS_MAX; chunk++) {
    const count = await work(CHUNK);
    sum += count;
    if (count < CHUNK) break;
  }
  return sum;
}
