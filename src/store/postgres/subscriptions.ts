/**
 * Waits that open, and the events that came before them. An event's insert and a subscription's can miss each other, so
 * both sides lock their (type, key) first, in sorted order, in a statement of their own (protocol, Events 1).
 */
import type { ExternalEvent } from '../../core/external-event.ts';
import type { EventMatcher, Subscription } from '../instance-store.ts';
import { Deliveries } from './deliveries.ts';
import type { Queryable } from './pools.ts';
import type { TransitionRows } from './transition-rows.ts';

export type EventKey = { readonly type: string; readonly key: string };

/** Any number that nobody else locks by. */
const LOCK_CLASS = 7_301_450;
/**
 * Keys share so many locks: Postgres has room for some thousands in all, and a batch may open waits for as many keys.
 * Whoever shares a lock by chance only waits a little.
 */
const LOCKS = 4_096;

/** Waits for the advisory locks of these (type, key) until the end of the transaction. */
export async function lockKeys(on: Queryable, keys: readonly EventKey[]): Promise<void> {
  if (keys.length === 0) return;
  await on.query({
    name: 'lock-event-keys',
    text: `SELECT pg_advisory_xact_lock(${LOCK_CLASS}, lock) FROM (
        SELECT DISTINCT (hashtextextended(type || chr(31) || key, 20) & ${LOCKS - 1})::int AS lock
        FROM unnest($1::text[], $2::text[]) AS k (type, key) ORDER BY lock) AS sorted`,
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
  data: ExternalEvent['data'];
};
export const eventFields = 'e.row_id, e.id, e.type, e.source, e.key, floor(extract(epoch FROM e.time) * 1000)::float8 AS time, e.data';

export function eventOf({ id, type, source, key, time, data }: EventRow): ExternalEvent {
  return { id, type, source, key, time, data };
}

const PAGE = 500;

const waitingEvents = {
  name: 'waiting-events',
  text: `SELECT ${eventFields}, e.open_to_all,
      ARRAY(SELECT d.instance_id::text FROM event_delivery d WHERE d.event_row_id = e.row_id AND NOT d.returned) AS had,
      ARRAY(SELECT d.instance_id::text FROM event_delivery d WHERE d.event_row_id = e.row_id AND d.returned) AS returned
    FROM (SELECT DISTINCT type, key FROM unnest($1::text[], $2::text[]) AS k (type, key)) AS k
    JOIN event_buffer e ON e.type = k.type AND e.key = k.key AND e.waiting AND e.expires_at > now() AND e.row_id > $3
    ORDER BY e.row_id LIMIT ${PAGE}`,
};

type WaitingEvent = EventRow & { open_to_all: boolean; had: string[]; returned: string[] };
type Opened = TransitionRows['opened'][number];

/**
 * Gives waits that have just opened the oldest fitting event that waits; it is used up by that. Reads page by page: of
 * one key any number may wait for a `where` that fits.
 */
export async function takeBufferedEvents(on: Queryable, matcher: EventMatcher, opened: readonly Opened[]): Promise<void> {
  if (opened.length === 0) return;
  const byKey = Map.groupBy(opened, ({ event, key }) => keyText({ type: clean(event), key: clean(key) }));
  const keys = opened.map(({ event, key }) => ({ type: clean(event), key: clean(key) }));
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
    const mayHave = row.returned.includes(instanceId) || (row.open_to_all && !used && !row.had.includes(instanceId));
    if (!mayHave) continue;
    const subscription: Subscription = wait;
    if (deliveries.offer(row.row_id, eventOf(row), subscription) && row.open_to_all) used = true;
  }
}

export function keyText({ type, key }: EventKey): string {
  return JSON.stringify([type, key]);
}
