/** Triggers as the instance database keeps them: the part of the store's port that is about them. */
import type { ExternalEvent } from '../core/external-event.ts';
import type { DefinitionId } from '../core/ids.ts';
import type { DeployedSchedule } from './schedules.ts';

/** What the newest version of a definition starts instances by, as far as the database needs to know it. */
export type DeployedTriggers = {
  readonly definitionId: DefinitionId;
  readonly version: number;
  /** Types of events that start an instance. */
  readonly eventTypes: readonly string[];
  readonly schedules: readonly DeployedSchedule[];
};

/** A person switches triggers off or on: one by its name, or all of a definition (null). */
export type TriggerSwitch = { readonly definitionId: DefinitionId; readonly name: string | null; readonly isPaused: boolean };

/** A definition of which some trigger may be for an event. */
export type TriggerSet = {
  readonly definitionId: DefinitionId;
  readonly version: number;
  /** Names of its triggers that are off. A definition that is paused as a whole is no candidate. */
  readonly paused: readonly string[];
};

/** A trigger that failed on an event, or a start that the database refuses. It left no key, so it can be tried again. */
export type FailedStart = { readonly event: ExternalEvent; readonly definitionId: DefinitionId; readonly reason: string };

/** Idempotency keys of starts by events. No key of REST holds a line feed. */
export const eventKeyPrefix = 'event\n';

export function isEventKey(key: string): boolean {
  return key.startsWith(eventKeyPrefix);
}
