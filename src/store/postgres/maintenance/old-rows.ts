/** Rows that are deleted because they are old, in bounded amounts. */
import type { Retention } from '../../maintenance.ts';
import type { Queryable } from '../connection/pools.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What is left after so many chunks waits for the next run. */
const defaultChunks = { size: 5_000, most: 40 };

/** Tables with the conditions of their rows that are old, in the order in which they are deleted. */
export function oldRows(eventTtlMs: number, { jobsMs }: Retention): readonly (readonly [table: string, condition: string])[] {
  // Longer than events and deliveries are kept: otherwise a repeated event would count as new.
  const receivedMs = Math.max(2 * DAY_MS, 2 * eventTtlMs);
  const olderThan = (column: string, ms: number): string => `${column} < now() - ${ms}::float8 * interval '1 millisecond'`;
  return [
    ['heartbeat', olderThan('at', HOUR_MS)],
    ['received_event', olderThan('received_at', receivedMs)],
    // Keys of starts by events are kept for as long as the events are known: a dead letter of a trigger may be replayed until then.
    ['idempotency', `${olderThan('created_at', DAY_MS)} AND (NOT starts_with(key, E'event\\n') OR ${olderThan('created_at', receivedMs)})`],
    ['command', `${olderThan('result_at', DAY_MS)} AND job_id IS NULL`],
    // A job goes after its results.
    ['command', `job_id IN (SELECT id FROM job WHERE ${olderThan('finished_at', jobsMs)})`],
    ['job', `${olderThan('finished_at', jobsMs)} AND NOT EXISTS (SELECT FROM command c WHERE c.job_id = job.id)`],
    [
      'claim',
      `${olderThan('claimed_at', DAY_MS)} AND NOT EXISTS (
      SELECT FROM human_task h WHERE h.instance_id = claim.instance_id AND h.path = claim.path AND h.attempt = claim.attempt)`,
    ],
    // Its attempt has ended: the outcome that names it was applied, or never will be.
    [
      'task_output',
      `NOT EXISTS (SELECT FROM task t WHERE t.instance_id = task_output.instance_id AND t.path = task_output.path
        AND t.attempt = task_output.attempt AND t.status = 'scheduled')`,
    ],
  ];
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
export async function inChunks(work: (limit: number) => Promise<number>, { size, most } = defaultChunks): Promise<number> {
  let sum = 0;
  for (let chunk = 0; chunk < most; chunk++) {
    const count = await work(size);
    sum += count;
    if (count < size) break;
  }
  return sum;
}
