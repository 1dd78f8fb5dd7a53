/**
 * Waits that open, and the events that came before them. An event's insert and a subscription's can miss each other, so
 * both sides lock their (type, key) first, in sorted order, in a statement of their own (protocol, Events 1).
 */
import type { EventMatcher, Subscription } from '../../instance-store.ts';
import type { Queryable } from '../connection/pools.ts';
import type { TransitionRows } from '../instances/transition-rows.ts';
import { storableText } from '../sql/storable-text.ts';
import { type BufferedEvent, eventFields, eventOf } from './buffered-event.ts';
import { Deliveries } from './deliveries.ts';
import { type EventKey, keyText } from './key-locks.ts';

export function keysOfOpened(rows: TransitionRows): EventKey[] {
  return rows.opened.map(({ event, key }) => ({ type: event, key }));
}

const PAGE = 500;

const waitingEvents = {
  name: 'waiting-events',
  text: `SELECT ${eventFields}, e.undelivered,
      ARRAY(SELECT d.instance_id::text FROM event_delivery d WHERE d.event_row_id = e.row_id AND NOT d.returned) AS had,
      ARRAY(SELECT d.instance_id::text FROM event_delivery d WHERE d.event_row_id = e.row_id AND d.returned) AS returned
    FROM (SELECT DISTINCT type, key FROM unnest($1::text[], $2::text[]) AS k (type, key)) AS k
    JOIN event_buffer e ON e.type = k.type AND e.key = k.key AND e.available AND e.expires_at > now() AND e.row_id > $3
    ORDER BY e.row_id LIMIT ${PAGE}`,
};

type WaitingEvent = BufferedEvent & { undelivered: boolean; had: string[]; returned: string[] };
type Opened = TransitionRows['opened'][number];

/**
 * Gives waits that have just opened the oldest fitting event that waits; it is used up by that. Reads page by page: of
 * one key any number may wait for a `where` that fits.
 */
export async function takeBufferedEvents(on: Queryable, matcher: EventMatcher, opened: readonly Opened[]): Promise<void> {
  if (opened.length === 0) return;
  const byKey = Map.groupBy(opened, ({ event, key }) => keyText({ type: storableText(event), key: storableText(key) }));
  const keys = opened.map(({ event, key }) => ({ type: storableText(event), key: storableText(key) }));
  const deliveries = new Deliveries(matcher);
  let after = '0';
  for (;;) {
    const { rows } = await on.query<WaitingEvent>({
      ...waitingEvents,
      values: [keys.map(({ type }) => type), keys.map(({ key }) => key), after],
    });
    for (const row of rows) offerTo(byKey.get(keyText(row)) ?? [], row, deliveries);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE || opened.every((wait) => !deliveries.isFree(wait))) break;
    after = last.row_id;
  }
  await deliveries.write(on);
}

function offerTo(waits: readonly Opened[], row: WaitingEvent, deliveries: Deliveries): void {
  let used = false;
  for (const wait of waits) {
    const { instanceId } = wait;
    const mayHave = row.returned.includes(instanceId) || (row.undelivered && !used && !row.had.includes(instanceId));
    if (!mayHave) continue;
    const subscription: Subscription = wait;
    if (deliveries.offer(row.row_id, eventOf(row), subscription) && row.undelivered) used = true;
  }
}
