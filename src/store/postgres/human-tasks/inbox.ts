/** The inbox: open human tasks, newest first, without those that a command has completed or failed already. */
import { type InstanceId, type TaskPath, taskIdOf } from '../../../core/ids.ts';
import { decodeCursor, patterns } from '../../cursor.ts';
import type { Page } from '../../definition-store.ts';
import type { HumanTaskFilter, HumanTaskRow, Mine } from '../../instance-queries.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { type BoundedRow, boundedPage, pageOfBounded } from '../sql/bounded-page.ts';
import { Filter } from '../sql/filter.ts';
import { storableText } from '../sql/storable-text.ts';
import { epochMs, instant } from '../sql/times.ts';

type Row = Omit<HumanTaskRow, 'taskId' | 'assignees'> & { readonly id: string; readonly users: string[]; readonly roles: string[] };

const select = `SELECT h.id, h.instance_id AS "instanceId", h.path, h.attempt, h.node_id AS "nodeId", h.definition_id AS "definitionId",
    h.definition_version AS "definitionVersion", h.business_key AS "businessKey", h.title, h.users, h.roles, h.approvals, h.voters,
    h.excluded, c.assignee,
    ${epochMs('h.due_at')} AS "dueAt", ${epochMs('h.opened_at')} AS "openedAt"
  FROM human_task h LEFT JOIN claim c ON c.instance_id = h.instance_id AND c.path = h.path AND c.attempt = h.attempt`;

/** The same rows as in the unique index that refuses a second command. */
const undecided = `NOT EXISTS (SELECT FROM command d WHERE d.instance_id = h.instance_id AND d.path = h.path AND d.attempt = h.attempt
  AND d.type IN ('completeTask', 'failTask') AND d.status IN ('pending', 'applied'))`;

/** Claimed or votable by nobody but this person. A vote that is not applied yet counts. */
function isMine(where: Filter, { person, roles }: Mine): void {
  const me = where.parameter(storableText(person));
  const mine = where.parameter(roles.map(storableText));
  where.always(`(c.assignee = ${me} OR c.assignee IS NULL AND (h.users @> ARRAY[${me}::text] OR h.roles && ${mine}::text[]))`);
  where.always(`NOT (h.excluded @> ARRAY[${me}::text] OR h.voters @> ARRAY[${me}::text])`);
  where.always(`NOT EXISTS (SELECT FROM command v WHERE v.instance_id = h.instance_id AND v.path = h.path AND v.attempt = h.attempt
    AND v.type = 'voteTask' AND v.issued_by = ${me} AND v.status IN ('pending', 'applied'))`);
}

export async function nextTask(pool: Pool, mine: Mine): Promise<HumanTaskRow | null> {
  const where = new Filter();
  isMine(where, mine);
  where.always(undecided);
  const { rows } = await translating(() =>
    pool.query<Row>(`${select} ${where.sql} ORDER BY c.assignee IS NULL, h.due_at NULLS LAST, h.id LIMIT 1`, where.values),
  );
  return rows[0] === undefined ? null : taskOf(rows[0]);
}

function taskOf({ id: _, users, roles, ...row }: Row): HumanTaskRow {
  return { taskId: taskIdOf(row.instanceId, row.path), ...row, assignees: { users, roles } };
}

const list = 'inbox';

export async function inbox(pool: Pool, filter: HumanTaskFilter, limit: number, cursor: string | null): Promise<Page<HumanTaskRow>> {
  const where = new Filter();
  if (cursor !== null) where.add((value) => `h.id < ${value}`, decodeCursor(list, cursor, [patterns.integer])[0]);
  where.add((value) => `(c.assignee = ${value} OR h.users @> ARRAY[${value}::text])`, optional(filter.assignee));
  where.add((value) => `h.roles @> ARRAY[${value}::text]`, optional(filter.role));
  where.add((value) => `h.due_at < ${instant(value)}`, filter.dueBefore);
  where.add((value) => `h.instance_id = ${value}`, filter.instanceId);
  where.add((value) => `h.definition_id = ${value}`, filter.definition);
  if (filter.mine !== undefined) isMine(where, filter.mine);
  where.always(undecided);
  const newest = `${select} ${where.sql} ORDER BY h.id DESC LIMIT ${where.parameter(limit + 1)}`;
  const { rows } = await translating(() => pool.query<BoundedRow<Row>>(boundedPage(newest, 'id DESC'), where.values));
  return pageOfBounded(rows, limit, list, ({ id }) => [id], taskOf);
}

function optional(text: string | undefined): string | undefined {
  return text === undefined ? undefined : storableText(text);
}

export async function inboxTask(pool: Pool, instanceId: InstanceId, path: TaskPath): Promise<HumanTaskRow | null> {
  const { rows } = await translating(() =>
    pool.query<Row>({
      name: 'inbox-task',
      text: `${select} WHERE h.instance_id = $1 AND h.path = $2 AND ${undecided}`,
      values: [instanceId, path],
    }),
  );
  return rows[0] === undefined ? null : taskOf(rows[0]);
}
