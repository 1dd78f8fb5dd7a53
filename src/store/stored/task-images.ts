/**
 * The rows of tasks after a step, for every task that its events touched. Most follow from the state. A task whose item or round
 * ended in the step is no longer in the state, so its row follows from its events. Pure; every store writes these.
 */
import type { EpochMs, NodeId, ScopePath, TaskPath } from '../../core/ids.ts';
import type { InstanceEvent } from '../../core/instance/history/events.ts';
import { awaitedWork, scopePathOf } from '../../core/instance/state/scopes.ts';
import {
  type AwaitedWork,
  errorOf,
  type InstanceState,
  isOpen,
  type PayloadSeq,
  type TaskError,
  type TaskState,
} from '../../core/instance/state/state.ts';
import type { HistoryEntry } from '../../core/instance/step.ts';
import { endsPart, type InParts } from '../../core/parts.ts';
import { own } from '../../core/record.ts';

/** The last message to a queue, or what a child was last given. */
export type Scheduling = { readonly inputSeq: number; readonly queue: string | null; readonly timeoutMs: number | null };

export type TaskImage = {
  readonly path: TaskPath;
  readonly nodeId: NodeId;
  readonly type: TaskState['type'];
  readonly status: TaskState['status'];
  readonly attempt: number;
  readonly openedAt: EpochMs;
  readonly outputSeq: PayloadSeq | null;
  readonly error: TaskError | null;
  /** null keeps the value of the row. */
  readonly dispatchedAt: EpochMs | null;
  /** null: the step has sent nothing for this task, and its row keeps what it has. */
  readonly scheduling: Scheduling | null;
  /** The state before had no such task. There may be a row of an earlier run of the same item. */
  readonly isNew: boolean;
};

export function* taskImages(
  before: InstanceState | null,
  after: InstanceState,
  history: readonly HistoryEntry[],
): InParts<readonly TaskImage[]> {
  const changes = new Map<TaskPath, Change>();
  const ofScopes = new Map<ScopePath, Change[]>();
  for (const [index, { seq, event }] of history.entries()) {
    if (endsPart(index)) yield;
    // An item or round that is run again: its tasks begin anew.
    if (event.type === 'ScopeOpened') for (const change of ofScopes.get(event.scope) ?? []) change.isOver = true;
    // Tasks that were taken back: whatever opens them begins anew.
    if (event.type === 'NodeRerun')
      for (const taken of event.reset) {
        const change = changes.get(taken);
        if (change !== undefined) change.isOver = true;
      }
    // The row of an undone task does not change: its compensation is a task of its own.
    if (!('path' in event) || event.path === null || event.type === 'CompensationStarted') continue;
    const path = event.path as TaskPath;
    const earlier = changes.get(path);
    const held = earlier === undefined && before !== null ? heldTask(before, path) : undefined;
    const change = earlier === undefined || (earlier.isOver && isOfRun(event)) ? changeOf(held) : earlier;
    if (change !== earlier) {
      changes.set(path, change);
      const scope = scopePathOf(path);
      const others = ofScopes.get(scope);
      if (others === undefined) ofScopes.set(scope, [change]);
      else others.push(change);
    }
    follow(change, event, seq);
    // A task that ends again without having been opened again, since opening it failed, keeps the time of its opening.
    if (change.ended !== null) change.opened ??= change.ended;
  }
  const awaited = after.phase === 'ending' ? new Map(awaitedWork(after).map((work) => [work.path, work] as const)) : NOTHING;
  // Awaited tasks are sent again like open ones, whenever their node was cancelled.
  if (history.some(({ event }) => event.type === 'InstanceEnding'))
    for (const [path, work] of awaited) if (!changes.has(path)) changes.set(path, changeOf(work));
  const images: TaskImage[] = [];
  for (const [path, { scheduling, isNew, ended, late }] of changes) {
    if (endsPart(images.length)) yield;
    const task = heldTask(after, path);
    const work = awaited.get(path);
    // The row exists since the task was sent.
    if (work !== undefined) images.push({ path, ...imageOfAwaited(work), scheduling, isNew: isNew && scheduling !== null });
    else if (late !== null && (task === undefined || !isOpen(task)))
      images.push({ path, ...late, scheduling, isNew: isNew && scheduling !== null });
    else {
      const image = task === undefined ? ended : imageOf(task);
      if (image !== null) images.push({ path, ...image, scheduling, isNew });
    }
  }
  return images;
}

/** It opens the task, or ends it. A child or an outcome of the run before may still be heard of until then. */
function isOfRun({ type }: InstanceEvent): boolean {
  switch (type) {
    case 'TaskScheduled':
    case 'HumanTaskOpened':
    case 'WaitStarted':
    case 'EventAwaited':
    case 'WorkflowOpened':
    case 'ForEachOpened':
    case 'RepeatOpened':
    case 'TaskCompleted':
    case 'TaskFailed':
    case 'TaskCancelled':
    case 'NodeSkipped':
      return true;
    default:
      return false;
  }
}

const NOTHING: ReadonlyMap<TaskPath, AwaitedWork> = new Map();

/** The task, if the state holds its scope. */
export function heldTask({ scopes }: Pick<InstanceState, 'scopes'>, path: TaskPath): TaskState | undefined {
  const scope = own(scopes, scopePathOf(path));
  return scope?.status === 'open' ? own(scope.tasks, path) : undefined;
}

type Image = Omit<TaskImage, 'path' | 'scheduling' | 'isNew'>;
type Change = {
  readonly isNew: boolean;
  /** Its scope was opened again since. */
  isOver: boolean;
  /** Of the task as it was last opened; null: it never was. */
  opened: Pick<Image, 'type' | 'attempt' | 'openedAt'> | null;
  scheduling: Scheduling | null;
  ended: Image | null;
  /** The outcome came after the node was cancelled. */
  late: Image | null;
};

function changeOf(task: TaskState | AwaitedWork | undefined): Change {
  return { isNew: task === undefined, isOver: false, opened: task ?? null, scheduling: null, ended: null, late: null };
}

function follow(change: Change, event: InstanceEvent, seq: number): void {
  const { at } = event;
  switch (event.type) {
    case 'TaskScheduled': {
      const { payload, attempt, kind: type } = event;
      change.scheduling = { inputSeq: event.inputFrom ?? seq, queue: payload.queue, timeoutMs: payload.timeoutMs };
      change.opened = { type, attempt, openedAt: at };
      return;
    }
    case 'HumanTaskOpened':
      change.opened = { type: 'human', attempt: event.attempt, openedAt: at };
      return;
    case 'WaitStarted':
      change.opened = { type: 'wait', attempt: event.attempt, openedAt: at };
      return;
    case 'EventAwaited':
      change.opened = { type: 'event', attempt: event.attempt, openedAt: at };
      return;
    case 'WorkflowOpened':
      change.scheduling = { inputSeq: seq, queue: null, timeoutMs: null };
      change.opened = { type: 'workflow', attempt: event.attempt, openedAt: at };
      return;
    case 'ForEachOpened':
      change.opened = { type: 'forEach', attempt: event.attempt, openedAt: at };
      return;
    case 'RepeatOpened':
      change.opened = { type: 'repeat', attempt: event.attempt, openedAt: at };
      return;
    case 'AttemptStarted':
      if (change.opened !== null) change.opened = { ...change.opened, attempt: event.attempt };
      return;
    case 'TaskCompleted': {
      const ended = { type: event.kind, attempt: event.attempt, openedAt: change.opened?.openedAt ?? at };
      change.ended = {
        ...ended,
        nodeId: event.nodeId,
        status: 'completed',
        outputSeq: event.outputFrom ?? seq,
        error: null,
        dispatchedAt: null,
      };
      return;
    }
    case 'TaskFailed': {
      const ended = { type: event.kind, attempt: event.attempt, openedAt: change.opened?.openedAt ?? at };
      change.ended = { ...ended, nodeId: event.nodeId, status: event.status, outputSeq: null, error: event.error, dispatchedAt: null };
      return;
    }
    case 'TaskCancelled':
    case 'NodeSkipped': {
      const ended = change.opened ?? { type: event.kind, attempt: 0, openedAt: at };
      const status = event.type === 'TaskCancelled' ? 'cancelled' : 'skipped';
      const { type, attempt, openedAt } = ended;
      change.ended = { type, attempt, openedAt, nodeId: event.nodeId, status, outputSeq: null, error: null, dispatchedAt: null };
      return;
    }
    case 'AwaitedTaskEnded': {
      const { kind: type, nodeId, attempt, openedAt } = event;
      // The row is that of a later run by now.
      if (change.opened !== null && change.opened.attempt !== attempt) return;
      const status = event.status === 'returned' ? 'cancelled' : event.status;
      const outputSeq = event.status === 'completed' ? seq : null;
      change.late = { type, nodeId, status, attempt, openedAt, outputSeq, error: event.error, dispatchedAt: null };
      return;
    }
    default:
      return;
  }
}

function imageOfAwaited({ nodeId, type, attempt, openedAt, dispatchedAt }: AwaitedWork): Image {
  return { nodeId, type, status: 'scheduled', attempt, openedAt, outputSeq: null, error: null, dispatchedAt };
}

function imageOf(task: TaskState): Image {
  const { nodeId, type, status, attempt, openedAt } = task;
  return {
    ...{ nodeId, type, status, attempt, openedAt },
    outputSeq: task.status === 'completed' ? task.outputSeq : null,
    error: errorOf(task),
    dispatchedAt: task.status === 'scheduled' ? task.dispatchedAt : null,
  };
}

/** The entry that brought the instance's output; null: none of these did. */
export function outputSeqOf(history: readonly HistoryEntry[]): number | null {
  return history.findLast(({ event }) => event.type === 'InstanceCompleted')?.seq ?? null;
}
