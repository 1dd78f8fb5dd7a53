/** Which events an event node has taken: delivery is at least once, so an event that comes again is recognised. */

import { isJsonObject, type Json } from '../../json.ts';
import type { EventIdentity, ScopeState, TaskState } from './state.ts';

type Consumed = { readonly consumed?: readonly EventIdentity[] };

/** Whether the task has this event: from an earlier attempt, in what it has received, or as its output. */
export function hasTaken(task: TaskState, event: Json): boolean {
  const isTheEvent = (taken: Json) => isSameEvent(taken, event);
  return ('consumed' in task && isAmong(task.consumed, event)) || eventsIn(task).some(isTheEvent);
}

/** What the attempts before took. */
export function consumedBefore(task: TaskState | undefined): Consumed {
  return task !== undefined && 'consumed' in task && task.consumed !== undefined ? { consumed: task.consumed } : {};
}

/** That, and what the task holds itself: for when it ends without an output, or loses it. */
export function consumedBy(task: TaskState | undefined): Consumed {
  const events = task === undefined ? [] : eventsIn(task);
  return events.length === 0
    ? consumedBefore(task)
    : { consumed: [...(consumedBefore(task).consumed ?? []), ...events.flatMap(identityOf)] };
}

function eventsIn(task: TaskState): readonly Json[] {
  if (task.type !== 'event') return [];
  if (task.status === 'open') return task.received.map(({ event }) => event);
  if (task.status !== 'completed') return [];
  return Array.isArray(task.output) ? task.output : [task.output];
}

function isSameEvent(a: Json, b: Json): boolean {
  return isJsonObject(a) && isJsonObject(b) && a.id === b.id && a.source === b.source;
}

function identityOf(event: Json): EventIdentity[] {
  if (!isJsonObject(event)) return [];
  const { id, source } = event;
  return typeof id === 'string' && typeof source === 'string' ? [{ id, source }] : [];
}

/** The events that the waits among these tasks took. @param before those of earlier runs. */
export function consumedIn(tasks: readonly TaskState[], before: readonly EventIdentity[] = []): Consumed {
  const consumed = [...before, ...tasks.flatMap((task) => consumedBy(task).consumed ?? [])];
  return consumed.length === 0 ? {} : { consumed };
}

/** The events that waits took in earlier runs of the scope. */
export function consumedOf(scope: ScopeState | undefined): Consumed {
  return scope !== undefined && 'consumed' in scope && scope.consumed !== undefined ? { consumed: scope.consumed } : {};
}

export function isAmong(consumed: readonly EventIdentity[] | undefined, event: Json): boolean {
  return consumed?.some((taken) => isSameEvent(taken, event)) === true;
}
