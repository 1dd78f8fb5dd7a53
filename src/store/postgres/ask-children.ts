/**
 * Children that were unheard of for long: what is wanted of them is said again, and their next time set, in one transaction.
 * Rows that another process is taking are passed over. It needs no version check: the numbers of wishes make a stale one harmless.
 */
import type { DefinitionId, InstanceId, TaskPath } from '../../core/ids.ts';
import type { Parent, Wish } from '../../core/instance/children/messages.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { ASK_MS_MAX, ASK_MS_MIN, type ChildRow } from '../books.ts';
import { inTransaction, type Pool } from './connection/pools.ts';
import { insertMessages } from './outbox/messages.ts';

/** A row of the table, as `toChildRow` takes it. */
export const childFields = `c.child_id AS "childId", c.parent_id AS "parentId", c.parent_kind AS kind, c.path, c.attempt, c.run,
  c.definition_id AS "definitionId", c.definition_version AS "definitionVersion", c.depth, c.detached, c.wish, c.number`;

export type Row = {
  readonly childId: InstanceId;
  readonly parentId: InstanceId;
  readonly kind: 'instance' | 'schedule';
  readonly path: TaskPath | null;
  readonly attempt: number | null;
  readonly run: string | null;
  readonly definitionId: DefinitionId;
  readonly definitionVersion: number | null;
  readonly depth: number;
  readonly detached: boolean;
  readonly wish: Wish;
  readonly number: number;
};

const take = {
  name: 'take-children-to-ask',
  // The wait is doubled each time, up to a day.
  text: `WITH due AS (SELECT parent_id, child_id FROM child WHERE ask_at <= now() ORDER BY ask_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    UPDATE child c SET asked = c.asked + 1,
      ask_at = now() + least(${ASK_MS_MIN} * power(2, least(c.asked + 1, 30)), ${ASK_MS_MAX}) * interval '1 millisecond'
    FROM due WHERE c.parent_id = due.parent_id AND c.child_id = due.child_id
    RETURNING ${childFields}`,
};

/** @returns how many were taken. */
export async function askChildren(pool: Pool, limit: number, encode: (child: ChildRow) => OutboxMessage): Promise<number> {
  return await inTransaction(pool, async (client) => {
    const { rows: due } = await client.query<Row>({ ...take, values: [limit] });
    await insertMessages(client, due.map(toChildRow).map(encode));
    return due.length;
  });
}

export function toChildRow({ childId, parentId, kind, path, attempt, run, ...request }: Row): ChildRow {
  const parent: Parent =
    kind === 'schedule' || path === null
      ? { kind: 'schedule', scheduleId: parentId, run: Number(run) }
      : { kind: 'instance', instanceId: parentId, path, attempt: attempt ?? 0 };
  const { definitionId, definitionVersion, depth, detached, wish, number } = request;
  return { childId, request: { parent, depth, detached, wish, number, definitionId, definitionVersion } };
}
