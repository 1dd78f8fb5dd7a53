/**
 * Deletes instances that ended long ago, with all their rows, in small batches that are a transaction each. One with rows in its books
 * stays, since it has not heard the end of a child; one that is a child stays for as long as its start might come back.
 */

import { firstIdAt } from '../../../core/ids.ts';
import { ENDED_CHILD_MS_MIN } from '../../books.ts';
import type { Queryable } from '../connection/pools.ts';
import { databaseNow, instant } from '../sql/times.ts';
import { inChunks } from './old-rows.ts';

/** An instance may have thousands of rows. */
const chunks = { size: 100, most: 50 };

/** Ids come from clocks that may be wrong by a day. */
const DAY_MS = 86_400_000;

/** Tables whose rows belong to one instance. What is known of starts, events and jobs has an age of its own. */
const tables = ['history', 'task', 'scope', 'human_task', 'claim', 'timer', 'wait', 'subscription', 'incident'] as const;

const statement = {
  name: 'delete-ended-instances',
  text: `WITH old AS MATERIALIZED (
      SELECT picked.id FROM unnest(ARRAY['completed', 'failed', 'cancelled']) AS s (status) CROSS JOIN LATERAL (
        SELECT i.id FROM instance i WHERE i.status = s.status AND i.id < $1 AND i.ended_at < ${instant('$2')}
          AND (i.parent_id IS NULL OR i.ended_at < ${instant('$3')}) AND NOT EXISTS (SELECT FROM child c WHERE c.parent_id = i.id)
        ORDER BY i.id LIMIT $4 FOR UPDATE SKIP LOCKED) AS picked
      LIMIT $4),
    gone AS (DELETE FROM instance i USING old WHERE i.id = old.id RETURNING i.id),
    ${tables.map((table) => `of_${table} AS (DELETE FROM ${table} t USING gone WHERE t.instance_id = gone.id)`).join(',\n    ')},
    of_command AS (DELETE FROM command t USING gone WHERE t.instance_id = gone.id AND t.status = 'pending' AND t.job_id IS NULL)
    SELECT count(*)::float8 AS count FROM gone`,
};

/** @param keptMs since their end. @returns how many instances were deleted. */
export async function deleteEndedInstances(on: Queryable, keptMs: number): Promise<number> {
  const now = await databaseNow(on);
  const endedBefore = now - keptMs;
  const childEndedBefore = now - Math.max(keptMs, ENDED_CHILD_MS_MIN);
  return await inChunks(async (limit) => {
    const values = [firstIdAt(endedBefore + DAY_MS), endedBefore, childEndedBefore, limit];
    const { rows } = await on.query<{ count: number }>({ ...statement, values });
    return rows[0]?.count ?? 0;
  }, chunks);
}
