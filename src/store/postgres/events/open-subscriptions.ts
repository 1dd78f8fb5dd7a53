/** Subscriptions that are open for given keys, oldest first, with what their waits still take. Reads a bounded number. */
import type { InstanceId } from '../../../core/ids.ts';
import type { Subscription } from '../../instance-store.ts';
import type { Queryable } from '../connection/pools.ts';
import { Columns } from '../sql/columns.ts';
import type { EventKey } from './key-locks.ts';

export type OpenSubscription = Subscription & EventKey & { readonly id: string; readonly remaining: number };

/** The subscriptions of a key with an id above `after`, up to `until`. */
export type SubscriptionRange = EventKey & { readonly after: string; readonly until: string | null; readonly limit: number };

const fields = `s.id, s.instance_id AS "instanceId", w.partition, s.path, w.attempt, s.wait_index AS wait, s.condition AS "where",
      w.remaining, s.type, s.key`;

const rangeColumns = new Columns<SubscriptionRange>((of) => [
  of('type', 'text', ({ type }) => type),
  of('key', 'text', ({ key }) => key),
  of('after', 'int8', ({ after }) => BigInt(after)),
  of('until', 'int8', ({ until }) => (until === null ? null : BigInt(until))),
  of('at_most', 'int4', ({ limit }) => limit),
]);

const inRanges = {
  name: 'subscriptions-in-ranges',
  text: `SELECT ${fields}, r.ordinal::int - 1 AS range
    FROM ${rangeColumns.unnest('r', 1)}
    CROSS JOIN LATERAL (SELECT * FROM subscription s
      WHERE s.type = r.type AND s.key = r.key AND s.id > r.after AND (r.until IS NULL OR s.id <= r.until)
      ORDER BY s.id LIMIT r.at_most) AS s
    JOIN wait w ON w.instance_id = s.instance_id AND w.path = s.path ORDER BY s.id`,
};

/** @returns for each range what was found in it: as many as its limit, if there are more. */
export async function subscriptionsInRanges(
  on: Queryable,
  ranges: readonly SubscriptionRange[],
): Promise<readonly (readonly OpenSubscription[])[]> {
  const { rows } = await on.query<OpenSubscription & { readonly range: number }>({ ...inRanges, values: rangeColumns.encode(ranges) });
  const found: OpenSubscription[][] = ranges.map(() => []);
  for (const row of rows) found[row.range]?.push(row);
  return found;
}

export type KeyOfInstance = EventKey & { readonly instanceId: InstanceId };

const ofInstances = {
  name: 'subscriptions-of-instances',
  text: `SELECT ${fields}
    FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS k (instance_id, type, key)) AS k
    JOIN subscription s ON s.instance_id = k.instance_id AND s.type = k.type AND s.key = k.key
    JOIN wait w ON w.instance_id = s.instance_id AND w.path = s.path ORDER BY s.id`,
};

/** Every open subscription that an instance has for a key. */
export async function subscriptionsOfInstances(on: Queryable, wanted: readonly KeyOfInstance[]): Promise<readonly OpenSubscription[]> {
  if (wanted.length === 0) return [];
  const { rows } = await on.query<OpenSubscription>({
    ...ofInstances,
    values: [wanted.map(({ instanceId }) => instanceId), wanted.map(({ type }) => type), wanted.map(({ key }) => key)],
  });
  return rows;
}
