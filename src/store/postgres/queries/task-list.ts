/** Tasks of one instance, the one opened last first. */
import { type InstanceId, type TaskPath, taskIdOf } from '../../../core/ids.ts';
import type { PayloadSeq } from '../../../core/instance/state/state.ts';
import { decodeCursor, pageOf, patterns } from '../../cursor.ts';
import type { Page } from '../../definition-store.ts';
import type { TaskRow } from '../../instance-queries.ts';
import { type Payloads, payloadAt, seqsIn } from '../../stored/payloads.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { noPayloads, readPayloads } from '../instances/payloads.ts';
import { Filter } from '../sql/filter.ts';
import { epochMs, instant } from '../sql/times.ts';

type Row = Omit<TaskRow, 'taskId' | 'input' | 'output'> & { readonly inputSeq: number | null; readonly outputSeq: PayloadSeq | null };

const selectTasks = `SELECT t.instance_id AS "instanceId", t.path, t.node_id AS "nodeId", t.type, t.queue, t.status, t.attempt,
    t.input_seq AS "inputSeq", t.output_seq AS "outputSeq", t.error, t.human, c.assignee, i.definition_id AS "definitionId",
    i.definition_version AS "definitionVersion", ${epochMs('t.opened_at')} AS "openedAt", ${epochMs('t.updated_at')} AS "updatedAt"
  FROM task t JOIN instance i ON i.id = t.instance_id LEFT JOIN human_task h ON h.instance_id = t.instance_id AND h.path = t.path
    LEFT JOIN claim c ON c.instance_id = h.instance_id AND c.path = h.path AND c.attempt = h.attempt`;

function taskOf({ inputSeq, outputSeq, ...row }: Row, payloads: Payloads): TaskRow {
  const [input, output] = [payloadAt(payloads, inputSeq), payloadAt(payloads, outputSeq)];
  return { taskId: taskIdOf(row.instanceId, row.path), ...row, input, output };
}

async function payloadsOf(pool: Pool, instanceId: InstanceId, rows: readonly Row[]): Promise<Payloads> {
  const seqs = rows.flatMap(({ inputSeq, outputSeq }) => [...seqsIn(inputSeq), ...seqsIn(outputSeq)]);
  return (await readPayloads(pool, [{ instanceId, seqs }])).get(instanceId) ?? noPayloads;
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
    pool.query<Row>(`${selectTasks} ${where.sql} ORDER BY t.opened_at DESC, t.path DESC LIMIT ${where.parameter(limit + 1)}`, where.values),
  );
  const payloads = await payloadsOf(pool, instanceId, rows.slice(0, limit));
  return pageOf(
    rows,
    limit,
    name,
    ({ openedAt, path }) => [openedAt, path],
    (row) => taskOf(row, payloads),
  );
}

export async function getTask(pool: Pool, instanceId: InstanceId, path: TaskPath): Promise<TaskRow | null> {
  const { rows } = await translating(() =>
    pool.query<Row>({
      name: 'get-task',
      text: `${selectTasks} WHERE t.instance_id = $1 AND t.path = $2`,
      values: [instanceId, path],
    }),
  );
  const [row] = rows;
  return row === undefined ? null : taskOf(row, await payloadsOf(pool, instanceId, rows));
}
