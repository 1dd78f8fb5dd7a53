/** What decisions look at, and what they give: events, and what is to be decided next because of them. */

import type { Definition } from '../definition/types.ts';
import type { Meter } from '../expression/index.ts';
import type { CommandId, EpochMs, NodeId, ScopePath, TaskPath } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { Predecessor } from './attempts/basis.ts';
import type { Rejection } from './decide/rejection.ts';
import type { Arrivals } from './follow-ups/arrivals.ts';
import type { InstanceEvent } from './history/events.ts';
import type { MigrationReason } from './migration/reasons.ts';
import type { Effect } from './outgoing/effects.ts';
import type { Incident, InstanceState } from './state/state.ts';

export type RunLimits = {
  /** Largest input or output of a node, as JSON in UTF-8 bytes. */
  readonly payloadBytes: number;
  /** Of what travels in a message: a published event, the input of a child, and its output. Default: `payloadBytes`. */
  readonly messageBytes?: number;
  /** Work of expressions after which a step ends, in units of fuel; what is left follows in the next step. Default 25,000. */
  readonly stepUnits?: number;
};

export const defaultRunLimits: RunLimits = { payloadBytes: 524_288 };

/** Other versions of the definition, by number: those that a notification asks to move the instance to. A version that is not there was never deployed, or cannot be read. */
export type Versions = ReadonlyMap<number, Definition>;

/** For reading at once: the state is the one after all events so far. */
export type View = {
  /** The version that the instance runs on, after all events so far. */
  readonly definition: Definition;
  readonly versions: Versions;
  readonly state: InstanceState;
  readonly now: EpochMs;
  readonly limits: RunLimits;
  readonly arrivals: Arrivals;
  /** The work of all expressions so far that the notification led to. */
  readonly meter: Meter;
  /** What was judged of a `migrate` command before it is decided. */
  readonly judged?: MigrationVerdict | null;
  /** The names that a compensation sees, in place of those of the present state. */
  readonly known?: JsonObject;
};

/** `Omit` that keeps a union a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** An event before it has its time. */
export type NewEvent = Without<InstanceEvent, 'at'>;

/** Whether an instance could move to another version. */
export type MigrationVerdict = {
  /** Empty: it can move. */
  readonly reasons: readonly MigrationReason[];
  /** Nodes that the version before does not have and that the instance has passed: they are skipped. */
  readonly skipped: readonly (NewEvent & { readonly type: 'NodeSkipped' })[];
  /** First values of variables that the instance does not have yet. */
  readonly vars: JsonObject;
};

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
  /** All nodes that the instance has reached and that have no task, behind what is pending now: then each opens in the order in which it was reached. */
  | { readonly kind: 'activateAll' }
  /** The instance goes on after an incident. */
  | { readonly kind: 'retry'; readonly path: TaskPath | null; readonly phase: Incident['phase']; readonly commandId: CommandId };

export type Decided = {
  readonly events: readonly NewEvent[];
  /** Decided before anything else that is waiting. */
  readonly first?: FollowUp;
  /** Decided behind everything else that is waiting. */
  readonly later?: readonly FollowUp[];
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
