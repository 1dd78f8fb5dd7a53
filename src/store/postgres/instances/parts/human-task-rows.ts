/** Open human tasks and their claims. */
import type { HumanTask } from '../../../../core/instance/state/state.ts';
import type { Json } from '../../../../core/json.ts';
import { votersOf } from '../../../human-task-record.ts';
import type { TransitionRows } from '../../../stored/transition-rows.ts';
import { Columns } from '../../sql/columns.ts';
import { part } from './part.ts';

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
  of('users', 'json', ({ task }) => jsonOf(task.assignees.users)),
  of('roles', 'json', ({ task }) => jsonOf(task.assignees.roles)),
  of('approvals', 'json', ({ task }) => approvalsOf(task)),
  of('voters', 'json', ({ task }) => jsonOf(votersOf(task))),
  of('excluded', 'json', ({ task }) => jsonOf(task.approvals?.notBy ?? [])),
  of('due_at', 'timestamptz', ({ dueAt }) => dueAt),
  of('opened_at', 'timestamptz', ({ at }) => at),
]);
const reassignedColumns = new Columns<TransitionRows['reassigned'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('users', 'json', ({ task }) => jsonOf(task.assignees.users)),
  of('roles', 'json', ({ task }) => jsonOf(task.assignees.roles)),
  of('voters', 'json', ({ task }) => jsonOf(votersOf(task))),
  of('definition_version', 'int4', ({ definitionVersion }) => definitionVersion),
]);
const closedColumns = new Columns<TransitionRows['closedHuman'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
]);

/** Names as a JSON array, which a column of the statement turns into text[]; text cannot hold U+0000. */
function jsonOf(value: Json): string {
  return JSON.stringify(value).replaceAll('\\u0000', '\\ufffd');
}

function approvalsOf({ approvals }: HumanTask): string | null {
  return approvals === undefined ? null : JSON.stringify({ atLeast: approvals.atLeast, of: approvals.of });
}

const textList = (column: string): string => `ARRAY(SELECT json_array_elements_text(${column}))`;

export const openHumanTasks = part(
  'opened_human_tasks',
  openedHumanColumns,
  (rows) => rows.openedHuman,
  (first, winners) => `INSERT INTO human_task (instance_id, path, partition, node_id, attempt, definition_id, definition_version,
      business_key, title, users, roles, approvals, voters, excluded, due_at, opened_at)
    SELECT h.instance_id, h.path, h.partition, h.node_id, h.attempt, h.definition_id, h.definition_version,
      h.business_key, h.title, ${textList('h.users')}, ${textList('h.roles')}, h.approvals,
      ${textList('h.voters')}, ${textList('h.excluded')}, h.due_at, h.opened_at
    FROM ${openedHumanColumns.unnest('h', first)} JOIN ${winners} w ON w.id = h.instance_id
    ON CONFLICT (instance_id, path) DO UPDATE SET attempt = excluded.attempt, title = excluded.title, users = excluded.users,
      roles = excluded.roles, definition_version = excluded.definition_version, approvals = excluded.approvals, voters = excluded.voters, excluded = excluded.excluded, due_at = excluded.due_at, opened_at = excluded.opened_at`,
);

export const reassignHumanTasks = part(
  'reassigned_human_tasks',
  reassignedColumns,
  (rows) => rows.reassigned,
  (first, winners) => `UPDATE human_task t SET users = ${textList('r.users')}, roles = ${textList('r.roles')},
      voters = ${textList('r.voters')}, definition_version = r.definition_version
    FROM ${reassignedColumns.unnest('r', first)} JOIN ${winners} w ON w.id = r.instance_id
    WHERE t.instance_id = r.instance_id AND t.path = r.path`,
);

export const closeHumanTasks = part(
  'closed_human_tasks',
  closedColumns,
  (rows) => rows.closedHuman,
  (first, winners) => `DELETE FROM human_task t USING ${closedColumns.unnest('c', first)} JOIN ${winners} w ON w.id = c.instance_id
    WHERE t.instance_id = c.instance_id AND t.path = c.path`,
);

export const deleteClaims = part(
  'deleted_claims',
  closedColumns,
  (rows) => rows.closedHuman,
  (first, winners) => `DELETE FROM claim t USING ${closedColumns.unnest('c', first)} JOIN ${winners} w ON w.id = c.instance_id
    WHERE t.instance_id = c.instance_id AND t.path = c.path`,
);
