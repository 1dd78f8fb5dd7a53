/**
 * State of one instance: what the fold of its history gives.
 * In memory it holds the payloads. Stored, it holds the numbers of the history entries that have them (`store/stored`).
 */
import type { NodeType } from '../../definition/types.ts';
import type { Basis, CommandId, DefinitionId, EdgeId, EpochMs, InstanceId, NodeId, ScopePath, TaskPath } from '../../ids.ts';
import type { Json } from '../../json.ts';
import type { BookedChild, ChildOf } from './parent.ts';
import type { PayloadSeq, StoredTaskPayload, TaskError } from './task-work.ts';
import type { Undo, UndoEntry } from './undo.ts';

export type { BookedChild, ChildOf } from './parent.ts';
export { errorDetailsBytesMax, type PayloadSeq, type StoredTaskPayload, type TaskError, type TaskPayload } from './task-work.ts';
export type { AwaitedChild, AwaitedWork, DoneWork, EndGoal, Undo, UndoEntry } from './undo.ts';

export type Assignees = { readonly users: readonly string[]; readonly roles: readonly string[] };

export type InstanceState = {
  readonly instanceId: InstanceId;
  readonly definitionId: DefinitionId;
  /** The version that it runs on. */
  readonly definitionVersion: number;
  /** The version has changed since the start, and is part of each new basis. Absent: it has not. */
  readonly isMigrated?: true;
  readonly businessKey: string | null;
  /** Absent: the instance was started before this was kept. */
  readonly startedBy?: string;
  readonly input: Json;
  readonly vars: { readonly [name: string]: Json };
  readonly phase: Phase;
  readonly paused: { readonly at: EpochMs; readonly by: string } | null;
  /** Beside a person's own pause. Absent or null: the parent, if there is one, lets it run. */
  readonly pausedByParent?: { readonly at: EpochMs } | null;
  /** Who asked for this instance. Absent: nobody. */
  readonly parent?: ChildOf;
  /** Basis of the start: what the first tasks were decided from. */
  readonly basis: Basis;
  /** The instance's own scope (`''`), and one for each item or round of its loops. See `scopes.ts`. */
  readonly scopes: { readonly [path: ScopePath]: StatePart };
  /** Absent when `scopes` holds all there are: a state that was loaded for some notifications holds the scopes they need. */
  readonly partial?: PartialScopes;
  /** Children in the books whose end is awaited: those that are not detached. Absent: none were ever asked for. */
  readonly childCount?: number;
  /** Incidents of all scopes. */
  readonly incidentCount: number;
  /** Absent: there is nothing to undo. */
  readonly undo?: Undo;
  /** The last 1,024 commands, applied or refused: each counts once. */
  readonly commands: readonly CommandId[];
  /** Number of the last history entry. */
  readonly seq: number;
  readonly startedAt: EpochMs;
  readonly updatedAt: EpochMs;
  readonly endedAt: EpochMs | null;
  readonly output: Json;
  readonly error: TaskError | null;
};

/** A part of the state that is loaded and stored by itself. */
export type StatePart = ScopeState | BookedChild;

/**
 * `running` covers paused and under incident; see `statusOf`. `ending`: nothing new opens, and tasks that workers have are
 * awaited. `undoing`: compensations run one after the other.
 */
export type Phase = 'running' | 'ending' | 'undoing' | EndedPhase;
export type EndedPhase = 'completed' | 'failed' | 'cancelled';

/** Where the nodes of one graph run: the whole instance, or one item or round of a loop. */
export type ScopeState = OpenScope | EndedScope | KeptScope;

export type OpenScope = {
  readonly path: ScopePath;
  readonly status: 'open';
  /** The loop that opened it; null for the instance's own. */
  readonly loopId: NodeId | null;
  /** What its first tasks were decided from. */
  readonly basis: Basis;
  /** Number of its tasks' first attempts: 1, or more where an earlier run of the same item or round failed. */
  readonly firstAttempt: number;
  /** Of tasks that ran and were taken back, the last attempts: the next ones count on. Absent: no node of it ran again. */
  readonly earlierAttempts?: { readonly [path: TaskPath]: number };
  /** Every node of its graph that was opened, skipped or cancelled, by path. */
  readonly tasks: { readonly [path: TaskPath]: TaskState };
  readonly openCount: number;
  /** By path of the task, or of the scope where its output failed (`''` for the instance's own). */
  readonly incidents: { readonly [path: string]: Incident };
  /** Everything that will wake one of its tasks by time. */
  readonly timers: { readonly [timerId: string]: Timer };
  /** Events that waits took in earlier runs of the same item. Absent: none. */
  readonly consumed?: readonly EventIdentity[];
} & Undoable &
  Keeping;

/** What the loop still needs of an item or round that is over. */
export type EndedScope = {
  readonly path: ScopePath;
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly loopId: NodeId;
  readonly output: Json;
  /** History entry that holds the output. */
  readonly outputSeq: number;
  readonly error: TaskError | null;
  /** The highest attempt of its tasks: another run of the same item or round counts on from here. */
  readonly lastAttempt: number;
  /** Events that its waits took. Absent: none. */
  readonly consumed?: readonly EventIdentity[];
} & Undoable &
  Keeping;

/** The remains of a scope whose loop has exited: entries of work in it, or in loops in it, that may have to be undone. */
export type KeptScope = { readonly path: ScopePath; readonly status: 'kept'; readonly loopId: NodeId } & Undoable & Keeping;

/** Work of tasks of a scope that may have to be undone. Absent: none. */
type Undoable = { readonly undo?: readonly UndoEntry[] };
/** Whether scopes of the loops in it may have been kept after the loops exited. Absent: no. */
type Keeping = { readonly keepsScopes?: true };

/** Which scopes that `scopes` does not hold are known not to exist. */
export type PartialScopes = {
  readonly absent: readonly ScopePath[];
  /** Loops all of whose scopes are loaded. */
  readonly whole: readonly TaskPath[];
  /** Scopes that this step has dropped. Absent: none, or the step is over. */
  readonly dropped?: Set<ScopePath>;
};

type TaskCommon = {
  readonly path: TaskPath;
  readonly nodeId: NodeId;
  /** Counted from 1, never starts again. */
  readonly attempt: number;
  readonly basis: Basis;
  readonly openedAt: EpochMs;
};

/** An `http` or `task` node that has left the core. */
export type AutomatedTask = TaskCommon & {
  readonly type: 'http' | 'task';
  readonly payload: StoredTaskPayload;
  /** Attempts charged to the retry budget since it was last renewed. */
  readonly failures: number;
  /** Times a worker without the handler gave it back. */
  readonly returns: number;
  readonly lastError: TaskError | null;
};

export type HumanTask = TaskCommon & {
  readonly type: 'human';
  readonly title: string;
  readonly assignees: Assignees;
  readonly dueAt: EpochMs | null;
  /** Whom the task goes to when its escalation timer fires; null when there is none, or it has fired. */
  readonly escalateTo: Assignees | null;
  /** Reminders after the next one, each in ms after the one before. Absent: none. */
  readonly laterReminders?: readonly number[];
  readonly laterEscalations?: readonly LaterEscalation[];
  /** The names that a person chooses one of. Absent: there is no choice. */
  readonly outcomes?: readonly string[];
  /** Absent: the first person who completes it decides. */
  readonly approvals?: Approvals;
  /** The three that follow: oldest first; absent: none. */
  readonly votes?: readonly Vote[];
  readonly comments?: readonly Comment[];
  readonly delegations?: readonly Delegation[];
};

/** An escalation after the one whose timer is armed. */
export type LaterEscalation = { readonly afterMs: number; readonly to: Assignees };
export type Approvals = { readonly atLeast: number; readonly of: number | null; readonly notBy: readonly string[] };
/** A person's vote: its output is stored as the payload of the history entry `seq`. */
export type Vote = {
  readonly seq: number;
  readonly by: string;
  readonly at: EpochMs;
  readonly outcome: string | null;
  readonly output: Json;
  readonly comment: string | null;
};
export type Comment = { readonly by: string; readonly at: EpochMs; readonly text: string };
export type Delegation = { readonly by: string; readonly at: EpochMs; readonly to: string; readonly comment: string | null };

export type WaitTask = TaskCommon & { readonly type: 'wait'; readonly until: EpochMs };

export type EventTask = TaskCommon & {
  readonly type: 'event';
  readonly waits: readonly EventWaiting[];
  readonly count: number;
  /** Events taken so far, oldest first. */
  readonly received: readonly ReceivedEvent[];
  /** Taken by earlier attempts; absent: none. */
  readonly consumed?: readonly EventIdentity[];
};

/** An event that a wait has taken: stored as the payload of the history entry `seq`. */
export type ReceivedEvent = { readonly seq: number; readonly event: Json };

/** A forEach whose items are running. Their outputs stand in their scopes until it ends. */
export type ForEachTask = TaskCommon & {
  readonly type: 'forEach';
  readonly items: readonly Json[];
  /** History entry that holds the items. */
  readonly itemsSeq: number;
  /** Indexes that are to be opened: from here on, or those a retry found not completed. */
  readonly waiting: { readonly from: number } | { readonly indexes: readonly number[] };
  readonly running: number;
  readonly failed: number;
  /** Of the tasks of items that have not run since the node runs again. Absent: 1. */
  readonly firstAttempt?: number;
  /** Of a forEach with a child for each item: children that are in the books though their item is over. Absent: it has no such children. */
  readonly ending?: number;
};

/** A repeat whose round `round` (from 0) is running, or waits for its delay. */
export type RepeatTask = TaskCommon & {
  readonly type: 'repeat';
  readonly round: number;
  /** The round in which the count towards `max` began: a retry counts anew. */
  readonly firstRound: number;
  readonly running: boolean;
  /** Of the tasks of its rounds, as in `ForEachTask`. */
  readonly firstAttempt?: number;
  /** Absent: all rounds that have ended stay in the state, not only the last. */
  readonly keeps?: 'last';
};

/** A child that is waited for, or is to be asked for once an earlier one of the same task has left the books. */
export type WorkflowTask = TaskCommon & {
  readonly type: 'workflow';
  readonly definitionId: DefinitionId;
  /** null: the latest. */
  readonly version: number | null;
  readonly detached: boolean;
  readonly input: Json;
  /** History entry that holds the input. */
  readonly inputSeq: number;
  /** null: it is not asked for yet. */
  readonly childId: InstanceId | null;
};

/** What tells an event from all others. */
export type EventIdentity = { readonly id: string; readonly source: string };

export type EventWaiting = {
  readonly event: string;
  readonly key: string;
  /** Source of the node's `where` and the values it mentions, as they were when the wait opened. */
  readonly where: { readonly source: string; readonly scope: { readonly [root: string]: Json } } | null;
};

/** A task that moves only when something comes back. */
export type OpenTask =
  | (AutomatedTask & { readonly status: 'scheduled'; readonly dispatchedAt: EpochMs })
  | (AutomatedTask & { readonly status: 'retrying'; readonly retryAt: EpochMs })
  | (HumanTask & { readonly status: 'open' })
  | (WaitTask & { readonly status: 'open' })
  | (EventTask & { readonly status: 'open' })
  | (ForEachTask & { readonly status: 'open' })
  | (RepeatTask & { readonly status: 'open' })
  | (WorkflowTask & { readonly status: 'open' });

/** A task that has ended. `takenEdges` is null until its edges were evaluated (paused, or under incident). */
export type ClosedTask = TaskCommon & {
  readonly type: NodeType;
  readonly closedAt: EpochMs;
  /** History entry that closed it: the order in which edges are evaluated. */
  readonly closedSeq: number;
  readonly takenEdges: readonly EdgeId[] | null;
  /** Events that an event node took and that are not in its output: when they are delivered again, they are recognised. Absent: none. */
  readonly consumed?: readonly EventIdentity[];
  /** As of a `ForEachTask`. */
  readonly ending?: number;
} & Keeping &
  (
    | {
        readonly status: 'completed';
        readonly output: Json;
        /** Where the output is stored: the entry that brought it, or the entries whose payloads make up this array. */
        readonly outputSeq: PayloadSeq;
        /** The person who completed it. Absent: no person did. */
        readonly completedBy?: string;
      }
    | {
        readonly status: 'failed' | 'timedOut';
        readonly error: TaskError;
        /** What a retry of the incident sends again; null when the node has to be opened anew. */
        readonly payload: StoredTaskPayload | null;
      }
    | { readonly status: 'cancelled' }
    | { readonly status: 'skipped' }
  );

export type TaskState = OpenTask | ClosedTask;
export type TaskStatus = TaskState['status'];

/** The last error; null: none, or it no longer matters. */
export function errorOf(task: TaskState): TaskError | null {
  return 'error' in task ? task.error : 'lastError' in task ? task.lastError : null;
}

export type Incident = {
  readonly nodeId: NodeId | null;
  /**
   * open: the node could not be opened (an expression failed). failed: its attempts are used up and no edge fits.
   * exit: it ended, but its `set` or an edge's `when` failed. output: the instance's `output` failed.
   * message: a notification that it waits for came and could not be applied (`unapplied.ts`).
   */
  readonly phase: 'open' | 'failed' | 'exit' | 'output' | 'message';
  readonly error: TaskError;
  /** Source of the expression that failed. */
  readonly expression: string | null;
  readonly at: EpochMs;
};

export type TimerKind =
  | 'retry'
  | 'wait'
  | 'timeout'
  | 'queueTimeout'
  | 'reminder'
  | 'escalation'
  /** The next items of a forEach, or the next round of a repeat, are opened. */
  | 'loop'
  /** The instance continues with what a step left when it reached its limit. */
  | 'step'
  | 'instanceTimeout';

export type Timer = {
  readonly kind: TimerKind;
  /** null for those of the instance itself: `instanceTimeout` and `step`. */
  readonly path: TaskPath | null;
  readonly attempt: number;
} & ({ readonly state: 'armed'; readonly dueAt: EpochMs } | { readonly state: 'stopped'; readonly remainingMs: number });

export type InstanceStatus = Phase | 'paused' | 'incident';

/** The first that holds of terminal, paused, incident, and undoing, ending or running. */
export function statusOf(state: Pick<InstanceState, 'phase' | 'paused' | 'pausedByParent' | 'incidentCount'>): InstanceStatus {
  if (hasEnded(state)) return state.phase;
  if (isPaused(state)) return 'paused';
  return state.incidentCount > 0 ? 'incident' : state.phase;
}

export function hasEnded({ phase }: Pick<InstanceState, 'phase'>): boolean {
  return phase === 'completed' || phase === 'failed' || phase === 'cancelled';
}

/** It runs, or undoes what it did: then its tasks are compensations. */
export function opensTasks({ phase }: Pick<InstanceState, 'phase'>): boolean {
  return phase === 'running' || phase === 'undoing';
}

/** By a person, or by its parent. */
export function isPaused({ paused, pausedByParent = null }: Pick<InstanceState, 'paused' | 'pausedByParent'>): boolean {
  return paused !== null || pausedByParent !== null;
}

export function isOpen(task: TaskState): task is OpenTask {
  return task.status === 'scheduled' || task.status === 'retrying' || task.status === 'open';
}

export function timerIdOf(kind: TimerKind, path: TaskPath | null): string {
  return path === null ? kind : `${path}#${kind}`;
}
