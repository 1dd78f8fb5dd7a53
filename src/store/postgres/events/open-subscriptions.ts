/** Subscriptions that are open for given keys. */
import type { Subscription } from '../../instance-store.ts';
import type { Queryable } from '../connection/pools.ts';
import type { EventKey } from './key-locks.ts';

/** Every open wait of these keys, oldest first: a wait for several events opens anew after each, and keeps its age. */
export async function openSubscriptions(on: Queryable, keys: readonly EventKey[]): Promise<readonly (Subscription & EventKey)[]> {
  const { rows } = await on.query<Subscription & EventKey>({
    name: 'open-subscriptions',
    text: `SELECT s.instance_id AS "instanceId", s.partition, s.path, s.attempt, s.wait_index AS wait, s.condition AS "where", s.type, s.key
      FROM (SELECT DISTINCT type, key FROM unnest($1::text[], $2::text[]) AS k (type, key)) AS k
      JOIN subscription s ON s.type = k.type AND s.key = k.key
      JOIN task t ON t.instance_id = s.instance_id AND t.path = s.path ORDER BY t.opened_at, s.id`,
    values: [keys.map(({ type }) => type), keys.map(({ key }) => key)],
  });
  return rows;
}
