/**
 * Automated tasks that have been open for long. There is no index on a task's status, since every step would have to update it.
 * Running instances are found by the index on their status and partition, and their tasks by instance. Paused instances are left
 * out.
 */
import type { EpochMs, InstanceId, TaskPath } from '../../core/ids.ts';
import type { OpenAutomatedTask } from '../instance-store.ts';
import { translating } from './connection/errors.ts';
import type { Pool } from './connection/pools.ts';
import { epochMs, instant } from './sql/times.ts';

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

const running = (status: string): string =>
  `(SELECT id, partition FROM instance WHERE status = '${status}' AND id >= $3 AND partition = ANY($5::int4[]) ORDER BY id)`;

/** Statuses of instances that send tasks. */
const moving = ['running', 'incident', 'ending', 'undoing'];

const statement = {
  name: 'open-automated-tasks',
  text: `SELECT i.id AS "instanceId", i.partition, t.path, t.attempt, t.type, t.queue, t.timeout_ms::float8 AS "timeoutMs",
      ${epochMs('t.dispatched_at')} AS "dispatchedAt"
    FROM (SELECT * FROM (${moving.map(running).join(' UNION ALL ')}) AS all_kinds ORDER BY id) AS i
    CROSS JOIN LATERAL (
      SELECT * FROM task t WHERE t.instance_id = i.id AND t.status = 'scheduled' AND t.dispatched_at < ${instant('$1')}
        AND (i.id > $3 OR t.path > $4) ORDER BY t.path) AS t
    ORDER BY i.id, t.path LIMIT $2`,
};

export async function openAutomatedTasks(
  pool: Pool,
  partitions: readonly number[],
  dispatchedBefore: EpochMs,
  limit: number,
  after: { readonly instanceId: InstanceId; readonly path: TaskPath } | null,
): Promise<readonly OpenAutomatedTask[]> {
  if (partitions.length === 0) return [];
  const { rows } = await translating(() =>
    pool.query<OpenAutomatedTask>({
      ...statement,
      values: [dispatchedBefore, limit, after?.instanceId ?? BEFORE_ALL, after?.path ?? '', partitions],
    }),
  );
  return rows;
}
