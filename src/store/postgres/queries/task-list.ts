/** Tasks of one instance, the one opened last first. Lists leave out what is large; one task is read by its path. */
import { type InstanceId, type TaskPath, taskIdOf } from '../../../core/ids.ts';
import type { PayloadSeq } from '../../../core/instance/state/state.ts';
import { decodeCursor, patterns } from '../../cursor.ts';
import type { Page } from '../../definition-store.ts';
import type { TaskRow } from '../../instance-queries.ts';
import { listedBytesMax, pageBytesMax, valueBytesMax } from '../../page-limits.ts';
import { seqsIn } from '../../stored/payloads.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { type BoundedRow, boundedPage, pageOfBounded } from '../sql/bounded-page.ts';
import { Filter } from '../sql/filter.ts';
import { epochMs, instant } from '../sql/times.ts';
import { type BoundedPayloads, readBoundedPayloads, valueAt } from './bounded-payloads.ts';

type Row = Omit<TaskRow, 'taskId' | 'input' | 'output' | 'omitted'> & {
  readonly inputSeq: number | null;
  readonly outputSeq: PayloadSeq | null;
};

/** Parts of an output that a list looks at: more of them are taken for large. */
const LISTED_PARTS_MAX = 256;

const fields = `t.instance_id AS "instanceId", t.path, t.node_id AS "nodeId", t.type, t.queue, t.status, t.attempt,
    t.input_seq AS "inputSeq", t.output_seq AS "outputSeq", t.error, t.human, c.assignee, i.definition_id AS "definitionId",
    i.definition_version AS "definitionVersion", ${epochMs('t.opened_at')} AS "openedAt", ${epochMs('t.updated_at')} AS "updatedAt"`;

const from = `FROM task t JOIN instance i ON i.id = t.instance_id LEFT JOIN human_task h ON h.instance_id = t.instance_id AND h.path = t.path
    LEFT JOIN claim c ON c.instance_id = h.instance_id AND c.path = h.path AND c.attempt = h.attempt`;

function taskOf({ inputSeq, outputSeq, ...row }: Row, payloads: BoundedPayloads, bytesMax: number): TaskRow {
  const input = valueAt(payloads, inputSeq, bytesMax);
  const isWide = bytesMax === listedBytesMax && seqsIn(outputSeq).length > LISTED_PARTS_MAX;
  const output = isWide ? undefined : valueAt(payloads, outputSeq, bytesMax);
  const omitted = [...(input === undefined ? (['input'] as const) : []), ...(output === undefined ? (['output'] as const) : [])];
  return { taskId: taskIdOf(row.instanceId, row.path), ...row, input: input ?? null, output: output ?? null, omitted };
}

export async function listTasks(pool: Pool, instanceId: InstanceId, limit: number, cursor: string | null): Promise<Page<TaskRow>> {
  const name = 'tasks';
  const where = new Filter();
  where.add((value) => `t.instance_id = ${value}`, instanceId);
  if (cursor !== null) {
    const [openedAt = '', path = ''] = decodeCursor(name, cursor, [patterns.integer, patterns.name]);
    where.add((value) => `(t.opened_at, t.path) < (${instant(where.parameter(openedAt))}, ${value})`, path);
  }
  const newest = `SELECT ${fields} ${from} ${where.sql} ORDER BY t.opened_at DESC, t.path DESC LIMIT ${where.parameter(limit + 1)}`;
  const { rows } = await translating(() => pool.query<BoundedRow<Row>>(boundedPage(newest, '"openedAt" DESC, path DESC'), where.values));
  const seqs = rows.slice(0, limit).flatMap(({ item: { inputSeq, outputSeq } }) => {
    const parts = seqsIn(outputSeq);
    return [...seqsIn(inputSeq), ...(parts.length > LISTED_PARTS_MAX ? [] : parts)];
  });
  const bounds = { eachBytesMax: listedBytesMax, totalBytesMax: pageBytesMax, first: 0 };
  const payloads = await readBoundedPayloads(pool, instanceId, [...new Set(seqs)], bounds);
  return pageOfBounded(
    rows,
    limit,
    name,
    ({ openedAt, path }) => [openedAt, path],
    (row) => taskOf(row, payloads, listedBytesMax),
  );
}

export async function getTask(pool: Pool, instanceId: InstanceId, path: TaskPath): Promise<TaskRow | null> {
  const { rows } = await translating(() =>
    pool.query<Row>({
      name: 'get-task',
      text: `SELECT ${fields} ${from} WHERE t.instance_id = $1 AND t.path = $2`,
      values: [instanceId, path],
    }),
  );
  const [row] = rows;
  if (row === undefined) return null;
  const seqs = new Set([...seqsIn(row.inputSeq), ...seqsIn(row.outputSeq)]);
  const bounds = { eachBytesMax: valueBytesMax, totalBytesMax: 2 * valueBytesMax, first: 1 };
  return taskOf(row, await readBoundedPayloads(pool, instanceId, [...seqs], bounds), valueBytesMax);
}
