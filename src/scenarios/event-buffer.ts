/**
 * The open waits and kept events of one instance, with the rules of the store (docs/definition.md, "Events"): an event is
 * delivered once, to the oldest wait that it fits, and is kept while no wait fits.
 */
import { type ExternalEvent, eventView } from '../core/external-event.ts';
import type { EpochMs } from '../core/ids.ts';
import type { EventMatched } from '../core/instance/decide/notification.ts';
import type { Effect } from '../core/instance/outgoing/effects.ts';
import { askWhere } from '../core/nodes/event/where.ts';

/** Default of the engine. */
export const eventTtlMs = 3_600_000;

type Subscription = Effect & { readonly type: 'openSubscription' };
type Kept = { readonly rowId: string; readonly event: ExternalEvent; readonly expiresAt: EpochMs; isDelivered: boolean };

export class EventBuffer {
  readonly #subscriptions: Subscription[] = [];
  /** How many events a wait still takes, by the path of its task. */
  readonly #remaining = new Map<string, number>();
  readonly #kept: Kept[] = [];
  readonly #received = new Set<string>();

  /** @returns the matches; none when the event is kept, or has come before. */
  receive(event: ExternalEvent, now: EpochMs): readonly EventMatched[] {
    const identity = JSON.stringify([event.source, event.id]);
    if (this.#received.has(identity)) return [];
    this.#received.add(identity);
    const kept = { rowId: String(this.#kept.length + 1), event, expiresAt: now + eventTtlMs, isDelivered: false };
    this.#kept.push(kept);
    return this.#offer(kept, this.#subscriptions);
  }

  /** Waits that one step opened get kept events, the oldest wait first. */
  open(opened: readonly Subscription[], now: EpochMs): readonly EventMatched[] {
    for (const subscription of opened) {
      this.#subscriptions.push(subscription);
      this.#remaining.set(subscription.path, subscription.count);
    }
    const waiting = this.#kept.filter(({ isDelivered, expiresAt }) => !isDelivered && expiresAt > now);
    return waiting.flatMap((kept) => this.#offer(kept, opened));
  }

  close(path: string): void {
    for (let place = this.#subscriptions.length - 1; place >= 0; place--)
      if (this.#subscriptions[place]?.path === path) this.#subscriptions.splice(place, 1);
  }

  /** The instance refused the event, so it is offered to its other waits. */
  giveBack(rowId: string, now: EpochMs): readonly EventMatched[] {
    const kept = this.#kept[Number(rowId) - 1];
    if (kept === undefined || !kept.isDelivered) return [];
    kept.isDelivered = false;
    return kept.expiresAt > now ? this.#offer(kept, this.#subscriptions) : [];
  }

  #offer(kept: Kept, subscriptions: readonly Subscription[]): readonly EventMatched[] {
    if (kept.isDelivered) return [];
    for (const { path, attempt, wait, event: type, key, where } of subscriptions) {
      const remaining = this.#remaining.get(path) ?? 0;
      if (remaining === 0 || type !== kept.event.type || key !== kept.event.key) continue;
      const verdict = where === null ? 'yes' : askWhere(where, kept.event);
      if (verdict === 'no') continue;
      this.#remaining.set(path, remaining - 1);
      kept.isDelivered = true;
      const event = eventView(kept.event);
      const whereError = verdict === 'yes' ? null : verdict.failed;
      return [{ type: 'EventMatched', path, attempt, wait, eventRowId: kept.rowId, event, whereError }];
    }
    return [];
  }
}
