/**
 * Offering events to the open waits of their keys. A key may have any number of waits, so an event is offered to a bounded
 * number of them in one transaction, and its row keeps how far it came (`offer_after`). The locks of the keys are held.
 */
import type { ExternalEvent } from '../../../core/external-event.ts';
import type { EventMatcher } from '../../instance-store.ts';
import { LoopTurns } from '../../loop-turns.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import { type BufferedEvent, eventFields, eventOf } from './buffered-event.ts';
import { Deliveries } from './deliveries.ts';
import { type EventKey, lockKeys } from './key-locks.ts';
import { type OpenSubscription, subscriptionsInRanges } from './open-subscriptions.ts';

/** An event, and the range of subscriptions of its key that it has not been offered to. */
export type Offer = {
  readonly rowId: string;
  readonly event: ExternalEvent;
  /** Ids of subscriptions: above this one … */
  readonly after: string;
  /** … up to this one; null: all that there are. */
  readonly until: string | null;
  /** No instance can have it yet. */
  readonly isNew: boolean;
};

/** Bounds of one transaction. The rest is offered in the next. */
export type OfferLimits = {
  /** Subscriptions read. */
  readonly subscriptions: number;
  /** Pairs of an event and a subscription of one key that are compared. */
  readonly pairs: number;
  /** Data of the events, once for each subscription of their key. */
  readonly bytes: number;
  /** Time that conditions (`where`) take: one may take a tenth of a second, and the locks are held meanwhile. */
  readonly ms: number;
};

export const defaultOfferLimits: OfferLimits = { subscriptions: 5_000, pairs: 20_000, bytes: 16 * 1_048_576, ms: 2_000 };

export type OfferResult = {
  /** Deliveries made. */
  readonly count: number;
  /** Row ids of the events that somebody got. */
  readonly delivered: ReadonlySet<string>;
  /** Row ids of the events that are still to be offered to others. */
  readonly unfinished: readonly string[];
};

/** Offers events to the next waits of their keys, in the order given. */
export async function offerToWaits(
  on: Queryable,
  matcher: EventMatcher,
  limits: OfferLimits,
  offers: readonly Offer[],
): Promise<OfferResult> {
  if (offers.length === 0) return { count: 0, delivered: new Set(), unfinished: [] };
  const pages = await readPages(on, limits, offers);
  const deliveries = new Deliveries(matcher);
  await excludeHolders(
    on,
    deliveries,
    offers,
    pages.flatMap(({ page }) => page),
  );
  const offered = await offerPages(deliveries, pages, limits.ms);
  await writeAll(
    on,
    deliveries,
    offered.flatMap(({ page }) => page),
  );
  const unfinished: string[] = [];
  const progress: Progress[] = [];
  for (const { members, page, hasMore } of offered) {
    const after = hasMore ? (page.at(-1)?.id ?? members[0]?.after ?? null) : null;
    for (const { rowId, until, isNew } of members) {
      if (after !== null) unfinished.push(rowId);
      if (after !== null || !isNew) progress.push({ rowId, after, until });
    }
  }
  await saveProgress(on, progress);
  return { count: deliveries.count, delivered: deliveries.delivered, unfinished };
}

/**
 * In turns of the event loop. The waits of a page are taken a few at a time: events and waits are in one order, so who gets what does not
 * depend on it.
 * @returns the pages as far as they were offered until the time was up.
 */
async function offerPages(deliveries: Deliveries, pages: readonly OfferPage[], msMax: number): Promise<readonly OfferPage[]> {
  const turns = new LoopTurns();
  const end = performance.now() + msMax;
  let isFirst = true;
  const offered: OfferPage[] = [];
  for (const { members, page, hasMore } of pages) {
    let at = 0;
    for (; at < page.length && (isFirst || performance.now() < end); at += AT_ONCE) {
      isFirst = false;
      const some = page.slice(at, at + AT_ONCE);
      for (const { rowId, event } of members) {
        for (const subscription of some) {
          if (turns.isOver) await turns.take();
          deliveries.offer(rowId, event, subscription);
        }
      }
    }
    offered.push(at < page.length ? { members, page: page.slice(0, at), hasMore: true } : { members, page, hasMore });
  }
  return offered;
}

/** Waits between two looks at the clock. */
const AT_ONCE = 16;

function rangeText({ event, after, until }: Offer): string {
  return JSON.stringify([event.type, event.key, after, until]);
}

/** Events of one key, and the next subscriptions that they are offered to. */
type OfferPage = { readonly members: readonly Offer[]; readonly page: readonly OpenSubscription[]; readonly hasMore: boolean };

async function readPages(on: Queryable, limits: OfferLimits, offers: readonly Offer[]): Promise<readonly OfferPage[]> {
  const groups = [...Map.groupBy(offers, rangeText).values()];
  const share = limits.subscriptions / groups.length;
  const ranges = groups.flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    const limit = Math.ceil(Math.min(share, limits.pairs / members.length));
    return [{ type: first.event.type, key: first.event.key, after: first.after, until: first.until, limit, members }];
  });
  const found = await subscriptionsInRanges(on, ranges);
  return ranges.map(({ members, limit }, index): OfferPage => {
    const read = found[index] ?? [];
    const page = read.length <= FEW ? read : read.slice(0, Math.max(FEW, Math.ceil(limits.bytes / sizeOf(members))));
    return { members, page, hasMore: page.length < read.length || read.length === limit };
  });
}

/** For at most so many subscriptions the bytes of their events are not counted. */
const FEW = 16;

function sizeOf(members: readonly Offer[]): number {
  return members.reduce((sum, { event }) => sum + JSON.stringify(event.data).length, 0);
}

/** Instances that have an event already, from an earlier part of its offering or from the buffer. */
async function excludeHolders(
  on: Queryable,
  deliveries: Deliveries,
  offers: readonly Offer[],
  subscriptions: readonly OpenSubscription[],
): Promise<void> {
  const known = offers.filter(({ isNew }) => !isNew).map(({ rowId }) => rowId);
  if (known.length === 0 || subscriptions.length === 0) return;
  const { rows } = await on.query<{ rowId: string; instanceId: OpenSubscription['instanceId'] }>({
    name: 'holders-of-events',
    text: `SELECT event_row_id AS "rowId", instance_id AS "instanceId" FROM event_delivery
      WHERE event_row_id = ANY ($1::bigint[]) AND instance_id = ANY ($2::uuid[]) AND NOT returned`,
    values: [known, [...new Set(subscriptions.map(({ instanceId }) => instanceId))]],
  });
  for (const { rowId, instanceId } of rows) deliveries.exclude(rowId, instanceId);
}

/**
 * Writes until every delivery succeeded or has no other wait: an event whose wait was used up is offered to the other waits of
 * that instance.
 */
export async function writeAll(on: Queryable, deliveries: Deliveries, open: readonly OpenSubscription[]): Promise<void> {
  for (let missed = await deliveries.write(on); missed.length > 0; missed = await deliveries.write(on)) {
    for (const { eventRowId, event, subscription } of missed) {
      for (const other of open) {
        const isSameKey = other.type === event.type && other.key === event.key;
        if (isSameKey && other.instanceId === subscription.instanceId) deliveries.offer(eventRowId, event, other);
      }
    }
  }
}

/** `after` null: the event was offered to all. */
type Progress = { readonly rowId: string; readonly after: string | null; readonly until: string | null };

async function saveProgress(on: Queryable, progress: readonly Progress[]): Promise<void> {
  if (progress.length === 0) return;
  await on.query({
    name: 'save-offers',
    // Waits that open from now on find the event in the buffer, so the end of the range stays as it was first written.
    text: `UPDATE event_buffer e SET offer_after = p.after, offer_until = CASE WHEN p.after IS NULL THEN NULL
        ELSE coalesce(p.until, (SELECT max(s.id) FROM subscription s WHERE s.type = e.type AND s.key = e.key)) END
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS p (row_id, after, until) WHERE e.row_id = p.row_id`,
    values: [progress.map(({ rowId }) => rowId), progress.map(({ after }) => after), progress.map(({ until }) => until)],
  });
}

type UnfinishedEvent = BufferedEvent & { readonly offer_after: string; readonly offer_until: string };

/**
 * Offers events to the rest of their waits, a transaction at a time. If the process dies meanwhile, the next one that gets the
 * same record continues.
 */
export async function finishOffers(
  pool: Pool,
  matcher: EventMatcher,
  limits: OfferLimits,
  rowIds: readonly string[],
): Promise<{ readonly count: number; readonly delivered: ReadonlySet<string> }> {
  const delivered = new Set<string>();
  let count = 0;
  for (let left = rowIds; left.length > 0; ) {
    const done = await inTransaction(pool, async (client) => {
      const { rows: keys } = await client.query<EventKey>(
        'SELECT type, key FROM event_buffer WHERE row_id = ANY ($1::bigint[]) AND offer_after IS NOT NULL',
        [left],
      );
      await lockKeys(client, keys);
      const { rows } = await client.query<UnfinishedEvent>(
        `SELECT ${eventFields}, e.offer_after, e.offer_until FROM event_buffer e
          WHERE e.row_id = ANY ($1::bigint[]) AND e.offer_after IS NOT NULL ORDER BY e.row_id`,
        [left],
      );
      const offers = rows.map((row): Offer => {
        return { rowId: row.row_id, event: eventOf(row), after: row.offer_after, until: row.offer_until, isNew: false };
      });
      return await offerToWaits(client, matcher, limits, offers);
    });
    count += done.count;
    for (const rowId of done.delivered) delivered.add(rowId);
    left = done.unfinished;
  }
  return { count, delivered };
}
