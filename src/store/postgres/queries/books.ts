/** The books of one instance. */
import type { InstanceId } from '../../../core/ids.ts';
import type { ChildRow } from '../../books.ts';
import { childFields, type Row, toChildRow } from '../ask-children.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';

export async function books(pool: Pool, instanceId: InstanceId): Promise<readonly ChildRow[]> {
  const text = `SELECT ${childFields} FROM child c WHERE c.parent_id = $1 ORDER BY c.child_id`;
  const { rows } = await translating(() => pool.query<Row>({ name: 'books', text, values: [instanceId] }));
  return rows.map(toChildRow);
}
