/**
 * External events: each goes to every open wait of its type and key whose `where` holds, once for an instance; a wait that
 * opens later finds what nobody had (protocol, Events). One transaction for all events given, and further ones for those
 * with very many waits; the locks of their keys are taken in a statement before the ones that read.
 */
import type { ExternalEvent } from '../../../core/external-event.ts';
import type { Correlated, EventStarter } from '../../instance-store.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import type { ApplyOptions } from '../instances/apply.ts';
import { insertMessages } from '../outbox/messages.ts';
import { Columns } from '../sql/columns.ts';
import { storableText } from '../sql/storable-text.ts';
import { keysOfStarts, planStarts, writeStarts } from '../triggers/event-starts.ts';
import { lockKeys } from './key-locks.ts';
import { finishOffers, type Offer, offerToWaits } from './offers.ts';

const identities = new Columns<ExternalEvent>((of) => [
  of('id', 'text', ({ id }) => id),
  of('type', 'text', ({ type }) => type),
  of('source', 'text', ({ source }) => source),
]);

const columns = new Columns<ExternalEvent>((of) => [
  of('id', 'text', ({ id }) => id),
  of('type', 'text', ({ type }) => type),
  of('source', 'text', ({ source }) => source),
  of('key', 'text', ({ key }) => key),
  of('time', 'timestamptz', ({ time }) => time),
  of('data', 'json', ({ data }) => (data === null ? null : JSON.stringify(data))),
]);

const admit = {
  name: 'admit-events',
  // In one order, so that two batches with the same events do not deadlock. Of two batches with the same event the second waits
  // here for the first, and drops it.
  text: `WITH e AS MATERIALIZED (SELECT * FROM ${identities.unnest('e', 1)}),
    known AS MATERIALIZED (SELECT * FROM e WHERE EXISTS (SELECT FROM event_type t WHERE t.type = e.type)),
    new AS (INSERT INTO received_event (source, id) SELECT DISTINCT source, id FROM known ORDER BY source, id
      ON CONFLICT DO NOTHING RETURNING source, id)
    SELECT k.ordinal::int - 1 AS index, new.id IS NOT NULL AS "isNew" FROM known k LEFT JOIN new USING (source, id) ORDER BY k.ordinal`,
};

const keep = {
  name: 'keep-events',
  text: `INSERT INTO event_buffer (id, type, source, key, time, data, undelivered, available, expires_at)
    SELECT e.id, e.type, e.source, e.key, e.time, e.data, true, true, now() + $1::float8 * interval '1 millisecond'
    FROM ${columns.unnest('e', 2)} ORDER BY e.ordinal RETURNING row_id, source, id`,
};

export type CorrelateOptions = ApplyOptions & {
  /** How long an event is kept that nobody waits for. */
  readonly eventTtlMs: number;
  readonly starter: EventStarter | undefined;
};

export async function correlate(pool: Pool, options: CorrelateOptions, given: readonly ExternalEvent[]): Promise<Correlated> {
  if (given.length === 0) return { matched: 0, started: 0, buffered: 0, duplicates: 0, ignored: 0, failed: [] };
  const { matcher, offerLimits } = options;
  const originals = new Map(given.map((event) => [cleaned(event), event]));
  const taken = await inTransaction(pool, (client) => takeIn(client, options, originals));
  const rest = await finishOffers(pool, matcher, offerLimits, taken.unfinished);
  return {
    ...{ duplicates: taken.duplicates, ignored: taken.ignored, started: taken.started.length, failed: taken.failed },
    matched: taken.matched + rest.count,
    buffered: taken.kept.filter(({ rowId }) => !taken.delivered.has(rowId) && !rest.delivered.has(rowId)).length,
  };
}

/** In this order: is the event new, what does it start, who waits for it. The locks of keys are taken before waits are read. */
async function takeIn(client: Queryable, options: CorrelateOptions, originals: ReadonlyMap<ExternalEvent, ExternalEvent>) {
  const { matcher, eventTtlMs, offerLimits, starter } = options;
  const { known, fresh } = await admitNew(client, [...originals.keys()]);
  const plan = await planStarts(client, fresh, starter);
  await lockKeys(client, [...known, ...keysOfStarts(plan.starts)]);
  const kept = await keepAll(client, eventTtlMs, fresh);
  const [duplicates, ignored] = [known.length - fresh.length, originals.size - known.length];
  // A repeated event may have been offered to a part of its waits only, by a process that died.
  const left = duplicates === 0 ? [] : await unfinishedOf(client, known);
  const offers = kept.map(({ rowId, event }): Offer => ({ rowId, event, after: '0', until: null, isNew: true }));
  const offered = await offerToWaits(client, matcher, offerLimits, offers);
  const rowIds = new Map(kept.map(({ rowId, event }) => [event, rowId]));
  const { started, failed } = await writeStarts(client, options, plan.starts, (event) => rowIds.get(event));
  const failures = [...plan.failed, ...failed].map((each) => ({ ...each, event: originals.get(each.event) ?? each.event }));
  if (starter !== undefined)
    await insertMessages(
      client,
      failures.map((each) => starter.deadLetter(each)),
    );
  const delivered = new Set(offered.delivered);
  for (const { event } of started) delivered.add(rowIds.get(event) ?? '');
  return {
    ...{ kept, duplicates, ignored, started, delivered, matched: offered.count },
    failed: failures,
    unfinished: [...left, ...offered.unfinished],
  };
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

type Admitted = {
  /** Some deployed version names their type. */
  readonly known: readonly ExternalEvent[];
  /** Those that were not seen before, each once, in their order. */
  readonly fresh: readonly ExternalEvent[];
};

async function admitNew(on: Queryable, events: readonly ExternalEvent[]): Promise<Admitted> {
  const { rows } = await on.query<{ index: number; isNew: boolean }>({ ...admit, values: identities.encode(events) });
  const known = rows.flatMap(({ index, isNew }) => {
    const event = events[index];
    return event === undefined ? [] : [{ event, isNew }];
  });
  const fresh = new Map<string, ExternalEvent>();
  for (const { event, isNew } of known) {
    const identity = identityOf(event);
    if (isNew && !fresh.has(identity)) fresh.set(identity, event);
  }
  return { known: known.map(({ event }) => event), fresh: [...fresh.values()] };
}

/** With strings as the tables hold them, so that comparisons find them. */
function cleaned({ id, type, source, key, time, data }: ExternalEvent): ExternalEvent {
  return { id: storableText(id), type: storableText(type), source: storableText(source), key: storableText(key), time, data };
}

type Kept = { readonly rowId: string; readonly event: ExternalEvent };

async function keepAll(on: Queryable, ttlMs: number, events: readonly ExternalEvent[]): Promise<readonly Kept[]> {
  if (events.length === 0) return [];
  const { rows } = await on.query<{ row_id: string; source: string; id: string }>({ ...keep, values: [ttlMs, ...columns.encode(events)] });
  const rowIds = new Map(rows.map((row) => [identityOf(row), row.row_id]));
  return events.flatMap((event) => {
    const rowId = rowIds.get(identityOf(event));
    return rowId === undefined ? [] : [{ rowId, event }];
  });
}

function identityOf({ source, id }: { readonly source: string; readonly id: string }): string {
  return JSON.stringify([source, id]);
}
