/** Correlates external events: each is offered to every open wait and to triggers, and kept while nobody has it. */
import type { ExternalEvent } from '../../core/external-event.ts';
import type { DefinitionId } from '../../core/ids.ts';
import type { Correlated, EventMatcher, EventStarter } from '../instance-store.ts';
import type { FailedStart } from '../triggers.ts';
import { readyTriggers, startBy } from './event-starts.ts';
import type { KeptEvent } from './events.ts';
import type { WriteOptions } from './instances.ts';
import { offer } from './offers.ts';
import type { MemoryTables } from './tables.ts';

export type CorrelateOptions = WriteOptions & { readonly eventTtlMs: number };

export async function correlate(
  tables: MemoryTables,
  options: CorrelateOptions,
  given: readonly ExternalEvent[],
  { matcher, starter }: { readonly matcher: EventMatcher; readonly starter: EventStarter | undefined },
): Promise<Correlated> {
  const triggers = await readyTriggers(tables, given, starter);
  const { events } = tables;
  const counts = { matched: 0, started: 0, buffered: 0, duplicates: 0, ignored: 0 };
  const failed: FailedStart[] = [];
  for (const event of given) {
    const identity = JSON.stringify([event.source, event.id]);
    if (!events.types.has(event.type)) counts.ignored++;
    else if (events.received.has(identity)) counts.duplicates++;
    else {
      const now = tables.now();
      const kept: KeptEvent = { rowId: String(tables.nextId()), event, expiresAt: now + options.eventTtlMs, deliveries: new Map() };
      const matched = offer(tables, matcher, kept, events.subscriptionsOf(event));
      events.received.set(identity, now);
      events.keep(kept);
      const starts = startBy(tables, options, triggers, event, kept);
      failed.push(...starts.failed);
      counts.matched += matched;
      counts.started += starts.started;
      if (matched + starts.started === 0) counts.buffered++;
    }
  }
  return { ...counts, failed };
}

/** Starts of one definition by events that came before. */
export async function startByEvents(
  tables: MemoryTables,
  options: WriteOptions,
  {
    definitionId,
    events,
    starter,
  }: { readonly definitionId: DefinitionId; readonly events: readonly ExternalEvent[]; readonly starter: EventStarter },
): Promise<Pick<Correlated, 'started' | 'failed'>> {
  const triggers = await readyTriggers(tables, events, starter, definitionId);
  const results = events.map((event) => {
    const kept = [...tables.events.keptOf(event)].find((each) => each.event.source === event.source && each.event.id === event.id);
    return startBy(tables, options, triggers, event, kept);
  });
  return { started: results.reduce((sum, { started }) => sum + started, 0), failed: results.flatMap(({ failed }) => failed) };
}
