/**
 * Waits that open, and the events that came before them. An event's insert and a subscription's can miss each other, so
 * both sides lock their (type, key) first, in sorted order, in a statement of their own (protocol, Events 1).
 */
import type { EventMatcher, IncomingEvent, Subscription } from '../instance-store.ts';
import { Deliveries } from './deliveries.ts';
import type { Queryable } from './pools.ts';
import type { TransitionRows } from './transition-rows.ts';

export type EventKey = { readonly type: string; readonly key: string };

/** Waits for the advisory locks of these (type, key) until the end of the transaction. */
export async function lockKeys(on: Queryable, keys: readonly EventKey[]): Promise<void> {
  if (keys.length === 0) return;
  await on.query({
    name: 'lock-event-keys',
    text: `SELECT pg_advisory_xact_lock(hash) FROM (
        SELECT DISTINCT hashtextextended(type || chr(31) || key, 20) AS hash
        FROM unnest($1::text[], $2::text[]) AS k (type, key) ORDER BY hash) AS sorted`,
    values: [keys.map(({ type }) => clean(type)), keys.map(({ key }) => clean(key))],
  });
}

/** As it stands in the tables: Postgres cannot hold U+0000 in text. */
export function clean(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}

export function keysOfOpened(rows: TransitionRows): EventKey[] {
  return rows.opened.map(({ event, key }) => ({ type: event, key }));
}

export type EventRow = {
  row_id: string;
  id: string;
  type: string;
  source: string;
  key: string;
  time: number | null;
  data: IncomingEvent['data'];
};
export const eventFields = 'e.row_id, e.id, e.type, e.source, e.key, floor(extract(epoch FROM e.time) * 1000)::float8 AS time, e.data';

export function eventOf({ id, type, source, key, time, data }: EventRow): IncomingEvent {
  return { id, type, source, key, time, data };
}

/** Gives waits that have just opened the oldest fitting event that waits; it is used up by that. */
export async function takeBufferedEvents(on: Queryable, matcher: EventMatcher, opened: TransitionRows['opened']): Promise<void> {
  if (opened.length === 0) return;
  const { rows } = await on.query<EventRow & { open_to_all: boolean; had: string[]; returned: string[] }>({
    name: 'waiting-events',
    text: `SELECT ${eventFields}, e.open_to_all,
        ARRAY(SELECT d.instance_id::text FROM event_delivery d WHERE d.event_row_id = e.row_id AND NOT d.returned) AS had,
        ARRAY(SELECT d.instance_id::text FROM event_delivery d WHERE d.event_row_id = e.row_id AND d.returned) AS returned
      FROM (SELECT DISTINCT type, key FROM unnest($1::text[], $2::text[]) AS k (type, key)) AS k
      JOIN event_buffer e ON e.type = k.type AND e.key = k.key AND e.waiting AND e.expires_at > now()
      ORDER BY e.row_id`,
    values: [opened.map(({ event }) => clean(event)), opened.map(({ key }) => clean(key))],
  });
  if (rows.length === 0) return;
  const deliveries = new Deliveries(matcher);
  for (const row of rows) {
    let used = false;
    for (const effect of opened) {
      const { instanceId } = effect;
      if (clean(effect.event) !== row.type || clean(effect.key) !== row.key) continue;
      const mayHave = row.returned.includes(instanceId) || (row.open_to_all && !used && !row.had.includes(instanceId));
      if (!mayHave) continue;
      const subscription: Subscription = effect;
      if (deliveries.offer(row.row_id, eventOf(row), subscription) && row.open_to_all) used = true;
    }
  }
  await deliveries.write(on);
}
