/**
 * History as it is read: with inputs and outputs put back, in one statement, so that rows and entries are of one moment.
 * A part of it needs nothing of what comes later but entries that displaced something.
 */
import type { InstanceId } from '../../../core/ids.ts';
import type { HistoryEntry } from '../../../core/instance/step.ts';
import type { Json } from '../../../core/json.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { restoreHistory, type StoredEntry } from '../instances/stored-history.ts';
import type { TaskData } from '../instances/stored-state.ts';

type Row = {
  /** One array for each batch, oldest first. */
  batches: readonly (readonly StoredEntry[])[] | null;
  later: readonly (readonly StoredEntry[])[] | null;
  input: Json;
  output: Json;
  data: TaskData | null;
};

const statement = {
  name: 'history',
  // A batch has at least one entry, so as many batches as entries are wanted are enough.
  text: `WITH page AS MATERIALIZED (SELECT last_seq, entries FROM history WHERE instance_id = $1 AND last_seq > $2 ORDER BY last_seq LIMIT $3)
    SELECT (SELECT json_agg(entries ORDER BY last_seq) FROM page) AS batches,
      (SELECT json_agg(h.entries ORDER BY h.last_seq) FROM history h
        WHERE h.instance_id = $1 AND h.last_seq > (SELECT max(last_seq) FROM page) AND h.displaces) AS later,
      i.input, i.output,
      (SELECT json_object_agg(t.path, json_build_array(t.input, t.output))
        FROM task t WHERE t.instance_id = i.id AND (t.input IS NOT NULL OR t.output IS NOT NULL)) AS data
    FROM instance i WHERE i.id = $1 AND EXISTS (SELECT FROM page)`,
};

const ALL = 2_147_483_647;

export async function history(pool: Pool, instanceId: InstanceId, afterSeq: number, limit: number): Promise<readonly HistoryEntry[]> {
  const { rows } = await translating(() => pool.query<Row>({ ...statement, values: [instanceId, afterSeq, limit] }));
  const [row] = rows;
  if (row === undefined) return [];
  const entries = [...(row.batches ?? []), ...(row.later ?? [])].flat();
  return restoreHistory(entries, row, row.data ?? {})
    .filter(({ seq }) => seq > afterSeq)
    .slice(0, limit);
}

export async function fullHistory(pool: Pool, instanceId: InstanceId): Promise<readonly HistoryEntry[]> {
  return await history(pool, instanceId, 0, ALL);
}
