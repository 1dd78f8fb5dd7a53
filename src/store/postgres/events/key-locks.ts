/**
 * The locks of event keys. An event's insert and a subscription's insert can miss each other, so both sides lock their
 * (type, key) first, in sorted order, in a statement before the one that reads (protocol, Events 1).
 */
import type { Queryable } from '../connection/pools.ts';
import { storableText } from '../sql/storable-text.ts';

export type EventKey = { readonly type: string; readonly key: string };

/** First half of the advisory lock's key. Nothing else in this database uses it. */
const LOCK_CLASS = 7_301_450;
/**
 * Number of locks that all keys share. Postgres has room for some thousands of locks, and one batch may open waits for as
 * many keys. Two keys that share a lock by chance only wait a little for each other.
 */
const LOCKS = 4_096;

/** Waits for the advisory locks of these keys and holds them until the transaction ends. */
export async function lockKeys(on: Queryable, keys: readonly EventKey[]): Promise<void> {
  if (keys.length === 0) return;
  await on.query({
    name: 'lock-event-keys',
    text: `SELECT pg_advisory_xact_lock(${LOCK_CLASS}, lock) FROM (
        SELECT DISTINCT (hashtextextended(type || chr(31) || key, 20) & ${LOCKS - 1})::int AS lock
        FROM unnest($1::text[], $2::text[]) AS k (type, key) ORDER BY lock) AS sorted`,
    values: [keys.map(({ type }) => storableText(type)), keys.map(({ key }) => storableText(key))],
  });
}

/** One string for a (type, key), to group by. */
export function keyText({ type, key }: EventKey): string {
  return JSON.stringify([type, key]);
}
