/** The only place where an instance's state changes: what each event means. */
import { assertNever, invariant } from '../../assert.ts';
import type { InstanceId } from '../../ids.ts';
import { consumedBefore, consumedBy } from '../state/consumed.ts';
import { openScopes, rootPath, scopePathOf } from '../state/scopes.ts';
import { type ClosedTask, type InstanceState, isOpen, isPaused, type OpenScope, type TaskState } from '../state/state.ts';
import { StateBuilder } from '../state/state-builder.ts';
import type { InstanceEvent, InstanceStarted, NodeSkipped, TaskCancelled, TaskCompleted, TaskFailed } from './events.ts';
import { applyChild } from './evolve-child.ts';
import { applyCorrection } from './evolve-corrections.ts';
import { applyHuman } from './evolve-human.ts';
import { applyLoop } from './evolve-loop.ts';
import { applyUndo, forgetUndone, keepAwaited, keepCompleted, sendAwaited } from './evolve-undo.ts';

/** The state after an event. A whole step goes through one builder instead, which gives the same and copies less. */
export function evolve(state: InstanceState, event: InstanceEvent): InstanceState {
  const builder = new StateBuilder(state);
  applyEvent(builder, event);
  return builder.state;
}

export function started(instanceId: InstanceId, event: InstanceStarted): StateBuilder {
  const builder = new StateBuilder(initialState(instanceId, event));
  if (event.timeoutAt !== null) builder.arm('instanceTimeout', null, 1, event.at, event.timeoutAt);
  return builder;
}

/** @returns the number of the history entry that the event makes. */
export function applyEvent(builder: StateBuilder, event: InstanceEvent): number {
  const seq = builder.advance(event.at);
  switch (event.type) {
    case 'InstanceStarted':
      invariant(false, 'an instance starts once');
      return seq;
    case 'TaskScheduled':
    case 'AttemptFailed':
    case 'AttemptReturned':
    case 'AttemptStarted':
    case 'TaskRedispatched':
      applyAttempt(builder, event, seq);
      return seq;
    case 'HumanTaskOpened':
    case 'HumanTaskReminded':
    case 'HumanTaskEscalated':
    case 'HumanTaskVoted':
    case 'HumanTaskDelegated':
    case 'HumanTaskCommented':
      applyHuman(builder, event, seq);
      return seq;
    case 'WaitStarted': {
      const { path, nodeId, attempt, basis, until, at } = event;
      builder.open({ path, nodeId, attempt, basis, openedAt: at, type: 'wait', status: 'open', until });
      builder.arm('wait', path, attempt, at, until);
      return seq;
    }
    case 'EventAwaited':
    case 'EventReceived':
      applyWait(builder, event, seq);
      return seq;
    case 'EventPublished':
      return seq;
    case 'WorkflowOpened':
    case 'ChildRequested':
    case 'ChildTold':
    case 'ChildEnded':
      applyChild(builder, event, seq);
      return seq;
    case 'TaskCompleted':
    case 'TaskFailed':
    case 'TaskCancelled':
    case 'NodeSkipped':
    case 'NodeExited':
      applyEnd(builder, event, seq);
      return seq;
    case 'CompensationPlanned':
    case 'CompensationStarted':
    case 'AwaitedTaskEnded':
    case 'InstanceEnding':
    case 'InstanceUndoing':
      applyUndo(builder, event, seq);
      return seq;
    case 'ForEachOpened':
    case 'RepeatOpened':
    case 'LoopDelayed':
    case 'ScopeOpened':
    case 'ScopeEnded':
      applyLoop(builder, event, seq);
      return seq;
    case 'StepLimited':
      builder.arm('step', null, 1, event.at, event.until);
      return seq;
    case 'StepContinued':
      builder.disarm('step', null);
      return seq;
    case 'IncidentRaised':
    case 'IncidentResolved': {
      const scope = event.path === null ? rootPath : (event.scope ?? scopePathOf(event.path));
      if (event.type === 'IncidentRaised') builder.raise(scope, event.path ?? '', { ...event.incident, at: event.at });
      else {
        builder.resolve(scope, event.path ?? '');
        builder.remember(event.commandId);
      }
      return seq;
    }
    case 'VarsChanged':
    case 'NodeCorrected':
    case 'InstanceMigrated':
    case 'NodeRerun':
      applyCorrection(builder, event);
      return seq;
    case 'InstancePaused':
    case 'InstanceResumed':
    case 'ParentWished':
      applyPause(builder, event);
      return seq;
    case 'InstanceCancelled':
    case 'RetryPassedOn':
    case 'CommandRefused':
    case 'InstanceCompleted':
    case 'InstanceFailed':
      applyInstance(builder, event);
      return seq;
    default:
      return assertNever(event);
  }
}

type EventOf<Type extends InstanceEvent['type']> = InstanceEvent & { readonly type: Type };

function applyAttempt(
  builder: StateBuilder,
  event: EventOf<'TaskScheduled' | 'AttemptFailed' | 'AttemptReturned' | 'AttemptStarted' | 'TaskRedispatched'>,
  seq: number,
): void {
  const { path, at } = event;
  switch (event.type) {
    case 'TaskScheduled': {
      const { nodeId, attempt, basis, kind, inputFrom } = event;
      const payload = { ...event.payload, inputSeq: inputFrom ?? seq };
      const budget = { failures: 0, returns: 0, lastError: null };
      builder.open({ path, nodeId, attempt, basis, openedAt: at, type: kind, payload, ...budget, status: 'scheduled', dispatchedAt: at });
      if (payload.queueTimeoutMs !== null) builder.arm('queueTimeout', path, attempt, at, at + payload.queueTimeoutMs);
      return;
    }
    case 'AttemptFailed':
    case 'AttemptReturned': {
      const { status: _, dispatchedAt: __, ...task } = builder.taskIn(path, 'scheduled');
      builder.disarm('queueTimeout', path);
      builder.resolveUnapplied(path);
      const { retryAt } = event;
      if (event.type === 'AttemptFailed') {
        builder.put({ ...task, status: 'retrying', retryAt, failures: task.failures + 1, lastError: event.error });
      } else {
        const lastError = { code: 'HANDLER_MISSING', message: 'A worker of the queue took the task and has no handler of that name.' };
        builder.put({ ...task, status: 'retrying', retryAt, returns: task.returns + 1, lastError });
      }
      builder.arm('retry', path, event.attempt, at, retryAt);
      return;
    }
    case 'AttemptStarted': {
      const { status: _, retryAt: __, ...task } = builder.taskIn(path, 'retrying');
      const { attempt } = event;
      builder.disarm('retry', path);
      builder.put({ ...task, status: 'scheduled', attempt, dispatchedAt: at });
      const { queueTimeoutMs } = task.payload;
      if (queueTimeoutMs !== null) builder.arm('queueTimeout', path, attempt, at, at + queueTimeoutMs);
      return;
    }
    case 'TaskRedispatched': {
      const task = builder.find(path);
      if (task?.status === 'scheduled' && task.attempt === event.attempt) builder.put({ ...task, dispatchedAt: at });
      else sendAwaited(builder, event);
      builder.remember(event.commandId);
      return;
    }
    default:
      assertNever(event);
  }
}

function applyWait(builder: StateBuilder, event: EventOf<'EventAwaited' | 'EventReceived'>, seq: number): void {
  const { path, at } = event;
  if (event.type === 'EventAwaited') {
    const { nodeId, attempt, basis, waits, count, timeoutAt } = event;
    const task = { path, nodeId, attempt, basis, openedAt: at, type: 'event', status: 'open' } as const;
    builder.open({ ...task, waits, count, received: [], ...consumedBy(builder.find(path)) });
    if (timeoutAt !== null) builder.arm('timeout', path, attempt, at, timeoutAt);
    return;
  }
  const task = builder.taskIn(path, 'open');
  invariant(task.type === 'event', 'only a wait receives an event');
  builder.put({ ...task, received: [...task.received, { seq, event: event.event }] });
}

function applyEnd(
  builder: StateBuilder,
  event: EventOf<'TaskCompleted' | 'TaskFailed' | 'TaskCancelled' | 'NodeSkipped' | 'NodeExited'>,
  seq: number,
): void {
  const before = builder.find(event.path);
  switch (event.type) {
    case 'TaskCompleted': {
      const { output, outputFrom, endedBy } = event;
      const completed = { ...ended(event, before, seq), status: 'completed', output, outputSeq: outputFrom ?? seq } as const;
      // The output is then the one that the person gave, and not the received events.
      const consumed = endedBy === undefined ? consumedBefore(before) : consumedBy(before);
      builder.close({ ...completed, ...(endedBy === undefined ? {} : { completedBy: endedBy }), ...consumed });
      keepCompleted(builder, event, before, seq);
      builder.remember(event.commandId);
      return;
    }
    case 'TaskFailed': {
      const payload = before !== undefined && 'payload' in before ? before.payload : null;
      builder.close({ ...ended(event, before, seq), status: event.status, error: event.error, payload, ...consumedBy(before) });
      builder.remember(event.commandId);
      return;
    }
    case 'TaskCancelled':
    case 'NodeSkipped': {
      const task = withdrawn(event, before, builder.current, seq);
      builder.close(task);
      if (event.type === 'TaskCancelled' && event.isAwaited === true) keepAwaited(builder, event, before, seq);
      builder.resolve(scopePathOf(event.path), event.path);
      if (before !== undefined && isLoop(task)) builder.dropScopes(task);
      forgetUndone(builder, event.path);
      return;
    }
    case 'NodeExited': {
      const task = builder.task(event.path);
      invariant(!isOpen(task) && task.takenEdges === null, 'a node exits once, after it ended');
      const exited = { ...task, takenEdges: event.takenEdges };
      builder.put(exited);
      if (isLoop(task)) builder.dropScopes(exited);
      forgetUndone(builder, event.path);
      if (event.set !== null) builder.set({ vars: { ...builder.current.vars, ...event.set } });
      return;
    }
    default:
      assertNever(event);
  }
}

/** A person's pause and the parent's: timers run while neither holds. */
function applyPause(builder: StateBuilder, event: EventOf<'InstancePaused' | 'InstanceResumed' | 'ParentWished'>): void {
  const { at } = event;
  const wasPaused = isPaused(builder.current);
  if (event.type === 'ParentWished') {
    const { parent } = builder.current;
    invariant(parent !== undefined, 'a wish is that of a parent');
    builder.set({ parent: { ...parent, number: event.number }, pausedByParent: event.wish === 'pause' ? { at } : null });
  } else {
    builder.set({ paused: event.type === 'InstancePaused' ? { at, by: event.by } : null });
    builder.remember(event.commandId);
  }
  const isNowPaused = isPaused(builder.current);
  if (isNowPaused && !wasPaused) builder.stopTimers(openScopes(builder.current), at);
  else if (wasPaused && !isNowPaused) builder.restartTimers(openScopes(builder.current), at);
}

function applyInstance(
  builder: StateBuilder,
  event: EventOf<'InstanceCancelled' | 'RetryPassedOn' | 'CommandRefused' | 'InstanceCompleted' | 'InstanceFailed'>,
): void {
  const { at } = event;
  switch (event.type) {
    case 'RetryPassedOn':
    case 'CommandRefused':
      builder.remember(event.commandId);
      return;
    case 'InstanceCancelled':
      builder.end('cancelled', at);
      builder.remember(event.commandId);
      return;
    case 'InstanceCompleted':
      builder.end('completed', at);
      builder.set({ output: event.output });
      return;
    case 'InstanceFailed':
      builder.end('failed', at);
      builder.set({ error: event.error });
      return;
    default:
      assertNever(event);
  }
}

/** What a task has that ended by itself, whichever way; its edges are still to be evaluated. */
function ended(event: TaskCompleted | TaskFailed, before: TaskState | undefined, seq: number) {
  const { path, nodeId, attempt, basis, kind, at } = event;
  const openedAt = before?.openedAt ?? at;
  return {
    ...{ path, nodeId, attempt, basis, openedAt, type: kind, closedAt: at, closedSeq: seq, takenEdges: null },
    ...endingOf(before),
  } as const;
}

/** Its edges are dead at once. */
function withdrawn(event: TaskCancelled | NodeSkipped, before: TaskState | undefined, state: InstanceState, seq: number): ClosedTask {
  const { path, nodeId, at } = event;
  const { attempt, basis, openedAt, type } = before ?? { attempt: 0, basis: state.basis, openedAt: at, type: event.kind };
  const status = event.type === 'TaskCancelled' ? 'cancelled' : 'skipped';
  const task = { path, nodeId, attempt, basis, openedAt, type, closedAt: at, closedSeq: seq } as const;
  return { ...task, takenEdges: [], status, ...consumedBy(before), ...endingOf(before) };
}

/** Children of its items outlive a forEach. */
function endingOf(before: TaskState | undefined): { readonly ending?: number } {
  return before !== undefined && 'ending' in before && before.ending !== undefined ? { ending: before.ending } : {};
}

function isLoop({ type }: TaskState): boolean {
  return type === 'forEach' || type === 'repeat';
}

function parentOf({ child, at }: InstanceStarted): Pick<InstanceState, 'parent' | 'pausedByParent'> {
  if (child === undefined) return {};
  const { isPaused: isBornPaused, ...parent } = child;
  return { parent, pausedByParent: isBornPaused ? { at } : null };
}

function initialState(instanceId: InstanceId, event: InstanceStarted): InstanceState {
  const root: OpenScope = {
    path: rootPath,
    status: 'open',
    loopId: null,
    basis: event.basis,
    firstAttempt: 1,
    tasks: {},
    openCount: 0,
    incidents: {},
    timers: {},
  };
  return {
    instanceId,
    definitionId: event.definitionId,
    definitionVersion: event.definitionVersion,
    businessKey: event.businessKey,
    ...(event.startedBy === undefined ? {} : { startedBy: event.startedBy }),
    input: event.input,
    vars: event.vars,
    phase: 'running',
    paused: null,
    ...parentOf(event),
    basis: event.basis,
    scopes: { [rootPath]: root },
    incidentCount: 0,
    commands: [],
    seq: 1,
    startedAt: event.at,
    updatedAt: event.at,
    endedAt: null,
    output: null,
    error: null,
  };
}
