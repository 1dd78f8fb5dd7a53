/** Messages that may change a running instance, parsed and branded. */
import type { Basis, CommandId, EpochMs, InstanceId, TaskPath } from '../../ids.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { ChildEnd, ChildStart, ChildWord } from '../children/messages.ts';
import type { TaskError, TimerKind } from '../state/state.ts';

/**
 * Incidents by their key in the state, each with the attempt that raised it, 0 for what no attempt raised: so a late repeat of a
 * retry does not resolve the incident after it. Absent or null: all that there are when it is applied.
 */
export type RaisedBy = { readonly [incident: string]: number };

/** One attempt of a task, as it was decided. */
export type DecidedAttempt = { readonly path: TaskPath; readonly attempt: number; readonly basis: Basis };

/** A worker says how an attempt ended. Applied only if path, attempt and basis are those of the open task. */
export type TaskOutcome = {
  readonly type: 'TaskOutcome';
  readonly path: TaskPath;
  readonly attempt: number;
  readonly basis: Basis;
  readonly result:
    | { readonly status: 'completed'; readonly output: Json }
    | {
        readonly status: 'failed' | 'timedOut';
        readonly error: TaskError;
        readonly retryable: boolean;
        readonly retryAfterMs: number | null;
      }
    /** The worker lacks the handler. The task is sent again as the next attempt, which does not count against its retry budget. */
    | { readonly status: 'returned' };
  /** What the worker goes on with by itself. It decides nothing: only where the next task goes. Absent: nothing. */
  readonly continuing?: DecidedAttempt;
};

/** What people do to their tasks. All name the attempt that the person saw, so that a late one does not act on the attempt after it. */
export type PersonCommand = { readonly path: TaskPath; readonly attempt: number } & (
  | (Answer & { readonly type: 'completeTask' })
  /** The same for a task that several people decide: the database accepts one vote of each person. */
  | (Answer & { readonly type: 'voteTask' })
  | { readonly type: 'failTask'; readonly error: TaskError }
  | { readonly type: 'delegateTask'; readonly to: string; readonly comment: string | null }
  | { readonly type: 'commentTask'; readonly text: string }
);

type Answer = {
  readonly output: Json;
  /** What the person chose, where the node has `outcomes`. Absent: nothing. */
  readonly outcome?: string;
  readonly comment?: string;
};

export type CommandIssued = {
  readonly type: 'CommandIssued';
  readonly commandId: CommandId;
  /** Subject of the API key, or the person for whom an admin key acted. */
  readonly by: string;
  /** The parent that passes a retry on to its child. Absent: nobody does. */
  readonly passedOnBy?: InstanceId;
  readonly command:
    | { readonly type: 'cancel'; readonly reason: string | null }
    | { readonly type: 'pause' }
    | { readonly type: 'resume' }
    /** Resolves the incident of one task, or with `path: null` all of the instance's. */
    | { readonly type: 'retry'; readonly path: TaskPath | null; readonly raisedBy?: RaisedBy | null }
    | PersonCommand
    /** Each with a reason for the history. `attempt` is the one that the person saw. */
    | { readonly type: 'setVars'; readonly vars: JsonObject; readonly reason: string | null }
    | {
        readonly type: 'completeNode';
        readonly path: TaskPath;
        readonly attempt: number;
        readonly output: Json;
        readonly reason: string | null;
      }
    | { readonly type: 'skipNode'; readonly path: TaskPath; readonly attempt: number; readonly reason: string | null }
    /** A node that has ended runs again under its next attempt, and what lies behind it with it. */
    | { readonly type: 'rerunNode'; readonly path: TaskPath; readonly attempt: number; readonly reason: string | null }
    /** The instance goes on under that version of its definition, if it can. */
    | { readonly type: 'migrate'; readonly version: number; readonly reason: string | null }
    /** Sends an open task's message again under the same attempt and basis. */
    | { readonly type: 'redispatch'; readonly path: TaskPath; readonly attempt: number };
};

export type TimerFired = {
  readonly type: 'TimerFired';
  readonly timerId: string;
  readonly kind: TimerKind;
  readonly dueAt: EpochMs;
};

export type EventMatched = {
  readonly type: 'EventMatched';
  readonly path: TaskPath;
  /** Attempt of the event task whose subscription matched. */
  readonly attempt: number;
  /** Index into the node's waits. */
  readonly wait: number;
  /** Row of the event in the buffer: goes back there, for this instance, when the instance refuses it. */
  readonly eventRowId: string;
  /** `{ id, type, source, key, time, data }` */
  readonly event: Json;
  /** Set when the wait's `where` failed on this event: the node comes under incident. */
  readonly whereError: string | null;
};

export type Notification = TaskOutcome | CommandIssued | TimerFired | EventMatched | ChildStart | ChildWord | ChildEnd;

/** Whether a parent sends it to a child, which need not be there: its start may be lost, or on its way. */
export function isForChild(notification: Notification): boolean {
  const { type } = notification;
  return type === 'ChildStart' || type === 'ChildWord' || (type === 'CommandIssued' && notification.passedOnBy !== undefined);
}

/** A notification with its address and what history will name as its cause. */
export type AddressedNotification = {
  readonly instanceId: InstanceId;
  /** `<topic>/<partition>@<offset>` or `rest:<request id>`. */
  readonly cause: string;
  readonly notification: Notification;
};
