/** Offering events to waits: an instance gets an event once, a wait as many as it takes, and an event goes to all that fit. */
import type { OutboxMessage } from '../../core/outbox-message.ts';
import type { EventMatcher } from '../instance-store.ts';
import { isUndelivered, type KeptEvent, type OpenSubscription } from './events.ts';
import { type MemoryTables, taskKey } from './tables.ts';

type Delivery = { readonly subscription: OpenSubscription; readonly message: OutboxMessage };

/** Which of these subscriptions get the event. Changes nothing. */
function plan(tables: MemoryTables, matcher: EventMatcher, kept: KeptEvent, offered: Iterable<OpenSubscription>): Delivery[] {
  const deliveries = new Map<string, Delivery>();
  for (const subscription of offered) {
    const { instanceId, path, where } = subscription;
    const isFree = (tables.events.waits.get(taskKey(instanceId, path))?.remaining ?? 0) > 0;
    const hasIt = deliveries.has(instanceId) || kept.deliveries.get(instanceId)?.isReturned === false;
    if (!isFree || hasIt) continue;
    const verdict = where === null ? 'yes' : matcher.matches(where, kept.event);
    if (verdict === 'no') continue;
    const message = matcher.encode(subscription, kept.event, kept.rowId, verdict === 'yes' ? null : verdict.failed);
    deliveries.set(instanceId, { subscription, message });
  }
  return [...deliveries.values()];
}

/**
 * Offers an event to subscriptions.
 * @returns how many got it. Throws, and has changed nothing, when a message for one of them could never be published.
 */
export function offer(tables: MemoryTables, matcher: EventMatcher, kept: KeptEvent, offered: Iterable<OpenSubscription>): number {
  const deliveries = plan(tables, matcher, kept, offered);
  const messages = deliveries.map(({ message }) => message);
  tables.outbox.check(messages);
  for (const { subscription } of deliveries) {
    const { instanceId, path, attempt } = subscription;
    const wait = tables.events.waits.get(taskKey(instanceId, path));
    if (wait === undefined) continue;
    wait.remaining--;
    if (wait.remaining === 0) tables.events.endSubscriptions(wait);
    kept.deliveries.set(instanceId, { path, attempt, isReturned: false });
  }
  tables.outbox.add(messages, tables.now());
  return deliveries.length;
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
      if (wasReturned || isUndelivered(kept)) offer(tables, matcher, kept, [subscription]);
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
  const open = [...tables.events.subscriptionsOf(kept.event)];
  const own = open.filter(({ instanceId }) => instanceId === refused.instanceId);
  offer(tables, matcher, kept, own);
  if (isUndelivered(kept)) offer(tables, matcher, kept, open);
}
