/** Reading the instance database: searching instances, one instance whole, its tasks. Each answer is one snapshot. */
import { type InstanceId, type TaskPath, taskIdOf } from '../../core/ids.ts';
import type {
  EarlierStart,
  InstanceFilter,
  InstanceQueries,
  InstanceRow,
  InstanceView,
  PendingCommand,
  TaskRow,
} from '../instance-queries.ts';
import { decodeCursor, pageOf, patterns } from './cursor.ts';
import { closeDeadLetter, deadLetter, deadLetters } from './dead-letters.ts';
import { translating } from './errors.ts';
import { Filter } from './filter.ts';
import { fullHistory, history } from './history.ts';
import { inbox, inboxTask } from './inbox.ts';
import { instanceOf, type WholeRow, wholeState } from './load.ts';
import type { Pool } from './pools.ts';
import { clean } from './subscriptions.ts';
import { epochMs, instant } from './times.ts';

const DAY_MS = 86_400_000;

const rowFields = `i.id AS "instanceId", i.definition_id AS "definitionId", i.definition_version AS "definitionVersion",
  i.business_key AS "businessKey", i.status, ${epochMs('i.created_at')} AS "createdAt", ${epochMs('i.updated_at')} AS "updatedAt"`;

export function createInstanceQueries(pool: Pool): InstanceQueries {
  return {
    list: (filter, limit, cursor) => list(pool, filter, limit, cursor),
    get: (instanceId) => get(pool, instanceId),
    startByKey: (definitionId, key) => startByKey(pool, definitionId, key),
    history: (instanceId, afterSeq, limit) => history(pool, instanceId, afterSeq, limit),
    fullHistory: (instanceId) => fullHistory(pool, instanceId),
    tasks: (instanceId, limit, cursor) => tasks(pool, instanceId, limit, cursor),
    task: (instanceId, path) => task(pool, instanceId, path),
    inbox: (filter, limit, cursor) => inbox(pool, filter, limit, cursor),
    inboxTask: (instanceId, path) => inboxTask(pool, instanceId, path),
    runningByVersion: (definitionId) => runningByVersion(pool, definitionId),
    deadLetters: (status, limit, cursor) => deadLetters(pool, status, limit, cursor),
    deadLetter: (id) => deadLetter(pool, id),
    closeDeadLetter: (id, status, by) => closeDeadLetter(pool, id, status, by),
    instanceIds: (after, limit) => instanceIds(pool, after, limit),
  };
}

/** Ids begin with the time at which they were made, so their order is that of the starts. */
async function list(pool: Pool, filter: InstanceFilter, limit: number, cursor: string | null) {
  const name = 'instances';
  const where = new Filter();
  if (cursor !== null) where.add((value) => `i.id < ${value}`, decodeCursor(name, cursor, [patterns.uuid])[0]);
  where.add((value) => `i.status = ${value}`, filter.status);
  where.add((value) => `i.definition_id = ${value}`, filter.definition);
  where.add((value) => `i.definition_version = ${value}`, filter.version);
  where.add((value) => `i.business_key = ${value}`, filter.businessKey === undefined ? undefined : clean(filter.businessKey));
  where.add((value) => `i.parent_id = ${value}`, filter.parent);
  where.add((value) => `i.created_at >= ${instant(value)}`, filter.startedFrom);
  where.add((value) => `i.created_at < ${instant(value)}`, filter.startedTo);
  // Where to look in the order of ids. They are made by another clock than the instant is, which may be wrong by a day.
  where.add((value) => `i.id >= ${value}`, filter.startedFrom === undefined ? undefined : firstIdAt(filter.startedFrom - DAY_MS));
  where.add((value) => `i.id < ${value}`, filter.startedTo === undefined ? undefined : firstIdAt(filter.startedTo + DAY_MS));
  const { rows } = await translating(() =>
    pool.query<InstanceRow>(
      `SELECT ${rowFields} FROM instance i ${where.sql} ORDER BY i.id DESC LIMIT ${where.parameter(limit + 1)}`,
      where.values,
    ),
  );
  return pageOf(
    rows,
    limit,
    name,
    ({ instanceId }) => [instanceId],
    (row) => row,
  );
}

/** The least UUIDv7 of a millisecond. */
function firstIdAt(at: number): string {
  const hex = Math.max(0, Math.min(at, 0xffff_ffff_ffff)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

type ViewRow = WholeRow & InstanceRow & { pending: readonly PendingCommand[] | null };

async function get(pool: Pool, instanceId: InstanceId): Promise<InstanceView | null> {
  const { rows } = await translating(() =>
    pool.query<ViewRow>({
      name: 'get-instance',
      text: `SELECT ${wholeState}, ${rowFields}, (
          SELECT json_agg(json_build_object('commandId', c.id, 'type', c.type, 'path', c.path, 'by', c.by, 'at', ${epochMs('c.at')})
            ORDER BY c.at, c.id)
          FROM command c WHERE c.instance_id = i.id AND c.status = 'pending') AS pending
        FROM instance i WHERE i.id = $1`,
      values: [instanceId],
    }),
  );
  const [found] = rows;
  if (found === undefined) return null;
  const { definitionId, definitionVersion, businessKey, status, createdAt, updatedAt, pending } = found;
  return {
    row: { instanceId, definitionId, definitionVersion, businessKey, status, createdAt, updatedAt },
    ...instanceOf(found),
    pending: pending ?? [],
  };
}

const selectTasks = `SELECT t.instance_id AS "instanceId", t.path, t.node_id AS "nodeId", t.type, t.queue, t.status, t.attempt, t.input,
    t.output, t.error, c.assignee, ${epochMs('h.due_at')} AS "dueAt", ${epochMs('t.opened_at')} AS "openedAt",
    ${epochMs('t.updated_at')} AS "updatedAt"
  FROM task t LEFT JOIN human_task h ON h.instance_id = t.instance_id AND h.path = t.path
    LEFT JOIN claim c ON c.instance_id = h.instance_id AND c.path = h.path AND c.attempt = h.attempt`;

function taskOf(row: Omit<TaskRow, 'taskId'>): TaskRow {
  return { taskId: taskIdOf(row.instanceId, row.path), ...row };
}

async function tasks(pool: Pool, instanceId: InstanceId, limit: number, cursor: string | null) {
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

async function task(pool: Pool, instanceId: InstanceId, path: TaskPath): Promise<TaskRow | null> {
  const { rows } = await translating(() =>
    pool.query<Omit<TaskRow, 'taskId'>>({
      name: 'get-task',
      text: `${selectTasks} WHERE t.instance_id = $1 AND t.path = $2`,
      values: [instanceId, path],
    }),
  );
  return rows[0] === undefined ? null : taskOf(rows[0]);
}

async function runningByVersion(pool: Pool, definitionId: string) {
  const { rows } = await translating(() =>
    pool.query<{ version: number; running: number }>(
      `SELECT definition_version AS version, count(*)::float8 AS running FROM instance
        WHERE status IN ('running', 'paused', 'incident') AND definition_id = $1 GROUP BY definition_version ORDER BY definition_version DESC`,
      [definitionId],
    ),
  );
  return rows;
}

async function instanceIds(pool: Pool, after: InstanceId | null, limit: number): Promise<readonly InstanceId[]> {
  const { rows } = await translating(() =>
    pool.query<{ id: InstanceId }>({
      name: 'instance-ids',
      text: `SELECT id FROM instance WHERE id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000') ORDER BY id LIMIT $2`,
      values: [after, limit],
    }),
  );
  return rows.map(({ id }) => id);
}

async function startByKey(pool: Pool, definitionId: string, key: string): Promise<EarlierStart | null> {
  const { rows } = await translating(() =>
    pool.query<EarlierStart>({
      name: 'start-by-key',
      text: `SELECT instance_id AS "instanceId", definition_version AS "definitionVersion", body_hash AS "bodyHash"
        FROM idempotency WHERE definition_id = $1 AND key = $2`,
      values: [definitionId, key],
    }),
  );
  return rows[0] ?? null;
}
