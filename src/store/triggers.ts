/** Triggers in the instance database: a part of the store's port. */
import type { ExternalEvent } from '../core/external-event.ts';
import type { DefinitionId } from '../core/ids.ts';
import type { DeployedSchedule } from './schedules.ts';

/** The triggers of the newest version of a definition, as far as the database needs them. */
export type DeployedTriggers = {
  readonly definitionId: DefinitionId;
  readonly version: number;
  /** Types of events that start an instance. */
  readonly eventTypes: readonly string[];
  readonly schedules: readonly DeployedSchedule[];
};

/** Pauses or resumes triggers: one by its name, or all of a definition (null). */
export type TriggerSwitch = { readonly definitionId: DefinitionId; readonly name: string | null; readonly isPaused: boolean };

/** A definition that an event may start. */
export type TriggerSet = {
  readonly definitionId: DefinitionId;
  readonly version: number;
  /** Names of its paused triggers. A definition that is paused as a whole is not among the sets. */
  readonly paused: readonly string[];
};

/** A trigger that failed on an event, or a start that the database refuses. No idempotency key was written, so it can be tried again. */
export type FailedStart = { readonly event: ExternalEvent; readonly definitionId: DefinitionId; readonly reason: string };

/** Idempotency keys of starts by events. No key of REST holds a line feed. */
export const eventKeyPrefix = 'event\n';

export function isEventKey(key: string): boolean {
  return key.startsWith(eventKeyPrefix);
}
