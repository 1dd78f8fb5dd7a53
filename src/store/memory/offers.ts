/** Offering events to waits: an instance gets an event once, a wait as many as it takes, and an event goes to all that fit. */
import type { OutboxMessage } from '../../core/outbox-message.ts';
import type { EventMatcher } from '../instance-store.ts';
import { isUndelivered, type KeptEvent, type OpenSubscription } from './events.ts';
import { type MemoryTables, taskKey } from './tables.ts';

/** @returns whether the event was delivered. */
export function offer(tables: MemoryTables, matcher: EventMatcher, kept: KeptEvent, subscription: OpenSubscription): boolean {
  const { instanceId, path, attempt, where } = subscription;
  const wait = tables.events.waits.get(taskKey(instanceId, path));
  const earlier = kept.deliveries.get(instanceId);
  if (wait === undefined || wait.remaining === 0 || earlier?.isReturned === false) return false;
  const verdict = where === null ? 'yes' : matcher.matches(where, kept.event);
  if (verdict === 'no') return false;
  const message: OutboxMessage = matcher.encode(subscription, kept.event, kept.rowId, verdict === 'yes' ? null : verdict.failed);
  tables.outbox.check([message]);
  wait.remaining--;
  if (wait.remaining === 0) tables.events.endSubscriptions(wait);
  kept.deliveries.set(instanceId, { path, attempt, isReturned: false });
  tables.outbox.add([message], tables.now());
  return true;
}

/** Offers an event to every open wait of its key. @returns how many got it. */
export function offerToAll(tables: MemoryTables, matcher: EventMatcher, kept: KeptEvent): number {
  let count = 0;
  for (const subscription of [...tables.events.subscriptionsOf(kept.event)]) if (offer(tables, matcher, kept, subscription)) count++;
  return count;
}

/** Gives waits that have just opened the oldest fitting events that are kept: what nobody has, and what their instance gave back. */
export function takeKeptEvents(tables: MemoryTables, matcher: EventMatcher, opened: readonly OpenSubscription[]): void {
  const now = tables.now();
  const candidates = new Set(opened.flatMap((subscription) => [...tables.events.keptOf(subscription)]));
  for (const kept of [...candidates].sort((a, b) => Number(a.rowId) - Number(b.rowId))) {
    if (kept.expiresAt <= now) continue;
    for (const subscription of opened) {
      if (subscription.type !== kept.event.type || subscription.key !== kept.event.key) continue;
      const wasReturned = kept.deliveries.get(subscription.instanceId)?.isReturned === true;
      if (wasReturned || isUndelivered(kept)) offer(tables, matcher, kept, subscription);
    }
  }
}

/** An instance refused an event. It is offered to the instance's other waits, and to everybody if nobody else has it. */
export function returnEvent(
  tables: MemoryTables,
  matcher: EventMatcher,
  refused: {
    readonly eventRowId: string;
    readonly instanceId: OpenSubscription['instanceId'];
    readonly path: string;
    readonly attempt: number;
  },
): void {
  const kept = tables.events.kept.get(refused.eventRowId);
  const delivery = kept?.deliveries.get(refused.instanceId);
  if (kept === undefined || delivery === undefined || delivery.isReturned) return;
  if (delivery.path !== refused.path || delivery.attempt !== refused.attempt) return;
  kept.deliveries.set(refused.instanceId, { ...delivery, isReturned: true });
  if (kept.expiresAt <= tables.now()) return;
  for (const subscription of [...tables.events.subscriptionsOf(kept.event)])
    if (subscription.instanceId === refused.instanceId) offer(tables, matcher, kept, subscription);
  if (isUndelivered(kept)) offerToAll(tables, matcher, kept);
}
