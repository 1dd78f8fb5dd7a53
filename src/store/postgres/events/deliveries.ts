/**
 * Events on their way to waits: collected, then written in one statement within the transaction that holds the locks of
 * their keys. A match uses up all waits of its task, so that two events do not go to one wait (protocol, Events 2).
 */
import type { ExternalEvent } from '../../../core/external-event.ts';
import type { InstanceId, TaskPath } from '../../../core/ids.ts';
import type { EventMatcher, OutboxMessage, Subscription } from '../../instance-store.ts';
import type { Queryable } from '../connection/pools.ts';
import { insertMessages } from '../outbox/messages.ts';
import { Columns } from '../sql/columns.ts';

type Delivery = { readonly eventRowId: string; readonly instanceId: InstanceId; readonly path: TaskPath; readonly attempt: number };

const columns = new Columns<Delivery>((of) => [
  of('event_row_id', 'int8', ({ eventRowId }) => BigInt(eventRowId)),
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('attempt', 'int4', ({ attempt }) => attempt),
]);

const statement = {
  name: 'deliver-events',
  text: `WITH d AS (SELECT * FROM ${columns.unnest('d', 1)}),
    used AS (DELETE FROM subscription s USING d WHERE s.instance_id = d.instance_id AND s.path = d.path),
    taken AS (UPDATE event_buffer e SET undelivered = false,
        available = EXISTS (SELECT FROM event_delivery o WHERE o.event_row_id = e.row_id AND o.returned
          AND NOT EXISTS (SELECT FROM d WHERE d.event_row_id = o.event_row_id AND d.instance_id = o.instance_id))
      FROM (SELECT DISTINCT event_row_id FROM d) AS t WHERE e.row_id = t.event_row_id)
    INSERT INTO event_delivery (event_row_id, instance_id, path, attempt) SELECT event_row_id, instance_id, path, attempt FROM d
    ON CONFLICT (event_row_id, instance_id) DO UPDATE SET returned = false, path = EXCLUDED.path, attempt = EXCLUDED.attempt`,
};

export class Deliveries {
  readonly #matcher: EventMatcher;
  readonly #deliveries: Delivery[] = [];
  readonly #messages: OutboxMessage[] = [];
  /** Tasks whose wait is used up, and instances that have an event. */
  readonly #used = new Set<string>();
  readonly #had = new Set<string>();

  constructor(matcher: EventMatcher) {
    this.#matcher = matcher;
  }

  get count(): number {
    return this.#deliveries.length;
  }

  isFree({ instanceId, path }: Pick<Subscription, 'instanceId' | 'path'>): boolean {
    return !this.#used.has(`${instanceId} ${path}`);
  }

  /**
   * Delivers the event if the wait is still free, its instance did not get it yet, and `where` holds. Where that fails on
   * this event, the instance gets it too, with the reason: it comes under incident.
   * @returns whether it was delivered.
   */
  offer(eventRowId: string, event: ExternalEvent, subscription: Subscription): boolean {
    const { instanceId, path, attempt, where } = subscription;
    const wait = `${instanceId} ${path}`;
    const having = `${eventRowId} ${instanceId}`;
    if (this.#used.has(wait) || this.#had.has(having)) return false;
    const verdict = where === null ? 'yes' : this.#matcher.matches(where, event);
    if (verdict === 'no') return false;
    this.#used.add(wait);
    this.#had.add(having);
    this.#deliveries.push({ eventRowId, instanceId, path, attempt });
    this.#messages.push(this.#matcher.encode(subscription, event, eventRowId, verdict === 'yes' ? null : verdict.failed));
    return true;
  }

  async write(on: Queryable): Promise<void> {
    if (this.#deliveries.length === 0) return;
    await on.query({ ...statement, values: columns.encode(this.#deliveries) });
    await insertMessages(on, this.#messages);
  }
}
