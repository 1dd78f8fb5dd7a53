/** What decisions look at, and what they give: events, and what is to be decided next because of them. */
import type { Definition } from '../definition/types.ts';
import type { Meter } from '../expression/index.ts';
import type { CommandId, EpochMs, NodeId, ScopePath, TaskPath } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { Predecessor } from './attempts/basis.ts';
import type { Rejection } from './decide/rejection.ts';
import type { Arrivals } from './follow-ups/arrivals.ts';
import type { InstanceEvent } from './history/events.ts';
import type { Effect } from './outgoing/effects.ts';
import type { Incident, InstanceState } from './state/state.ts';

export type RunLimits = {
  /** Largest input, output or published event of a node, as JSON in UTF-8 bytes. */
  readonly payloadBytes: number;
  /** Work of expressions after which a step ends, in units of fuel; what is left follows in the next step. Default 25,000. */
  readonly stepUnits?: number;
};

export const defaultRunLimits: RunLimits = { payloadBytes: 524_288 };

/** For reading at once: the state is the one after all events so far. */
export type View = {
  readonly definition: Definition;
  readonly state: InstanceState;
  readonly now: EpochMs;
  readonly limits: RunLimits;
  readonly arrivals: Arrivals;
  /** The work of all expressions so far that the notification led to. */
  readonly meter: Meter;
  /** The names that a compensation sees, in place of those of the present state. */
  readonly known?: JsonObject;
};

/** `Omit` that keeps a union a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** An event before it has its time. */
export type NewEvent = Without<InstanceEvent, 'at'>;

/** What an event leads to by itself. */
export type FollowUp =
  /** The edges of a task that ended are evaluated. */
  | { readonly kind: 'exit'; readonly path: TaskPath }
  /** An edge to the node was resolved, or its scope opened: does its join let it run? */
  | { readonly kind: 'activate'; readonly scope: ScopePath; readonly nodeId: NodeId }
  | {
      readonly kind: 'open';
      readonly scope: ScopePath;
      readonly nodeId: NodeId;
      readonly attempt: number;
      /** null: what its edges say. */
      readonly predecessor: Predecessor | null;
    }
  /** A loop opens what is next, or ends. @param ended the item or round whose end leads to it. */
  | { readonly kind: 'advanceLoop'; readonly path: TaskPath; readonly ended: ScopePath | null }
  /** A workflow task asks for its child. */
  | { readonly kind: 'requestChild'; readonly path: TaskPath }
  /** The instance goes on after an incident. */
  | { readonly kind: 'retry'; readonly path: TaskPath | null; readonly phase: Incident['phase']; readonly commandId: CommandId };

export type Decided = {
  readonly events: readonly NewEvent[];
  /** Decided before anything else that is waiting. */
  readonly first?: FollowUp;
};

/** The decision on a notification: events, or why it changes nothing. A refused command makes an event too. */
export type Verdict = {
  readonly events: readonly NewEvent[];
  readonly rejection: Rejection | null;
  /** Said again, whatever follows from the events: what was told before may be lost. */
  readonly answers?: readonly Effect[];
};

export function accepted(...events: readonly NewEvent[]): Verdict {
  return { events, rejection: null };
}

export function rejected(code: Rejection['code'], reason: string): Verdict {
  return { events: [], rejection: { code, reason } };
}
