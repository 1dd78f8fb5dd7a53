/**
 * Instances that events start, within the transaction that takes the events in. A start is a delivery: the event is used up, and
 * the instance that it started does not receive it. A refused start does not stop the others.
 */
import { MillraceError } from '../../../core/error.ts';
import type { ExternalEvent } from '../../../core/external-event.ts';
import type { DefinitionId, InstanceId } from '../../../core/ids.ts';
import { inTurns } from '../../in-turns.ts';
import type { DecideEventStart, EventStarter, Start } from '../../instance-store.ts';
import { LoopTurns } from '../../loop-turns.ts';
import type { FailedStart } from '../../triggers.ts';
import { translating } from '../connection/errors.ts';
import type { Queryable } from '../connection/pools.ts';
import type { EventKey } from '../events/key-locks.ts';
import type { ApplyOptions } from '../instances/apply.ts';
import { startWithin } from '../instances/start.ts';
import { type EventTriggerSet, triggerSetsOf } from './trigger-sets.ts';

/** `start` is of the event. */
export type PlannedStart = { readonly event: ExternalEvent; readonly definitionId: DefinitionId; readonly start: Start };
export type Plan = { readonly starts: readonly PlannedStart[]; readonly failed: readonly FailedStart[] };

const NOTHING: Plan = { starts: [], failed: [] };

/** Reads the triggers, in one statement of the transaction, and decides what the events start. Writes nothing. */
export async function planStarts(
  on: Queryable,
  events: readonly ExternalEvent[],
  starter: EventStarter | undefined,
  definitionId: DefinitionId | null = null,
): Promise<Plan> {
  if (starter === undefined || events.length === 0) return NOTHING;
  const sets = await triggerSetsOf(on, [...new Set(events.map(({ type }) => type))], definitionId);
  return sets.length === 0 ? NOTHING : await decideAll(await starter.prepare(sets), sets, events);
}

/** In turns of the event loop: an event may start hundreds of definitions, and the first step of each takes a tenth of a second. */
async function decideAll(decide: DecideEventStart, sets: readonly EventTriggerSet[], events: readonly ExternalEvent[]): Promise<Plan> {
  const turns = new LoopTurns();
  const starts: PlannedStart[] = [];
  const failed: FailedStart[] = [];
  for (const event of events) {
    for (const set of sets) {
      if (!set.eventTypes.includes(event.type)) continue;
      if (turns.isOver) await turns.take();
      const deciding = decide(set, event);
      if (deciding === null) continue;
      const decided = await inTurns(deciding);
      if (decided === null) continue;
      const { definitionId } = set;
      if (decided.kind === 'failed') failed.push({ event, definitionId, reason: decided.reason });
      else starts.push({ event, definitionId, start: decided.start });
    }
  }
  return { starts, failed };
}

/** Keys of the waits that the instances open with: their locks are taken together with those of the events. */
export function keysOfStarts(starts: readonly PlannedStart[]): EventKey[] {
  return starts.flatMap(({ start }) => keysOfStart(start));
}

export function keysOfStart({ transition }: Start): EventKey[] {
  return transition.effects.flatMap((effect) => (effect.type === 'openSubscription' ? [{ type: effect.event, key: effect.key }] : []));
}

export type Started = { readonly started: readonly PlannedStart[]; readonly failed: readonly FailedStart[] };

/** @param rowIdOf the event's row in the buffer; undefined: it is not there any more. */
export async function writeStarts(
  on: Queryable,
  options: ApplyOptions,
  planned: readonly PlannedStart[],
  rowIdOf: (event: ExternalEvent) => string | undefined,
): Promise<Started> {
  if (planned.length === 0) return { started: [], failed: [] };
  try {
    const started = await inSavepoint(on, () => startAll(on, options, planned, rowIdOf));
    return { started: planned.filter(({ start }) => started.has(start.transition.instanceId)), failed: [] };
  } catch (error) {
    if (!(error instanceof MillraceError) || error.retryable) throw error;
    const [first] = planned;
    if (planned.length === 1 && first !== undefined) return { started: [], failed: [failedStart(first, error)] };
    const alone: Started[] = [];
    for (const one of planned) alone.push(await writeStarts(on, options, [one], rowIdOf));
    return { started: alone.flatMap(({ started }) => started), failed: alone.flatMap(({ failed }) => failed) };
  }
}

function failedStart({ event, definitionId }: PlannedStart, { code, message }: MillraceError): FailedStart {
  return { event, definitionId, reason: `${code}: ${message}` };
}

async function startAll(
  on: Queryable,
  options: ApplyOptions,
  planned: readonly PlannedStart[],
  rowIdOf: (event: ExternalEvent) => string | undefined,
): Promise<ReadonlySet<InstanceId>> {
  const starts = planned.map(({ start }) => start);
  return await startWithin(on, options, starts, async (started) => {
    const used = planned.flatMap(({ event, start }) => {
      const { instanceId } = start.transition;
      const rowId = rowIdOf(event);
      return rowId !== undefined && started.has(instanceId) ? [{ rowId, instanceId }] : [];
    });
    if (used.length > 0) await useUp(on, used);
  });
}

/** Before the waits of the new instances look for events. No wait has the path `''`, so nobody can give the event back. */
async function useUp(on: Queryable, used: readonly { readonly rowId: string; readonly instanceId: InstanceId }[]): Promise<void> {
  await on.query({
    name: 'use-up-events',
    text: `WITH s AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::uuid[]) AS s (row_id, instance_id)),
      d AS (INSERT INTO event_delivery (event_row_id, instance_id, path, attempt) SELECT row_id, instance_id, '', 0 FROM s)
      UPDATE event_buffer e SET undelivered = false,
        available = EXISTS (SELECT FROM event_delivery o WHERE o.event_row_id = e.row_id AND o.returned)
      FROM (SELECT DISTINCT row_id FROM s) AS s WHERE e.row_id = s.row_id`,
    values: [used.map(({ rowId }) => rowId), used.map(({ instanceId }) => instanceId)],
  });
}

/** An error in it undoes only what was written in it. */
async function inSavepoint<T>(on: Queryable, work: () => Promise<T>): Promise<T> {
  await on.query('SAVEPOINT starts');
  try {
    const result = await translating(work);
    await on.query('RELEASE SAVEPOINT starts');
    return result;
  } catch (error) {
    if (error instanceof MillraceError && !error.retryable) await on.query('ROLLBACK TO SAVEPOINT starts');
    throw error;
  }
}
