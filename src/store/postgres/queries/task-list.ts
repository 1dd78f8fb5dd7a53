/** Tasks of one instance, the one opened last first. */
import { type InstanceId, type TaskPath, taskIdOf } from '../../../core/ids.ts';
import type { Page } from '../../definition-store.ts';
import type { TaskRow } from '../../instance-queries.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { decodeCursor, pageOf, patterns } from '../sql/cursor.ts';
import { Filter } from '../sql/filter.ts';
import { epochMs, instant } from '../sql/times.ts';

const selectTasks = `SELECT t.instance_id AS "instanceId", t.path, t.node_id AS "nodeId", t.type, t.queue, t.status, t.attempt, t.input,
    t.output, t.error, t.human, c.assignee, i.definition_id AS "definitionId", i.definition_version AS "definitionVersion",
    ${epochMs('t.opened_at')} AS "openedAt",
    ${epochMs('t.updated_at')} AS "updatedAt"
  FROM task t JOIN instance i ON i.id = t.instance_id LEFT JOIN human_task h ON h.instance_id = t.instance_id AND h.path = t.path
    LEFT JOIN claim c ON c.instance_id = h.instance_id AND c.path = h.path AND c.attempt = h.attempt`;

function taskOf(row: Omit<TaskRow, 'taskId'>): TaskRow {
  return { taskId: taskIdOf(row.instanceId, row.path), ...row };
}

export async function listTasks(pool: Pool, instanceId: InstanceId, limit: number, cursor: string | null): Promise<Page<TaskRow>> {
  const name = 'tasks';
  const where = new Filter();
  where.add((value) => `t.instance_id = ${value}`, instanceId);
  if (cursor !== null) {
    const [openedAt = '', path = ''] = decodeCursor(name, cursor, [patterns.integer, patterns.name]);
    where.add((value) => `(t.opened_at, t.path) < (${instant(where.parameter(openedAt))}, ${value})`, path);
  }
  const { rows } = await translating(() =>
    pool.query<Omit<TaskRow, 'taskId'>>(
      `${selectTasks} ${where.sql} ORDER BY t.opened_at DESC, t.path DESC LIMIT ${where.parameter(limit + 1)}`,
      where.values,
    ),
  );
  return pageOf(rows, limit, name, ({ openedAt, path }) => [openedAt, path], taskOf);
}

export async function getTask(pool: Pool, instanceId: InstanceId, path: TaskPath): Promise<TaskRow | null> {
  const { rows } = await translating(() =>
    pool.query<Omit<TaskRow, 'taskId'>>({
      name: 'get-task',
      text: `${selectTasks} WHERE t.instance_id = $1 AND t.path = $2`,
      values: [instanceId, path],
    }),
  );
  return rows[0] === undefined ? null : taskOf(rows[0]);
}
