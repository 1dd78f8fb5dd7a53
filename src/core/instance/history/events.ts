/**
 * What happened to an instance, in the past tense: its history. `decide` makes them, and only `evolve` defines what they change. A
 * stored event is read for ever: fields are added as optional, a new meaning gets a new type.
 */
import type { NodeType } from '../../definition/types.ts';
import type { Basis, CommandId, DefinitionId, EdgeId, EpochMs, InstanceId, NodeId, ScopePath, TaskPath } from '../../ids.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { ChildResult, Wish } from '../children/messages.ts';
import type { CommandIssued } from '../decide/notification.ts';
import type {
  Approvals,
  Assignees,
  ChildOf,
  EndGoal,
  EventWaiting,
  Incident,
  LaterEscalation,
  PayloadSeq,
  TaskError,
  TaskPayload,
} from '../state/state.ts';
import type { At, Commanded, InstanceMigrated, NodeCorrected, NodeRerun, VarsChanged } from './corrections.ts';

export type { InstanceMigrated, NodeCorrected, VarsChanged } from './corrections.ts';

type Opened = At & { readonly path: TaskPath; readonly nodeId: NodeId; readonly attempt: number; readonly basis: Basis };

export type InstanceStarted = At & {
  readonly type: 'InstanceStarted';
  readonly definitionId: DefinitionId;
  readonly definitionVersion: number;
  readonly businessKey: string | null;
  readonly input: Json;
  readonly vars: { readonly [name: string]: Json };
  readonly basis: Basis;
  readonly by: string;
  /** The same, kept in the state. Absent in histories that are older than this. */
  readonly startedBy?: string;
  /** When the definition's `timeout` ends the instance. */
  readonly timeoutAt: EpochMs | null;
  /** Who asked for it, and whether it is born paused. Absent: nobody. */
  readonly child?: ChildOf & { readonly isPaused: boolean };
};

/** An automated task was opened; its message leaves in the same transaction. */
export type TaskScheduled = Opened & {
  readonly type: 'TaskScheduled';
  readonly kind: 'http' | 'task';
  readonly payload: TaskPayload;
  /** Entry whose payload `payload.input` is: a retry of the same task sends it again. Absent: this entry's own. */
  readonly inputFrom?: number;
};

/** An attempt failed or timed out and another follows at `retryAt`. */
export type AttemptFailed = At & {
  readonly type: 'AttemptFailed';
  readonly path: TaskPath;
  readonly attempt: number;
  readonly status: 'failed' | 'timedOut';
  readonly error: TaskError;
  readonly retryAt: EpochMs;
};

/** A worker without the handler gave the attempt back; the next one follows at `retryAt`, charged to no budget. */
export type AttemptReturned = At & {
  readonly type: 'AttemptReturned';
  readonly path: TaskPath;
  readonly attempt: number;
  readonly retryAt: EpochMs;
};

/** The next attempt's message leaves. */
export type AttemptStarted = At & { readonly type: 'AttemptStarted'; readonly path: TaskPath; readonly attempt: number };

/** The open attempt's message leaves once more, under the same attempt and basis. */
export type TaskRedispatched = At & {
  readonly type: 'TaskRedispatched';
  readonly path: TaskPath;
  readonly attempt: number;
  readonly commandId: CommandId;
};

export type HumanTaskOpened = Opened & {
  readonly type: 'HumanTaskOpened';
  readonly title: string;
  readonly assignees: Assignees;
  readonly dueAt: EpochMs | null;
  readonly reminderAt: EpochMs | null;
  readonly escalation: { readonly at: EpochMs; readonly to: Assignees } | null;
  readonly timeoutAt: EpochMs | null;
  /** The steps after the first, each in ms after the one before. Absent: none. */
  readonly laterReminders?: readonly number[];
  readonly laterEscalations?: readonly LaterEscalation[];
  readonly outcomes?: readonly string[];
  readonly approvals?: Approvals;
};
export type HumanTaskReminded = At & { readonly type: 'HumanTaskReminded'; readonly path: TaskPath };
export type HumanTaskEscalated = At & { readonly type: 'HumanTaskEscalated'; readonly path: TaskPath; readonly assignees: Assignees };

/** One of the votes that the task needs. The one that decides is followed by `TaskCompleted` or `TaskFailed`. */
export type HumanTaskVoted = Commanded & {
  readonly type: 'HumanTaskVoted';
  readonly path: TaskPath;
  readonly outcome: string | null;
  readonly output: Json;
  readonly comment: string | null;
};
/** The task went to another person; `assignees` are those who may decide it now. */
export type HumanTaskDelegated = Commanded & {
  readonly type: 'HumanTaskDelegated';
  readonly path: TaskPath;
  readonly to: string;
  readonly assignees: Assignees;
  readonly comment: string | null;
};
export type HumanTaskCommented = Commanded & { readonly type: 'HumanTaskCommented'; readonly path: TaskPath; readonly text: string };

export type WaitStarted = Opened & { readonly type: 'WaitStarted'; readonly until: EpochMs };

export type EventAwaited = Opened & {
  readonly type: 'EventAwaited';
  readonly waits: readonly EventWaiting[];
  readonly count: number;
  readonly timeoutAt: EpochMs | null;
};
/** One of several events a task waits for (`count`), or one on which `where` failed. The last one is in `TaskCompleted`. */
export type EventReceived = At & { readonly type: 'EventReceived'; readonly path: TaskPath; readonly event: Json };

export type EventPublished = Opened & {
  readonly type: 'EventPublished';
  readonly event: string;
  readonly key: string;
  readonly data: Json;
  readonly topic: string | null;
};

/** A child is needed. It is asked for at once, unless an earlier one of this task is still in the books. */
export type WorkflowOpened = Opened & {
  readonly type: 'WorkflowOpened';
  readonly definitionId: DefinitionId;
  /** null: the latest. */
  readonly version: number | null;
  readonly detached: boolean;
  readonly input: Json;
  readonly timeoutAt: EpochMs | null;
};
type OfChild = At & { readonly path: TaskPath; readonly attempt: number; readonly childId: InstanceId };
/** The child is put into the books, and its start leaves. */
export type ChildRequested = OfChild & { readonly type: 'ChildRequested' };
/** What is wanted of the child has changed. */
export type ChildTold = OfChild & { readonly type: 'ChildTold'; readonly wish: Wish; readonly number: number };
/** The end of the child was heard, and it leaves the books. What it means for the task, if that is still open, follows. */
export type ChildEnded = OfChild & { readonly type: 'ChildEnded'; readonly result: Exclude<ChildResult['status'], 'unknown'> };

/** A node completed. `transform` and `publish` open and complete in this one event. */
export type TaskCompleted = Opened & {
  readonly type: 'TaskCompleted';
  readonly kind: NodeType;
  readonly output: Json;
  /** Entry whose payload `output` is, or entries whose payloads make up this array (null gives null). Absent: it is this entry's own. */
  readonly outputFrom?: PayloadSeq;
  /** Who completed a human task. */
  readonly by: string | null;
  /** The same, kept with the task. Absent: no person completed it, or the history is older than this. */
  readonly endedBy?: string;
  /** What that person chose, and said. Absent: nothing. */
  readonly outcome?: string;
  readonly comment?: string;
  readonly commandId: CommandId | null;
};

/** A node failed for good: no attempt follows. Opening failures are this too, with an incident after it. */
export type TaskFailed = Opened & {
  readonly type: 'TaskFailed';
  readonly kind: NodeType;
  readonly status: 'failed' | 'timedOut';
  readonly error: TaskError;
  readonly by: string | null;
  readonly endedBy?: string;
  readonly commandId: CommandId | null;
};

/** An unfinished node was ended by `cancelRest`, by a cancel, or by the end of its instance. */
export type TaskCancelled = At & {
  readonly type: 'TaskCancelled';
  readonly path: TaskPath;
  readonly nodeId: NodeId;
  readonly kind: NodeType;
  /** The outcome of its worker is awaited, since its work would have to be undone. Absent: it is not. */
  readonly isAwaited?: true;
};
/** The outcome of a task, or the end of a child, came after its node was cancelled (`isAwaited`). Its work is undone with the rest; a failure is not retried. */
export type AwaitedTaskEnded = At & {
  readonly type: 'AwaitedTaskEnded';
  readonly path: TaskPath;
  readonly nodeId: NodeId;
  readonly attempt: number;
  readonly kind: 'http' | 'task' | 'workflow';
  readonly openedAt: EpochMs;
  /** returned: the worker lacks the handler, and did nothing. cancelled: the child was, or is gone. */
  readonly status: 'completed' | 'failed' | 'timedOut' | 'returned' | 'cancelled';
  /** null unless it completed. */
  readonly output: Json;
  /** null unless it failed or timed out. */
  readonly error: TaskError | null;
};
/** The next event ends a node with a compensation. This one holds the names that the compensation will see. */
export type CompensationPlanned = At & {
  readonly type: 'CompensationPlanned';
  readonly path: TaskPath;
  readonly nodeId: NodeId;
  readonly attempt: number;
  readonly basis: Basis;
  readonly names: JsonObject;
};
/** The compensation of `entry` begins: the task `<path>.compensation` opens. */
export type CompensationStarted = At & {
  readonly type: 'CompensationStarted';
  readonly path: TaskPath;
  readonly nodeId: NodeId;
  readonly entry: number;
};
/** No edge to the node was taken (dead-path elimination). */
export type NodeSkipped = At & { readonly type: 'NodeSkipped'; readonly path: TaskPath; readonly nodeId: NodeId; readonly kind: NodeType };

/** The edges of a closed node were evaluated: those of `takenEdges` are taken, all its others are dead. */
export type NodeExited = At & {
  readonly type: 'NodeExited';
  readonly path: TaskPath;
  readonly takenEdges: readonly EdgeId[];
  readonly set: { readonly [name: string]: Json } | null;
};

/** The items of a forEach are known; the first of them open in the same step. */
export type ForEachOpened = Opened & {
  readonly type: 'ForEachOpened';
  readonly items: readonly Json[];
  /** A retry runs only these, which had not completed. Absent: all. */
  readonly indexes?: readonly number[];
  /** Each item is a child. Absent: it runs the body. */
  readonly children?: true;
  /** Of the tasks of items that run for the first time since the node runs again. Absent: 1. */
  readonly firstAttempt?: number;
  /** Absent: it has no timeout. */
  readonly timeoutAt?: EpochMs;
};
export type RepeatOpened = Opened & {
  readonly type: 'RepeatOpened';
  readonly firstRound: number;
  /** Of the tasks of its rounds, as in `ForEachOpened`. */
  readonly firstAttempt?: number;
  /** Of the rounds that have ended only the last stays in the state. Absent: all of them do, as in older histories. */
  readonly keeps?: 'last';
  /** Absent: it has no timeout. */
  readonly timeoutAt?: EpochMs;
};
/** The loop continues when its timer `loop` comes due: it opens more items, or the next round. */
export type LoopDelayed = At & { readonly type: 'LoopDelayed'; readonly path: TaskPath; readonly until: EpochMs };
/** An item or round of a loop begins. */
export type ScopeOpened = At & {
  readonly type: 'ScopeOpened';
  readonly scope: ScopePath;
  readonly loopId: NodeId;
  readonly basis: Basis;
  readonly firstAttempt: number;
};
/** An item or round of a loop is over: nothing in it is open any more. */
export type ScopeEnded = At & {
  readonly type: 'ScopeEnded';
  readonly scope: ScopePath;
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly output: Json;
  readonly error: TaskError | null;
};

/** The step reached its limit of work; the rest follows by a timer. */
export type StepLimited = At & { readonly type: 'StepLimited'; readonly until: EpochMs };
/** What the step before left open is decided now. */
export type StepContinued = At & { readonly type: 'StepContinued' };

export type IncidentRaised = At & {
  readonly type: 'IncidentRaised';
  readonly path: TaskPath | null;
  /** Given when it is about the scope itself, whose path `path` is then: the output of an item or round failed. */
  readonly scope?: ScopePath;
  readonly incident: Omit<Incident, 'at'>;
};
export type IncidentResolved = At & {
  readonly type: 'IncidentResolved';
  readonly path: TaskPath | null;
  readonly scope?: ScopePath;
  /** The attempt that raised it; null for the instance's own. */
  readonly attempt: number | null;
  /** What the incident was about: how the instance goes on follows from it. */
  readonly phase: Incident['phase'];
  readonly by: string;
  readonly commandId: CommandId;
};

export type InstancePaused = Commanded & { readonly type: 'InstancePaused' };
export type InstanceResumed = Commanded & { readonly type: 'InstanceResumed' };
/** `commandId` is null where the parent wished it. */
export type InstanceCancelled = At & {
  readonly type: 'InstanceCancelled';
  readonly by: string;
  readonly commandId: CommandId | null;
  readonly reason: string | null;
};
/** The parent holds its child, or lets it run. A cancel is an `InstanceCancelled`. */
export type ParentWished = At & { readonly type: 'ParentWished'; readonly wish: 'run' | 'pause'; readonly number: number };
/** A retry goes down to the children in the books: that of one task, or all. */
export type RetryPassedOn = Commanded & { readonly type: 'RetryPassedOn'; readonly path: TaskPath | null };
/**
 * A command changed nothing, and its sender was told so. Remembered, since the same record may come again when the
 * command would fit by chance: a refused pause must not pause an instance that was resumed meanwhile.
 */
export type CommandRefused = Commanded & {
  readonly type: 'CommandRefused';
  readonly command: CommandIssued['command']['type'];
  /** Code of a rejection, or of the error that kept the command from being applied. */
  readonly code: string;
  readonly reason: string;
};
/** The instance fails or is cancelled, and its work is undone first. Nothing new opens; tasks that workers have are awaited. */
export type InstanceEnding = At & { readonly type: 'InstanceEnding'; readonly goal: EndGoal };
/** All awaited outcomes have come; compensations begin. */
export type InstanceUndoing = At & { readonly type: 'InstanceUndoing' };
export type InstanceCompleted = At & { readonly type: 'InstanceCompleted'; readonly output: Json };
export type InstanceFailed = At & { readonly type: 'InstanceFailed'; readonly error: TaskError; readonly nodeId: NodeId | null };

export type InstanceEvent =
  | InstanceStarted
  | TaskScheduled
  | AttemptFailed
  | AttemptReturned
  | AttemptStarted
  | TaskRedispatched
  | HumanTaskOpened
  | HumanTaskReminded
  | HumanTaskEscalated
  | HumanTaskVoted
  | HumanTaskDelegated
  | HumanTaskCommented
  | WaitStarted
  | EventAwaited
  | EventReceived
  | EventPublished
  | WorkflowOpened
  | ChildRequested
  | ChildTold
  | ChildEnded
  | TaskCompleted
  | TaskFailed
  | TaskCancelled
  | AwaitedTaskEnded
  | CompensationPlanned
  | CompensationStarted
  | NodeSkipped
  | NodeExited
  | ForEachOpened
  | RepeatOpened
  | LoopDelayed
  | ScopeOpened
  | ScopeEnded
  | StepLimited
  | StepContinued
  | IncidentRaised
  | IncidentResolved
  | InstancePaused
  | InstanceResumed
  | InstanceCancelled
  | ParentWished
  | RetryPassedOn
  | VarsChanged
  | NodeCorrected
  | InstanceMigrated
  | NodeRerun
  | CommandRefused
  | InstanceEnding
  | InstanceUndoing
  | InstanceCompleted
  | InstanceFailed;

export type InstanceEventType = InstanceEvent['type'];
