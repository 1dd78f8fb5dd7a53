/** Tasks: new ones, and those that the step changed. */

import type { TaskRowImage } from '../../../stored/transition-rows.ts';
import { Columns } from '../../sql/columns.ts';
import { part } from './part.ts';

const jsonOf = (value: object | number | null): string | null => (value === null ? null : JSON.stringify(value));

const taskColumns = new Columns<TaskRowImage>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('node_id', 'text', ({ nodeId }) => nodeId),
  of('type', 'text', ({ type }) => type),
  of('queue', 'text', ({ scheduling }) => scheduling?.queue ?? null),
  of('status', 'text', ({ status }) => status),
  of('attempt', 'int4', ({ attempt }) => attempt),
  of('input_seq', 'int4', ({ scheduling }) => scheduling?.inputSeq ?? null),
  of('output_seq', 'json', ({ outputSeq }) => jsonOf(outputSeq)),
  of('error', 'json', ({ error }) => jsonOf(error)),
  of('human', 'json', ({ human }) => jsonOf(human)),
  of('timeout_ms', 'int8', ({ scheduling }) => scheduling?.timeoutMs ?? null),
  of('opened_at', 'timestamptz', ({ openedAt }) => openedAt),
  of('dispatched_at', 'timestamptz', ({ dispatchedAt }) => dispatchedAt),
  of('updated_at', 'timestamptz', ({ updatedAt }) => updatedAt),
]);
const taskNames =
  'instance_id, path, node_id, type, queue, status, attempt, input_seq, output_seq, error, human, timeout_ms, opened_at, dispatched_at, updated_at';

const changedColumns = new Columns<TaskRowImage>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('status', 'text', ({ status }) => status),
  of('attempt', 'int4', ({ attempt }) => attempt),
  of('is_scheduled', 'bool', ({ scheduling }) => scheduling !== null),
  of('input_seq', 'int4', ({ scheduling }) => scheduling?.inputSeq ?? null),
  of('output_seq', 'json', ({ outputSeq }) => jsonOf(outputSeq)),
  of('error', 'json', ({ error }) => jsonOf(error)),
  of('human', 'json', ({ human }) => jsonOf(human)),
  of('queue', 'text', ({ scheduling }) => scheduling?.queue ?? null),
  of('timeout_ms', 'int8', ({ scheduling }) => scheduling?.timeoutMs ?? null),
  of('opened_at', 'timestamptz', ({ openedAt }) => openedAt),
  of('dispatched_at', 'timestamptz', ({ dispatchedAt }) => dispatchedAt),
  of('updated_at', 'timestamptz', ({ updatedAt }) => updatedAt),
]);

export const insertTasks = part(
  'new_tasks',
  taskColumns,
  (rows) => rows.newTasks,
  (first, winners) => `INSERT INTO task (${taskNames})
    SELECT ${taskNames} FROM ${taskColumns.unnest('n', first)} JOIN ${winners} w ON w.id = n.instance_id
    -- An item of a loop that is run again has the paths of its first run.
    ON CONFLICT (instance_id, path) DO UPDATE SET node_id = excluded.node_id, type = excluded.type, queue = excluded.queue,
      status = excluded.status, attempt = excluded.attempt, input_seq = excluded.input_seq, output_seq = excluded.output_seq,
      error = excluded.error, human = excluded.human, timeout_ms = excluded.timeout_ms, opened_at = excluded.opened_at,
      dispatched_at = excluded.dispatched_at, updated_at = excluded.updated_at`,
);

export const updateTasks = part(
  'changed_tasks',
  changedColumns,
  (rows) => rows.changedTasks,
  (first, winners) => `UPDATE task t SET status = c.status, attempt = c.attempt, output_seq = c.output_seq, error = c.error,
      human = COALESCE(c.human, t.human),
      input_seq = COALESCE(c.input_seq, t.input_seq),
      queue = CASE WHEN c.is_scheduled THEN c.queue ELSE t.queue END,
      timeout_ms = CASE WHEN c.is_scheduled THEN c.timeout_ms ELSE t.timeout_ms END,
      opened_at = c.opened_at, dispatched_at = COALESCE(c.dispatched_at, t.dispatched_at), updated_at = c.updated_at
    FROM ${changedColumns.unnest('c', first)} JOIN ${winners} w ON w.id = c.instance_id
    WHERE t.instance_id = c.instance_id AND t.path = c.path`,
);
