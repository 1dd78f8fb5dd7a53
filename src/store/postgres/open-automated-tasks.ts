/**
 * Automated tasks that have been open for long. There is no index on a task's status or time, since every step would have to update
 * it. Instances that can have some are found by the index on their status, in the order of their ids, which is that of their starts: those
 * that started later than the moment are not looked at. A page reads so many entries of that index and so many rows of tasks, whatever
 * is in them. Paused instances are left out.
 */
import { type EpochMs, firstIdAt, type InstanceId, type TaskPath } from '../../core/ids.ts';
import type { OpenAutomatedTask, OpenTasksLimits, OpenTasksPage, OpenTasksPosition } from '../instance-store.ts';
import { translating } from './connection/errors.ts';
import type { Pool } from './connection/pools.ts';
import { epochMs, instant } from './sql/times.ts';

const BEFORE_ALL = firstIdAt(0);

/** Statuses of instances that send tasks. */
const moving = ['running', 'incident', 'ending', 'undoing'];

const inOrder = (of: (status: string) => string): string => `(${moving.map((status) => `(${of(status)})`).join(' UNION ALL ')}) AS moving`;

/** The last instance of the page, as far as there are more behind it. */
const until = {
  name: 'open-automated-tasks-until',
  text: `SELECT id FROM ${inOrder(
    (status) => `SELECT id FROM instance WHERE status = '${status}' AND id >= $1 AND id < $2 ORDER BY id LIMIT $3`,
  )} ORDER BY id OFFSET $3 - 1 LIMIT 1`,
};

/** The limit counts rows that are read, so it stands before what is asked of them. */
const looked = `SELECT i.id, i.partition, t.path, t.status, t.attempt, t.type, t.queue, t.timeout_ms, t.dispatched_at
  FROM (SELECT * FROM ${inOrder(
    (status) => `SELECT id, partition FROM instance WHERE status = '${status}' AND id >= $1 AND id <= $2 ORDER BY id`,
  )} WHERE partition = ANY($3::int4[]) ORDER BY id) AS i
  CROSS JOIN LATERAL (SELECT * FROM task t WHERE t.instance_id = i.id AND (i.id > $1 OR t.path > $4) ORDER BY t.path) AS t
  ORDER BY i.id, t.path LIMIT $5`;

const page = {
  name: 'open-automated-tasks',
  text: `SELECT id AS "instanceId", partition, path, attempt, type, queue, timeout_ms::float8 AS "timeoutMs",
      ${epochMs('dispatched_at')} AS "dispatchedAt", "isOpen", "isLast"
    FROM (SELECT *, status = 'scheduled' AND dispatched_at < ${instant('$6')} AS "isOpen", row_number() OVER (ORDER BY id, path) = $5 AS "isLast"
      FROM (${looked}) AS looked) AS numbered
    WHERE "isOpen" OR "isLast" ORDER BY id, path`,
};

type Row = OpenAutomatedTask & { readonly isOpen: boolean | null; readonly isLast: boolean };

export async function openAutomatedTasks(
  pool: Pool,
  partitions: readonly number[],
  dispatchedBefore: EpochMs,
  limits: OpenTasksLimits,
  after: OpenTasksPosition | null,
): Promise<OpenTasksPage> {
  if (partitions.length === 0) return { tasks: [], next: null };
  const end = firstIdAt(dispatchedBefore);
  const from = after?.instanceId ?? BEFORE_ALL;
  return await translating(async () => {
    const { rows: ends } = await pool.query<{ id: InstanceId }>({ ...until, values: [from, end, limits.instances] });
    const last = ends[0]?.id;
    const { rows } = await pool.query<Row>({
      ...page,
      values: [from, last ?? end, partitions, after === null ? '' : (after.path ?? AFTER_ALL), limits.tasks, dispatchedBefore],
    });
    return { tasks: rows.filter(({ isOpen }) => isOpen === true).map(taskOf), next: nextOf(rows.at(-1), last) };
  });
}

/** Behind every path: names begin with a letter. */
const AFTER_ALL = '\u{10FFFF}' as TaskPath;

function nextOf(row: Row | undefined, last: InstanceId | undefined): OpenTasksPosition | null {
  if (row?.isLast === true) return { instanceId: row.instanceId, path: row.path };
  return last === undefined ? null : { instanceId: last, path: null };
}

function taskOf({ isOpen: _, isLast: __, ...task }: Row): OpenAutomatedTask {
  return task;
}
