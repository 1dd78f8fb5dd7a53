/**
 * Events that an instance refused, since its wait had just ended: they wait on, for that instance only, or for everybody
 * if nobody else had them (protocol, Events 3). Waits that opened meanwhile are offered them at once.
 */
import { handleWhenResult, IterableBackoff, retry } from 'cockatiel';
import type { EventMatcher } from '../../instance-store.ts';
import type { Queryable } from '../connection/pools.ts';
import type { TransitionRows } from '../instances/transition-rows.ts';
import { Columns } from '../sql/columns.ts';
import { type BufferedEvent, eventFields, eventOf } from './buffered-event.ts';
import { Deliveries } from './deliveries.ts';
import type { EventKey } from './key-locks.ts';
import { openSubscriptions } from './open-subscriptions.ts';

type Returned = TransitionRows['returned'][number];

const columns = new Columns<Returned>((of) => [
  of('event_row_id', 'int8', ({ eventRowId }) => BigInt(eventRowId)),
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('attempt', 'int4', ({ attempt }) => attempt),
]);

/**
 * A match may be refused before the transaction that made it can be seen (docs/decisions/0011): an event that is not there
 * is looked for again before it counts as expired. In a transaction under READ COMMITTED each look sees what is new.
 */
export async function keysOfReturned(on: Queryable, returned: readonly Returned[]): Promise<readonly EventKey[]> {
  if (returned.length === 0) return [];
  const rowIds = [...new Set(returned.map(({ eventRowId }) => eventRowId))];
  let keys: readonly EventKey[] = [];
  await untilVisible.execute(async () => {
    ({ rows: keys } = await on.query<EventKey>('SELECT type, key FROM event_buffer WHERE row_id = ANY ($1::bigint[])', [rowIds]));
    return keys.length < rowIds.length;
  });
  return keys;
}

/** About 200 ms in all: a session shows its commit within microseconds, and holds a batch up no longer for what has expired. */
const untilVisible = retry(
  handleWhenResult((areMissing) => areMissing === true),
  { maxAttempts: 5, backoff: new IterableBackoff([5, 10, 25, 60, 100]) },
);

/**
 * The locks of their keys are held. An event that has expired meanwhile is gone, as it would be without the detour. A
 * refusal that comes again, perhaps when a later wait has the event, takes nothing back.
 */
export async function returnEvents(on: Queryable, matcher: EventMatcher, refused: readonly Returned[]): Promise<void> {
  if (refused.length === 0) return;
  const { rows: returned } = await on.query<{ eventRowId: string; instanceId: string }>({
    name: 'return-deliveries',
    text: `UPDATE event_delivery d SET returned = true FROM ${columns.unnest('r', 1)}
      WHERE d.event_row_id = r.event_row_id AND d.instance_id = r.instance_id AND NOT d.returned AND d.path = r.path AND d.attempt = r.attempt
      RETURNING d.event_row_id AS "eventRowId", d.instance_id AS "instanceId"`,
    values: columns.encode(refused),
  });
  if (returned.length === 0) return;
  const rowIds = [...new Set(returned.map(({ eventRowId }) => eventRowId))];
  const { rows } = await on.query<BufferedEvent & { undelivered: boolean }>(
    `UPDATE event_buffer e SET available = true,
        undelivered = NOT EXISTS (SELECT FROM event_delivery d WHERE d.event_row_id = e.row_id AND NOT d.returned)
      WHERE e.row_id = ANY ($1::bigint[]) AND e.expires_at > now() RETURNING ${eventFields}, e.undelivered`,
    [rowIds],
  );
  if (rows.length === 0) return;
  const open = await openSubscriptions(on, rows);
  const deliveries = new Deliveries(matcher);
  for (const row of rows.toSorted((a, b) => Number(BigInt(a.row_id) - BigInt(b.row_id)))) {
    const back = new Set<string>(returned.filter(({ eventRowId }) => eventRowId === row.row_id).map(({ instanceId }) => instanceId));
    for (const subscription of open) {
      if (subscription.type !== row.type || subscription.key !== row.key) continue;
      if (row.undelivered || back.has(subscription.instanceId)) deliveries.offer(row.row_id, eventOf(row), subscription);
    }
  }
  await deliveries.write(on);
}
