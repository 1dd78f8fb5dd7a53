/** Held tasks whose lease has run out: one statement holds them no longer and writes their messages. */
import type { InstanceId } from '../../../core/ids.ts';
import type { ReleasedTask } from '../../instance-store.ts';
import { heldTexts, sendingStatuses } from '../../stored/held-task.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { insertSent, sentColumns } from '../outbox/messages.ts';
import { Columns } from '../sql/columns.ts';

type OfInstance = { readonly instanceId: InstanceId; readonly tasks: readonly ReleasedTask[] };

const columns = new Columns<OfInstance>((of) => [
  of('id', 'uuid', ({ instanceId }) => instanceId),
  of('held', 'text', ({ tasks }) => heldTexts(tasks.map(({ held }) => held))),
]);

const statement = {
  name: 'release',
  text: `WITH u AS (UPDATE instance i SET held = NULLIF(array_to_string(ARRAY(
        SELECT line FROM unnest(string_to_array(i.held, E'\\n')) WITH ORDINALITY AS h (line, n)
        WHERE line <> ALL (string_to_array(r.held, E'\\n')) ORDER BY n), E'\\n'), '')
      FROM ${columns.unnest('r', 1)}
      WHERE i.id = r.id AND string_to_array(i.held, E'\\n') @> string_to_array(r.held, E'\\n')
        AND i.status IN (${sendingStatuses.map((status) => `'${status}'`).join(', ')}) RETURNING i.id),
  sent AS (${insertSent(columns.count + 1, 'u')})
  SELECT id FROM u`,
};

export async function release(pool: Pool, given: readonly ReleasedTask[]): Promise<ReadonlySet<InstanceId>> {
  if (given.length === 0) return new Set();
  // In the order in which `apply` writes instances.
  const tasks = given.toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : Number(a.instanceId > b.instanceId)));
  const instances = Array.from(
    Map.groupBy(tasks, ({ instanceId }) => instanceId),
    ([instanceId, ofInstance]) => ({ instanceId, tasks: ofInstance }),
  );
  const messages = tasks.map(({ instanceId, message }) => ({ instanceId, ...message }));
  const { rows } = await translating(() =>
    pool.query<{ id: InstanceId }>({ ...statement, values: [...columns.encode(instances), ...sentColumns.encode(messages)] }),
  );
  return new Set(rows.map(({ id }) => id));
}
