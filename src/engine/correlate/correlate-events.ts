/**
 * Correlates a batch of external events: each goes to the waits that it fits, starts the definitions whose triggers it fits, or is
 * kept for a wait that opens later (protocol, "Events"). An event that the database refuses does not stop the others.
 */
import type { ExternalEvent } from '../../core/external-event.ts';
import type { Correlated, EventMatcher, EventStarter, InstanceStore } from '../../store/instance-store.ts';
import { type Refused, writeSplitting } from '../write-splitting.ts';

export type CorrelationDependencies = {
  readonly store: Pick<InstanceStore, 'correlate'>;
  readonly matcher: EventMatcher;
  readonly starter: EventStarter;
  /** After each transaction. */
  readonly onCorrelated: (correlated: Correlated) => void;
};

/** @returns those that can never be delivered. Throws a retryable MillraceError with nothing, or a part, of it done: all may come again. */
export async function correlateEvents<Item extends { readonly event: ExternalEvent }>(
  items: readonly Item[],
  { store, matcher, starter, onCorrelated }: CorrelationDependencies,
): Promise<readonly Refused<Item>[]> {
  return await writeSplitting(items, async (some) => {
    const events = some.map(({ event }) => event);
    onCorrelated(await store.correlate(events, matcher, starter));
  });
}
