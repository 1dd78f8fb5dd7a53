/** One instance whole, in one snapshot; and the instance that an idempotency key has started. */
import type { InstanceId } from '../../../core/ids.ts';
import type { EarlierStart, InstanceRow, InstanceView, PendingCommand } from '../../instance-queries.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { restoreInstances, type StateRow, stateFields } from '../instances/load.ts';
import { epochMs } from '../sql/times.ts';
import { rowFields } from './instance-list.ts';

type ViewRow = StateRow & InstanceRow & { pending: readonly PendingCommand[] | null };

export async function getInstance(pool: Pool, instanceId: InstanceId): Promise<InstanceView | null> {
  const { rows } = await translating(() =>
    pool.query<ViewRow>({
      name: 'get-instance',
      text: `SELECT ${stateFields}, ${rowFields}, (
          SELECT json_agg(json_build_object('commandId', c.id, 'type', c.type, 'path', c.path, 'by', c.issued_by, 'at', ${epochMs('c.issued_at')})
            ORDER BY c.issued_at, c.id)
          FROM command c WHERE c.instance_id = i.id AND c.status = 'pending') AS pending
        FROM instance i WHERE i.id = $1`,
      values: [instanceId],
    }),
  );
  const [found] = rows;
  if (found === undefined) return null;
  const whole = (await restoreInstances(pool, [found])).get(instanceId);
  if (whole === undefined) return null;
  const { definitionId, definitionVersion, businessKey, status, createdAt, updatedAt, pending } = found;
  return {
    row: { instanceId, definitionId, definitionVersion, businessKey, status, createdAt, updatedAt },
    ...whole,
    pending: pending ?? [],
  };
}

export async function startByKey(pool: Pool, definitionId: string, key: string): Promise<EarlierStart | null> {
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
