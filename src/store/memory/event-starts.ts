/** Instances that events start. What is decided on is loaded first; then everything is one transaction, since nothing waits. */

import type { ExternalEvent } from '../../core/external-event.ts';
import type { DefinitionId, TaskPath } from '../../core/ids.ts';
import { toEnd } from '../../core/parts.ts';
import type { DecideEventStart, EventStarter } from '../instance-store.ts';
import type { FailedStart, TriggerSet } from '../triggers.ts';
import type { KeptEvent } from './events.ts';
import { start, type WriteOptions } from './instances.ts';
import type { MemoryTables } from './tables.ts';
import { triggerSetsOf } from './triggers.ts';

export type ReadyTriggers = {
  readonly sets: readonly TriggerSet[];
  readonly decide: DecideEventStart;
  readonly tell: (failed: readonly FailedStart[]) => void;
};

const NONE: ReadyTriggers = { sets: [], decide: () => null, tell: () => undefined };

/** As the triggers are when this resolves, though others deploy and pause meanwhile. */
export async function readyTriggers(
  tables: MemoryTables,
  events: readonly ExternalEvent[],
  starter: EventStarter | undefined,
  definitionId: DefinitionId | null = null,
): Promise<ReadyTriggers> {
  if (starter === undefined) return NONE;
  const types = new Set(events.map(({ type }) => type));
  const tell = (failed: readonly FailedStart[]): void => {
    const messages = failed.map((each) => starter.deadLetter(each));
    tables.outbox.check(messages);
    tables.outbox.add(messages, tables.now());
  };
  for (;;) {
    const sets = triggerSetsOf(tables, types, definitionId);
    if (sets.length === 0) return NONE;
    const decide = await starter.prepare(sets);
    if (JSON.stringify(triggerSetsOf(tables, types, definitionId)) === JSON.stringify(sets)) return { sets, decide, tell };
  }
}

/** @param kept the event among those that are kept; undefined: it is not there any more. */
export function startBy(
  tables: MemoryTables,
  options: WriteOptions,
  { sets, decide, tell }: ReadyTriggers,
  event: ExternalEvent,
  kept: KeptEvent | undefined,
): { readonly started: number; readonly failed: readonly FailedStart[] } {
  const failed: FailedStart[] = [];
  let started = 0;
  for (const set of sets) {
    const { definitionId } = set;
    const deciding = decide(set, event);
    const decided = deciding === null ? null : toEnd(deciding);
    if (decided?.kind === 'failed') failed.push({ event, definitionId, reason: decided.reason });
    if (decided?.kind !== 'start') continue;
    const { instanceId } = decided.start.transition;
    // Used up before the waits of the new instance look for events; given back if it does not come to be.
    kept?.deliveries.set(instanceId, { path: '' as TaskPath, attempt: 0, isReturned: false });
    const [result] = start(tables, options, [decided.start]);
    if (result?.kind === 'started') started++;
    else kept?.deliveries.delete(instanceId);
    if (result?.kind === 'failed') failed.push({ event, definitionId, reason: `${result.error.code}: ${result.error.message}` });
  }
  tell(failed);
  return { started, failed };
}
