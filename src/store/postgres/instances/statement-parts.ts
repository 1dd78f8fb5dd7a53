/**
 * The parts that `start` and `apply` share: tasks, messages and whatever else a transition asks for, each one part of the
 * same statement and written only for the instances that `winners(id)` holds (inserted, or first at the version check).
 */
import type { Json } from '../../../core/json.ts';
import { insertSent, sentColumns } from '../outbox/messages.ts';
import { Columns } from '../sql/columns.ts';
import type { TaskRowImage, TransitionRows } from './transition-rows.ts';

const taskColumns = new Columns<TaskRowImage>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('node_id', 'text', ({ task }) => task.nodeId),
  of('type', 'text', ({ task }) => task.type),
  of('queue', 'text', ({ queue }) => queue),
  of('status', 'text', ({ task }) => task.status),
  of('attempt', 'int4', ({ task }) => task.attempt),
  of('input', 'json', ({ input }) => input),
  of('output', 'json', ({ output }) => output),
  of('error', 'json', ({ error }) => error),
  of('human', 'json', ({ human }) => human),
  of('timeout_ms', 'int8', ({ timeoutMs }) => timeoutMs),
  of('opened_at', 'timestamptz', ({ task }) => task.openedAt),
  of('dispatched_at', 'timestamptz', ({ dispatchedAt }) => dispatchedAt),
  of('updated_at', 'timestamptz', ({ updatedAt }) => updatedAt),
]);
const taskNames =
  'instance_id, path, node_id, type, queue, status, attempt, input, output, error, human, timeout_ms, opened_at, dispatched_at, updated_at';

const changedColumns = new Columns<TaskRowImage>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('status', 'text', ({ task }) => task.status),
  of('attempt', 'int4', ({ task }) => task.attempt),
  of('has_new_input', 'bool', ({ hasNewInput }) => hasNewInput),
  of('input', 'json', ({ input }) => input),
  of('output', 'json', ({ output }) => output),
  of('error', 'json', ({ error }) => error),
  of('human', 'json', ({ human }) => human),
  of('queue', 'text', ({ queue }) => queue),
  of('timeout_ms', 'int8', ({ timeoutMs }) => timeoutMs),
  of('opened_at', 'timestamptz', ({ task }) => task.openedAt),
  of('dispatched_at', 'timestamptz', ({ dispatchedAt }) => dispatchedAt),
  of('updated_at', 'timestamptz', ({ updatedAt }) => updatedAt),
]);

const armedColumns = new Columns<TransitionRows['armed'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('timer_id', 'text', ({ timerId }) => timerId),
  of('partition', 'int4', ({ partition }) => partition),
  of('kind', 'text', ({ kind }) => kind),
  of('path', 'text', ({ path }) => path),
  of('attempt', 'int4', ({ attempt }) => attempt),
  of('due_at', 'timestamptz', ({ dueAt }) => dueAt),
]);
const disarmedColumns = new Columns<TransitionRows['disarmed'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('timer_id', 'text', ({ timerId }) => timerId),
]);
const openedColumns = new Columns<TransitionRows['opened'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('attempt', 'int4', ({ attempt }) => attempt),
  of('wait_index', 'int4', ({ wait }) => wait),
  of('partition', 'int4', ({ partition }) => partition),
  of('type', 'text', ({ event }) => event),
  of('key', 'text', ({ key }) => key),
  of('condition', 'json', ({ where }) => (where === null ? null : JSON.stringify(where))),
]);
const closedColumns = new Columns<TransitionRows['closed'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
]);
const openedHumanColumns = new Columns<TransitionRows['openedHuman'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('partition', 'int4', ({ partition }) => partition),
  of('node_id', 'text', ({ task }) => task.nodeId),
  of('attempt', 'int4', ({ task }) => task.attempt),
  of('definition_id', 'text', ({ state }) => state.definitionId),
  of('definition_version', 'int4', ({ state }) => state.definitionVersion),
  of('business_key', 'text', ({ state }) => state.businessKey),
  of('title', 'text', ({ title }) => title),
  of('users', 'json', ({ assignees }) => jsonOf(assignees.users)),
  of('roles', 'json', ({ assignees }) => jsonOf(assignees.roles)),
  of('due_at', 'timestamptz', ({ dueAt }) => dueAt),
  of('opened_at', 'timestamptz', ({ at }) => at),
]);
const reassignedColumns = new Columns<TransitionRows['reassigned'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('users', 'json', ({ assignees }) => jsonOf(assignees.users)),
  of('roles', 'json', ({ assignees }) => jsonOf(assignees.roles)),
]);
const resultColumns = new Columns<TransitionRows['results'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('partition', 'int4', ({ partition }) => partition),
  of('id', 'uuid', ({ commandId }) => commandId),
  of('status', 'text', ({ type }) => (type === 'commandApplied' ? 'applied' : 'refused')),
  of('code', 'text', (result) => (result.type === 'commandRefused' ? result.code : null)),
  of('reason', 'text', (result) => (result.type === 'commandRefused' ? result.reason : null)),
]);

/** A list of names as JSON, which a column of the statement turns into text[]; it cannot hold U+0000 there. */
function jsonOf(value: Json): string {
  return JSON.stringify(value).replaceAll('\\u0000', '\\ufffd');
}

const textList = (column: string): string => `ARRAY(SELECT json_array_elements_text(${column}))`;

type Part = {
  /** @param first number of the part's first parameter. */
  readonly sql: (first: number, winners: string) => string;
  readonly count: number;
  readonly values: (rows: TransitionRows) => Buffer[];
};

function part<Row>(columns: Columns<Row>, pick: (rows: TransitionRows) => readonly Row[], sql: Part['sql']): Part {
  return { sql, count: columns.count, values: (rows) => columns.encode(pick(rows)) };
}

const insertTasks = part(
  taskColumns,
  (rows) => rows.newTasks,
  (first, winners) => `INSERT INTO task (${taskNames})
    SELECT ${taskNames} FROM ${taskColumns.unnest('n', first)} JOIN ${winners} w ON w.id = n.instance_id`,
);

const updateTasks = part(
  changedColumns,
  (rows) => rows.changedTasks,
  (first, winners) => `UPDATE task t SET status = c.status, attempt = c.attempt, output = c.output, error = c.error,
      human = COALESCE(c.human, t.human),
      -- An input that stays keeps its place in TOAST.
      input = CASE WHEN c.has_new_input THEN c.input ELSE t.input END,
      queue = CASE WHEN c.has_new_input THEN c.queue ELSE t.queue END,
      timeout_ms = CASE WHEN c.has_new_input THEN c.timeout_ms ELSE t.timeout_ms END,
      opened_at = c.opened_at, dispatched_at = COALESCE(c.dispatched_at, t.dispatched_at), updated_at = c.updated_at
    FROM ${changedColumns.unnest('c', first)} JOIN ${winners} w ON w.id = c.instance_id
    WHERE t.instance_id = c.instance_id AND t.path = c.path`,
);

const sendMessages: Part = { sql: insertSent, count: sentColumns.count, values: (rows) => sentColumns.encode(rows.messages) };

/** What every step writes. */
export const plainParts: readonly Part[] = [insertTasks, updateTasks, sendMessages];

/** What most steps write nothing of. */
export const otherParts: readonly Part[] = [
  part(
    armedColumns,
    (rows) => rows.armed,
    (first, winners) => `INSERT INTO timer (instance_id, timer_id, partition, kind, path, attempt, due_at)
    SELECT a.instance_id, a.timer_id, a.partition, a.kind, a.path, a.attempt, a.due_at
    FROM ${armedColumns.unnest('a', first)} JOIN ${winners} w ON w.id = a.instance_id
    ON CONFLICT (instance_id, timer_id) DO UPDATE SET attempt = excluded.attempt, due_at = excluded.due_at`,
  ),
  part(
    disarmedColumns,
    (rows) => rows.disarmed,
    (first, winners) => `DELETE FROM timer t USING ${disarmedColumns.unnest('d', first)} JOIN ${winners} w ON w.id = d.instance_id
    WHERE t.instance_id = d.instance_id AND t.timer_id = d.timer_id`,
  ),
  part(
    openedColumns,
    (rows) => rows.opened,
    (first, winners) => `INSERT INTO subscription (instance_id, path, attempt, wait_index, partition, type, key, condition)
    SELECT s.instance_id, s.path, s.attempt, s.wait_index, s.partition, s.type, s.key, s.condition
    FROM ${openedColumns.unnest('s', first)} JOIN ${winners} w ON w.id = s.instance_id ORDER BY s.ordinal`,
  ),
  part(
    closedColumns,
    (rows) => rows.closed,
    (first, winners) => `DELETE FROM subscription s USING ${closedColumns.unnest('c', first)} JOIN ${winners} w ON w.id = c.instance_id
    WHERE s.instance_id = c.instance_id AND s.path = c.path`,
  ),
  part(
    openedHumanColumns,
    (rows) => rows.openedHuman,
    (first, winners) => `INSERT INTO human_task (instance_id, path, partition, node_id, attempt, definition_id, definition_version,
      business_key, title, users, roles, due_at, opened_at)
    SELECT h.instance_id, h.path, h.partition, h.node_id, h.attempt, h.definition_id, h.definition_version,
      h.business_key, h.title, ${textList('h.users')}, ${textList('h.roles')}, h.due_at, h.opened_at
    FROM ${openedHumanColumns.unnest('h', first)} JOIN ${winners} w ON w.id = h.instance_id
    ON CONFLICT (instance_id, path) DO UPDATE SET attempt = excluded.attempt, title = excluded.title, users = excluded.users,
      roles = excluded.roles, due_at = excluded.due_at, opened_at = excluded.opened_at`,
  ),
  part(
    reassignedColumns,
    (rows) => rows.reassigned,
    (first, winners) => `UPDATE human_task t SET users = ${textList('r.users')}, roles = ${textList('r.roles')}
    FROM ${reassignedColumns.unnest('r', first)} JOIN ${winners} w ON w.id = r.instance_id
    WHERE t.instance_id = r.instance_id AND t.path = r.path`,
  ),
  part(
    closedColumns,
    (rows) => rows.closedHuman,
    (first, winners) => `DELETE FROM human_task t USING ${closedColumns.unnest('c', first)} JOIN ${winners} w ON w.id = c.instance_id
    WHERE t.instance_id = c.instance_id AND t.path = c.path`,
  ),
  part(
    closedColumns,
    (rows) => rows.closedHuman,
    (first, winners) => `DELETE FROM claim t USING ${closedColumns.unnest('c', first)} JOIN ${winners} w ON w.id = c.instance_id
    WHERE t.instance_id = c.instance_id AND t.path = c.path`,
  ),
  part(
    resultColumns,
    (rows) => rows.results,
    // Postgres sends a commit to Debezium before it shows it (docs/decisions/0011): an update would miss a command whose
    // transaction is just ending, a conflict waits for it. One whose row is long deleted leaves its result, for a day.
    (first, winners) => `INSERT INTO command AS t (id, instance_id, partition, type, issued_by, status, code, reason, result_at)
    SELECT DISTINCT ON (r.id) r.id, r.instance_id, r.partition, 'unrecorded', '', r.status, r.code, r.reason, now()
    FROM ${resultColumns.unnest('r', first)} JOIN ${winners} w ON w.id = r.instance_id
    ORDER BY r.id, r.ordinal
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, code = excluded.code, reason = excluded.reason, result_at = excluded.result_at
    WHERE t.status = 'pending'`,
  ),
];

export const allParts: readonly Part[] = [...plainParts, ...otherParts];

/** `, part_1 AS (…), part_2 AS (…)`. @param first number of the first parameter. */
export function partsSql(parts: readonly Part[], first: number, winners: string): string {
  let next = first;
  let sql = '';
  for (const [index, { sql: text, count }] of parts.entries()) {
    sql += `,\n  part_${index + 1} AS (${text(next, winners)})`;
    next += count;
  }
  return sql;
}

export function partsValues(parts: readonly Part[], rows: TransitionRows): Buffer[] {
  return parts.flatMap(({ values }) => values(rows));
}
