/**
 * Events on their way to waits: planned in memory, then written in one statement, within the transaction that holds the locks of
 * the events' keys. A wait with several keys may be matched by a transaction that holds another key's lock, so the statement that
 * writes a match also decrements `wait.remaining`; a wait at zero gets nothing.
 */

import type { ExternalEvent } from '../../../core/external-event.ts';
import type { InstanceId, TaskPath } from '../../../core/ids.ts';
import type { OutboxMessage } from '../../../core/outbox-message.ts';
import type { EventMatcher, Subscription } from '../../instance-store.ts';
import type { Queryable } from '../connection/pools.ts';
import { insertMessages } from '../outbox/messages.ts';
import { Columns } from '../sql/columns.ts';

/** A subscription, with how many events its wait still took when it was read. */
export type Offered = Subscription & { readonly remaining: number };

export type Delivery = {
  readonly eventRowId: string;
  readonly event: ExternalEvent;
  readonly subscription: Offered;
  /** Why `where` failed on the event; null: it holds. */
  readonly whereError: string | null;
};

const columns = new Columns<Delivery>((of) => [
  of('event_row_id', 'int8', ({ eventRowId }) => BigInt(eventRowId)),
  of('instance_id', 'uuid', ({ subscription }) => subscription.instanceId),
  of('path', 'text', ({ subscription }) => subscription.path),
  of('attempt', 'int4', ({ subscription }) => subscription.attempt),
]);

const statement = {
  name: 'deliver-events',
  text: `WITH d AS MATERIALIZED (SELECT *, row_number() OVER (PARTITION BY instance_id, path ORDER BY ordinal) AS place
      FROM ${columns.unnest('d', 1)}),
    -- In one order, so that two transactions with the same waits do not wait for each other.
    w AS MATERIALIZED (SELECT w.instance_id, w.path, w.remaining FROM wait w
      JOIN (SELECT DISTINCT instance_id, path, attempt FROM d) AS o
        ON o.instance_id = w.instance_id AND o.path = w.path AND o.attempt = w.attempt
      WHERE w.remaining > 0 ORDER BY w.instance_id, w.path FOR UPDATE OF w),
    taken AS MATERIALIZED (SELECT d.* FROM d JOIN w ON w.instance_id = d.instance_id AND w.path = d.path WHERE d.place <= w.remaining),
    counted AS (UPDATE wait w SET remaining = w.remaining - t.count
      FROM (SELECT instance_id, path, count(*)::int AS count FROM taken GROUP BY instance_id, path) AS t
      WHERE w.instance_id = t.instance_id AND w.path = t.path RETURNING w.instance_id, w.path, w.remaining),
    used AS (DELETE FROM subscription s USING counted c WHERE c.remaining = 0 AND s.instance_id = c.instance_id AND s.path = c.path),
    kept AS (UPDATE event_buffer e SET undelivered = false,
        available = EXISTS (SELECT FROM event_delivery o WHERE o.event_row_id = e.row_id AND o.returned
          AND NOT EXISTS (SELECT FROM taken t WHERE t.event_row_id = o.event_row_id AND t.instance_id = o.instance_id))
      FROM (SELECT DISTINCT event_row_id FROM taken) AS t WHERE e.row_id = t.event_row_id)
    INSERT INTO event_delivery (event_row_id, instance_id, path, attempt) SELECT event_row_id, instance_id, path, attempt FROM taken
    ON CONFLICT (event_row_id, instance_id) DO UPDATE SET returned = false, path = EXCLUDED.path, attempt = EXCLUDED.attempt
    RETURNING event_row_id AS "eventRowId", instance_id AS "instanceId"`,
};

/** Largest messages of one statement, in bytes: the payloads of many waits for one large event must not all be in memory. */
const MESSAGE_BYTES_MAX = 8 * 1_048_576;

export class Deliveries {
  readonly #matcher: EventMatcher;
  #planned: Delivery[] = [];
  /** How many events each wait still takes, as far as is known. */
  readonly #remaining = new Map<string, number>();
  /** (event, instance): an instance gets an event once. */
  readonly #had = new Set<string>();
  /** Deliveries that were written. */
  count = 0;
  /** Events of which some delivery was written. */
  readonly delivered = new Set<string>();

  constructor(matcher: EventMatcher) {
    this.#matcher = matcher;
  }

  /** The instance has this event already. */
  exclude(eventRowId: string, instanceId: InstanceId): void {
    this.#had.add(`${eventRowId} ${instanceId}`);
  }

  /** Whether the wait takes another event. */
  isFree({ instanceId, path, remaining }: Pick<Offered, 'instanceId' | 'path' | 'remaining'>): boolean {
    return (this.#remaining.get(waitOf(instanceId, path)) ?? remaining) > 0;
  }

  /**
   * Plans a delivery if the wait still takes an event, its instance does not have this one, and `where` holds. Where `where`
   * fails on the event, the instance gets it too, with the reason: it comes under an incident.
   * @returns whether the event is to be delivered to this instance now.
   */
  offer(eventRowId: string, event: ExternalEvent, subscription: Offered): boolean {
    const { instanceId, path, where } = subscription;
    const having = `${eventRowId} ${instanceId}`;
    if (!this.isFree(subscription) || this.#had.has(having)) return false;
    const verdict = where === null ? 'yes' : this.#matcher.matches(where, event);
    if (verdict === 'no') return false;
    const wait = waitOf(instanceId, path);
    this.#remaining.set(wait, (this.#remaining.get(wait) ?? subscription.remaining) - 1);
    this.#had.add(having);
    this.#planned.push({ eventRowId, event, subscription, whereError: verdict === 'yes' ? null : verdict.failed });
    return true;
  }

  /**
   * Writes the planned deliveries.
   * @returns those that failed, since other transactions used the wait up: the event may be offered to the instance's other waits.
   */
  async write(on: Queryable): Promise<readonly Delivery[]> {
    const planned = this.#planned;
    this.#planned = [];
    if (planned.length === 0) return [];
    const { rows } = await on.query<{ eventRowId: string; instanceId: string }>({ ...statement, values: columns.encode(planned) });
    const written = new Set(rows.map(({ eventRowId, instanceId }) => `${eventRowId} ${instanceId}`));
    const missed: Delivery[] = [];
    let messages: OutboxMessage[] = [];
    let bytes = 0;
    for (const delivery of planned) {
      const { eventRowId, event, subscription, whereError } = delivery;
      const having = `${eventRowId} ${subscription.instanceId}`;
      if (!written.has(having)) {
        this.#remaining.set(waitOf(subscription.instanceId, subscription.path), 0);
        this.#had.delete(having);
        missed.push(delivery);
        continue;
      }
      this.count++;
      this.delivered.add(eventRowId);
      const message = this.#matcher.encode(subscription, event, eventRowId, whereError);
      messages.push(message);
      bytes += message.payload.length;
      if (bytes < MESSAGE_BYTES_MAX) continue;
      await insertMessages(on, messages);
      messages = [];
      bytes = 0;
    }
    await insertMessages(on, messages);
    return missed;
  }
}

function waitOf(instanceId: InstanceId, path: TaskPath): string {
  return `${instanceId} ${path}`;
}
