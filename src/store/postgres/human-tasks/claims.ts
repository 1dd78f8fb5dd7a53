/**
 * Claims of human tasks, which only the API writes: one conditional statement each. A claim belongs to an attempt of its task. The
 * claim of a closed task has no effect, and maintenance removes it.
 */
import type { InstanceId, TaskPath } from '../../../core/ids.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { storableText } from '../sql/storable-text.ts';

const take = {
  name: 'claim',
  text: `INSERT INTO claim (instance_id, path, attempt, assignee)
    SELECT h.instance_id, h.path, h.attempt, $3 FROM human_task h WHERE h.instance_id = $1 AND h.path = $2
    ON CONFLICT (instance_id, path) DO UPDATE SET attempt = excluded.attempt, assignee = excluded.assignee, claimed_at = now()
      WHERE claim.attempt <> excluded.attempt
    RETURNING assignee`,
};

/** A statement of its own, so that its snapshot sees the claim with which the insert conflicted. */
const holder = {
  name: 'claim-holder',
  text: `SELECT c.assignee FROM human_task h JOIN claim c ON c.instance_id = h.instance_id AND c.path = h.path AND c.attempt = h.attempt
    WHERE h.instance_id = $1 AND h.path = $2`,
};

const giveBack = {
  name: 'unclaim',
  text: `DELETE FROM claim c USING human_task h WHERE c.instance_id = $1 AND c.path = $2 AND ($3::text IS NULL OR c.assignee = $3)
    AND h.instance_id = c.instance_id AND h.path = c.path AND h.attempt = c.attempt`,
};

export type Claimed = { readonly assignee: string; readonly won: boolean };

export async function claim(pool: Pool, instanceId: InstanceId, path: TaskPath, assignee: string): Promise<Claimed | null> {
  return await translating(async () => {
    const won = await pool.query<{ assignee: string }>({ ...take, values: [instanceId, path, storableText(assignee)] });
    if (won.rows[0] !== undefined) return { assignee: won.rows[0].assignee, won: true };
    const held = await pool.query<{ assignee: string }>({ ...holder, values: [instanceId, path] });
    return held.rows[0] === undefined ? null : { assignee: held.rows[0].assignee, won: false };
  });
}

/** @param assignee whose claim it must be; null: anybody's. */
export async function unclaim(pool: Pool, instanceId: InstanceId, path: TaskPath, assignee: string | null): Promise<boolean> {
  const { rowCount } = await translating(() =>
    pool.query({ ...giveBack, values: [instanceId, path, assignee === null ? null : storableText(assignee)] }),
  );
  return (rowCount ?? 0) > 0;
}
