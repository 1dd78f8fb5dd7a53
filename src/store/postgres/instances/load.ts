/** Whole states in one round trip: the state column, with inputs and outputs put back from their columns and rows. */
import type { InstanceId } from '../../../core/ids.ts';
import type { Json } from '../../../core/json.ts';
import type { StoredInstance } from '../../instance-store.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { uuidArray } from '../sql/binary-array.ts';
import { restoreState, type TaskData } from './stored-state.ts';

/** Columns of one instance `i` that `instanceOf` needs. */
export const wholeState = `i.id, i.version, i.input, i.output, i.state::text AS state,
  (SELECT json_object_agg(t.path, json_build_array(
      CASE WHEN t.status IN ('scheduled', 'retrying', 'failed', 'timedOut') THEN t.input END, t.output))
    FROM task t WHERE t.instance_id = i.id AND (t.input IS NOT NULL OR t.output IS NOT NULL)) AS data`;

export type WholeRow = { id: InstanceId; version: number; input: Json; output: Json; state: string; data: TaskData | null };

export function instanceOf({ id, version, input, output, state, data }: WholeRow): StoredInstance {
  return { version, state: restoreState(id, state, input, output, data) };
}

const statement = { name: 'load', text: `SELECT ${wholeState} FROM instance i WHERE i.id = ANY ($1::uuid[])` };

export async function load(pool: Pool, ids: readonly InstanceId[]): Promise<ReadonlyMap<InstanceId, StoredInstance>> {
  if (ids.length === 0) return new Map();
  const { rows } = await translating(() => pool.query<WholeRow>({ ...statement, values: [uuidArray(ids)] }));
  return new Map(rows.map((row) => [row.id, instanceOf(row)]));
}
