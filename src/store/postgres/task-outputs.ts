/** Outputs of tasks that are too large for a record, until their outcomes are applied. */
import { type GivenOutput, outputKeyText, outputsOfAttemptMax, type TaskOutputKey } from '../task-outputs.ts';
import { translating } from './connection/errors.ts';
import type { Pool } from './connection/pools.ts';
import { Columns } from './sql/columns.ts';

const keep = {
  name: 'keep-output',
  text: `WITH t AS (SELECT status = 'scheduled' AND attempt = $3 AS "isOpen" FROM task WHERE instance_id = $1 AND path = $2),
      others AS (SELECT count(*) AS count FROM task_output
        WHERE instance_id = $1 AND path = $2 AND attempt = $3 AND (basis <> $4 OR sha256 <> $5)),
      kept AS (INSERT INTO task_output (instance_id, path, attempt, basis, sha256, output)
        SELECT $1, $2, $3, $4, $5, $6 FROM t, others WHERE t."isOpen" AND others.count < $7 ON CONFLICT DO NOTHING)
    SELECT t."isOpen", others.count >= $7 AS "isFull" FROM t, others`,
};

export async function keepOutput(
  pool: Pool,
  { instanceId, path, attempt, basis, sha256 }: TaskOutputKey,
  output: string,
): Promise<GivenOutput> {
  const values = [instanceId, path, attempt, basis, sha256, output, outputsOfAttemptMax];
  const { rows } = await translating(() => pool.query<{ isOpen: boolean; isFull: boolean }>({ ...keep, values }));
  const [row] = rows;
  if (row === undefined) return 'unknown';
  if (!row.isOpen) return 'notOpen';
  return row.isFull ? 'full' : 'kept';
}

const columns = new Columns<TaskOutputKey>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('attempt', 'int4', ({ attempt }) => attempt),
  of('basis', 'text', ({ basis }) => basis),
  of('sha256', 'text', ({ sha256 }) => sha256),
]);

const isWanted =
  'o.instance_id = k.instance_id AND o.path = k.path AND o.attempt = k.attempt AND o.basis = k.basis AND o.sha256 = k.sha256';

const read = {
  name: 'kept-outputs',
  text: `SELECT o.instance_id AS "instanceId", o.path, o.attempt, o.basis, o.sha256, o.output
    FROM ${columns.unnest('k', 1)} JOIN task_output o ON ${isWanted}`,
};

export async function keptOutputs(pool: Pool, keys: readonly TaskOutputKey[]): Promise<ReadonlyMap<string, string>> {
  if (keys.length === 0) return new Map();
  const { rows } = await translating(() =>
    pool.query<TaskOutputKey & { readonly output: string }>({ ...read, values: columns.encode(keys) }),
  );
  return new Map(rows.map((row) => [outputKeyText(row), row.output]));
}

const remove = { name: 'remove-outputs', text: `DELETE FROM task_output o USING ${columns.unnest('k', 1)} WHERE ${isWanted}` };

export async function removeOutputs(pool: Pool, keys: readonly TaskOutputKey[]): Promise<void> {
  if (keys.length === 0) return;
  await translating(() => pool.query({ ...remove, values: columns.encode(keys) }));
}
