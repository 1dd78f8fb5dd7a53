/**
 * External events: each goes to every open wait of its type and key whose `where` holds, once for an instance; a wait that
 * opens later finds what nobody had (protocol, Events). One transaction for all events given, and further ones for those
 * with very many waits; the locks of their keys are taken in a statement before the ones that read.
 */
import type { ExternalEvent } from '../../../core/external-event.ts';
import type { CorrelationCounts, EventMatcher } from '../../instance-store.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import { Columns } from '../sql/columns.ts';
import { storableText } from '../sql/storable-text.ts';
import { lockKeys } from './key-locks.ts';
import { finishOffers, type Offer, type OfferLimits, offerToWaits } from './offers.ts';

const columns = new Columns<ExternalEvent>((of) => [
  of('id', 'text', ({ id }) => id),
  of('type', 'text', ({ type }) => type),
  of('source', 'text', ({ source }) => source),
  of('key', 'text', ({ key }) => key),
  of('time', 'timestamptz', ({ time }) => time),
  of('data', 'json', ({ data }) => (data === null ? null : JSON.stringify(data))),
]);

const keep = {
  name: 'keep-events',
  // In one order, so that two batches with the same events do not wait for each other.
  text: `WITH e AS MATERIALIZED (SELECT * FROM ${columns.unnest('e', 2)}),
    new AS (INSERT INTO received_event (source, id) SELECT source, id FROM e ORDER BY source, id ON CONFLICT DO NOTHING RETURNING source, id)
    INSERT INTO event_buffer (id, type, source, key, time, data, undelivered, available, expires_at)
    SELECT e.id, e.type, e.source, e.key, e.time, e.data, true, true, now() + $1::float8 * interval '1 millisecond'
    FROM e JOIN new USING (source, id) ORDER BY e.ordinal
    RETURNING row_id, source, id`,
};

export type CorrelateOptions = {
  readonly matcher: EventMatcher;
  /** How long an event is kept that nobody waits for. */
  readonly eventTtlMs: number;
  readonly offerLimits: OfferLimits;
};

export async function correlate(
  pool: Pool,
  { matcher, eventTtlMs, offerLimits }: CorrelateOptions,
  given: readonly ExternalEvent[],
): Promise<CorrelationCounts> {
  const counts = { matched: 0, buffered: 0, duplicates: 0, ignored: 0 };
  if (given.length === 0) return counts;
  const delivered = new Set<string>();
  const { kept, unfinished } = await inTransaction(pool, async (client) => {
    delivered.clear();
    counts.matched = 0;
    const types = await knownTypes(client, given);
    const known = given.filter(({ type }) => types.has(storableText(type))).map(cleaned);
    counts.ignored = given.length - known.length;
    await lockKeys(client, known);
    const events = await keepNew(client, eventTtlMs, known);
    counts.duplicates = known.length - events.length;
    // One that comes again may have been left in the middle by a process that died.
    const left = counts.duplicates === 0 ? [] : await unfinishedOf(client, known);
    if (events.length === 0) return { kept: events, unfinished: left };
    const offers = events.map(({ rowId, event }): Offer => ({ rowId, event, after: '0', until: null, isNew: true }));
    const first = await offerToWaits(client, matcher, offerLimits, offers);
    counts.matched = first.count;
    for (const rowId of first.delivered) delivered.add(rowId);
    return { kept: events, unfinished: [...left, ...first.unfinished] };
  });
  const rest = await finishOffers(pool, matcher, offerLimits, unfinished);
  counts.matched += rest.count;
  counts.buffered = kept.filter(({ rowId }) => !delivered.has(rowId) && !rest.delivered.has(rowId)).length;
  return counts;
}

async function unfinishedOf(on: Queryable, events: readonly ExternalEvent[]): Promise<readonly string[]> {
  const { rows } = await on.query<{ row_id: string }>({
    name: 'unfinished-offers',
    text: `SELECT DISTINCT b.row_id FROM unnest($1::text[], $2::text[]) AS e (source, id)
      JOIN event_buffer b ON b.source = e.source AND b.id = e.id AND b.offer_after IS NOT NULL`,
    values: [events.map(({ source }) => source), events.map(({ id }) => id)],
  });
  return rows.map(({ row_id }) => row_id);
}

async function knownTypes(on: Queryable, events: readonly ExternalEvent[]): Promise<ReadonlySet<string>> {
  const { rows } = await on.query<{ type: string }>({
    name: 'known-event-types',
    text: 'SELECT type FROM event_type WHERE type = ANY ($1::text[])',
    values: [[...new Set(events.map(({ type }) => storableText(type)))]],
  });
  return new Set(rows.map(({ type }) => type));
}

/** As the tables hold it, so that what is looked for is what is found. */
function cleaned({ id, type, source, key, time, data }: ExternalEvent): ExternalEvent {
  return { id: storableText(id), type: storableText(type), source: storableText(source), key: storableText(key), time, data };
}

type Kept = { readonly rowId: string; readonly event: ExternalEvent };

/** Those that were not seen before, in their order, each in the buffer now. */
async function keepNew(on: Queryable, ttlMs: number, events: readonly ExternalEvent[]): Promise<readonly Kept[]> {
  const distinct = new Map<string, ExternalEvent>();
  for (const event of events) {
    const identity = identityOf(event);
    if (!distinct.has(identity)) distinct.set(identity, event);
  }
  const { rows } = await on.query<{ row_id: string; source: string; id: string }>({
    ...keep,
    values: [ttlMs, ...columns.encode([...distinct.values()])],
  });
  const rowIds = new Map(rows.map((row) => [identityOf(row), row.row_id]));
  return [...distinct].flatMap(([identity, event]) => {
    const rowId = rowIds.get(identity);
    return rowId === undefined ? [] : [{ rowId, event }];
  });
}

function identityOf({ source, id }: { readonly source: string; readonly id: string }): string {
  return JSON.stringify([source, id]);
}
