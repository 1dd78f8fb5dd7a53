/**
 * Events that an instance refused, since its wait had just ended. They go back to the buffer, for that instance only, or for every
 * instance if no other had them (protocol, Events 3). Open waits are offered them at once.
 */

import { handleWhenResult, IterableBackoff, retry } from 'cockatiel';
import type { InstanceId } from '../../../core/ids.ts';
import type { EventMatcher } from '../../instance-store.ts';
import { LoopTurns } from '../../loop-turns.ts';
import type { TransitionRows } from '../../stored/transition-rows.ts';
import type { Queryable } from '../connection/pools.ts';
import { Columns } from '../sql/columns.ts';
import { type BufferedEvent, eventFields, eventOf } from './buffered-event.ts';
import { Deliveries } from './deliveries.ts';
import type { EventKey } from './key-locks.ts';
import { type Offer, type OfferLimits, offerToWaits, writeAll } from './offers.ts';
import { subscriptionsOfInstances } from './open-subscriptions.ts';

type RefusedEvent = TransitionRows['returned'][number];

const columns = new Columns<RefusedEvent>((of) => [
  of('event_row_id', 'int8', ({ eventRowId }) => BigInt(eventRowId)),
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('attempt', 'int4', ({ attempt }) => attempt),
]);

/**
 * A match may be refused before the transaction that made it can be seen (docs/decisions/0011): an event that is not there
 * is looked for again before it counts as expired. In a transaction under READ COMMITTED each look sees what is new.
 */
export async function keysOfReturned(on: Queryable, returned: readonly RefusedEvent[]): Promise<readonly EventKey[]> {
  if (returned.length === 0) return [];
  const rowIds = [...new Set(returned.map(({ eventRowId }) => eventRowId))];
  let keys: readonly EventKey[] = [];
  await untilVisible.execute(async () => {
    ({ rows: keys } = await on.query<EventKey>('SELECT type, key FROM event_buffer WHERE row_id = ANY ($1::bigint[])', [rowIds]));
    return keys.length < rowIds.length;
  });
  return keys;
}

/** About 200 ms in all: a commit becomes visible within microseconds, and an expired event must not delay a batch for longer. */
const untilVisible = retry(
  handleWhenResult((areMissing) => areMissing === true),
  { maxAttempts: 5, backoff: new IterableBackoff([5, 10, 25, 60, 100]) },
);

type Returned = { readonly eventRowId: string; readonly instanceId: InstanceId };

/**
 * Takes refused events back. The locks of their keys are held. An event that has expired meanwhile is gone. A repeated refusal
 * changes nothing, also if a later wait has the event by then.
 */
export async function returnEvents(
  on: Queryable,
  matcher: EventMatcher,
  limits: OfferLimits,
  refused: readonly RefusedEvent[],
): Promise<void> {
  if (refused.length === 0) return;
  const { rows: returned } = await on.query<Returned>({
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
  const events = rows.toSorted((a, b) => Number(BigInt(a.row_id) - BigInt(b.row_id)));
  await offerToOwners(on, matcher, events, returned);
  // An event that nobody has now goes to any open wait, also to one that opened after the event came.
  const offers = events.flatMap((row): Offer[] =>
    row.undelivered ? [{ rowId: row.row_id, event: eventOf(row), after: '0', until: null, isNew: false }] : [],
  );
  if (offers.length > 0) await offerToWaits(on, matcher, limits, offers);
}

/** Offers each event to the other waits of the instances that gave it back. */
async function offerToOwners(
  on: Queryable,
  matcher: EventMatcher,
  events: readonly BufferedEvent[],
  returned: readonly Returned[],
): Promise<void> {
  const byEvent = Map.groupBy(returned, ({ eventRowId }) => eventRowId);
  const owners = events.flatMap(({ row_id, type, key }) =>
    (byEvent.get(row_id) ?? []).map(({ instanceId }) => ({ rowId: row_id, instanceId, type, key })),
  );
  const open = await subscriptionsOfInstances(on, owners);
  if (open.length === 0) return;
  const deliveries = new Deliveries(matcher);
  const turns = new LoopTurns();
  for (const row of events) {
    const instances = new Set((byEvent.get(row.row_id) ?? []).map(({ instanceId }) => instanceId));
    for (const subscription of open) {
      const isOfKey = subscription.type === row.type && subscription.key === row.key;
      if (!isOfKey || !instances.has(subscription.instanceId)) continue;
      if (turns.isOver) await turns.take();
      deliveries.offer(row.row_id, eventOf(row), subscription);
    }
  }
  await writeAll(on, deliveries, open);
}
