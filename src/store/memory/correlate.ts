/** External events that come in: kept, and offered to every wait that is open. */
import type { ExternalEvent } from '../../core/external-event.ts';
import type { CorrelationCounts, EventMatcher } from '../instance-store.ts';
import type { KeptEvent } from './events.ts';
import { offer } from './offers.ts';
import type { MemoryTables } from './tables.ts';

export function correlate(tables: MemoryTables, matcher: EventMatcher, ttlMs: number, given: readonly ExternalEvent[]): CorrelationCounts {
  const { events } = tables;
  const counts = { matched: 0, buffered: 0, duplicates: 0, ignored: 0 };
  for (const event of given) {
    const identity = JSON.stringify([event.source, event.id]);
    if (!events.types.has(event.type)) counts.ignored++;
    else if (events.received.has(identity)) counts.duplicates++;
    else {
      const now = tables.now();
      const kept: KeptEvent = { rowId: String(tables.nextId()), event, expiresAt: now + ttlMs, deliveries: new Map() };
      const matched = offer(tables, matcher, kept, events.subscriptionsOf(event));
      events.received.set(identity, now);
      events.keep(kept);
      counts.matched += matched;
      if (matched === 0) counts.buffered++;
    }
  }
  return counts;
}
