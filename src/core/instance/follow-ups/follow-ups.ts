/** What an event leads to by itself: the only place that says so. A closed task, for example, has its edges evaluated. */
import { assertNever } from '../../assert.ts';
import type { NodeId, ScopePath, TaskPath } from '../../ids.ts';
import { own } from '../../record.ts';
import {
  compensationPathOf,
  graphOf,
  loopPathOf,
  nextAttempt,
  openScopeAt,
  openScopes,
  rootPath,
  scopeAt,
  scopePathOf,
  taskAt,
  taskPathOf,
} from '../state/scopes.ts';
import { type ClosedTask, isOpen, type OpenScope, opensTasks, type TaskState } from '../state/state.ts';
import type { FollowUp, NewEvent, View } from '../view.ts';
import { openCurrent } from './undo.ts';

const NOTHING: readonly FollowUp[] = [];

export function followUpsOf(view: View, event: NewEvent): readonly FollowUp[] {
  switch (event.type) {
    case 'InstanceStarted':
      return activations(rootPath, view.definition.root.startNodes);
    case 'TaskCompleted':
    case 'TaskFailed':
      return [{ kind: 'exit', path: event.path }];
    case 'TaskCancelled':
    case 'NodeSkipped':
      return targets(view, scopePathOf(event.path), event.nodeId);
    case 'NodeExited': {
      const scope = openScopeAt(view.state, scopePathOf(event.path));
      const task = own(scope.tasks, event.path);
      return task === undefined ? NOTHING : targets(view, scope.path, task.nodeId);
    }
    case 'ForEachOpened':
    case 'RepeatOpened':
      return [{ kind: 'advanceLoop', path: event.path, ended: null }];
    case 'ScopeOpened':
      return activations(event.scope, graphOf(view.definition, openScopeAt(view.state, event.scope)).startNodes);
    case 'ScopeEnded':
      return [{ kind: 'advanceLoop', path: loopPathOf(event.scope), ended: event.scope }];
    case 'IncidentResolved':
      return [{ kind: 'retry', path: event.path, phase: event.phase, commandId: event.commandId }];
    case 'WorkflowOpened':
      return [{ kind: 'requestChild', path: event.path }];
    case 'ChildEnded':
      return opensTasks(view.state) ? afterChild(view, event.path) : NOTHING;
    case 'CompensationStarted':
      return [openCurrent(view)];
    case 'InstanceResumed':
    case 'ParentWished':
      // Moved to another version while it was paused, a node may run by now whose join was another.
      return view.state.isMigrated === true ? [...undone(view), { kind: 'activateAll' }] : undone(view);
    case 'StepContinued':
      return [...undone(view), ...allNotActivated(view)];
    case 'NodeRerun':
      return [openedAgain(view, event.path)];
    case 'InstanceMigrated':
      return allNotActivated(view);
    default:
      return NOTHING;
  }
}

/** The scope in which the event may have left nothing to do. */
export function touchedBy(event: NewEvent): ScopePath | null {
  if ('scope' in event && event.scope !== undefined) return event.scope;
  if (event.type === 'InstanceStarted') return rootPath;
  // The books alone; what they mean for the task is an event of its own.
  if (event.type === 'ChildTold' || event.type === 'ChildEnded' || event.type === 'RetryPassedOn') return null;
  return 'path' in event ? (event.path === null ? rootPath : scopePathOf(event.path)) : null;
}

/** A task that waited for this child to leave asks for its own, and the window of a loop whose item is over has room. */
function afterChild(view: View, path: TaskPath): readonly FollowUp[] {
  const request: FollowUp = { kind: 'requestChild', path };
  const scope = scopePathOf(path);
  if (view.state.phase === 'undoing') return [request];
  if (scope === rootPath || scopeAt(view.state, scope)?.status === 'open') return [request];
  return [{ kind: 'advanceLoop', path: loopPathOf(scope), ended: null }];
}

function activations(scope: ScopePath, nodeIds: readonly NodeId[]): readonly FollowUp[] {
  return nodeIds.map((nodeId) => ({ kind: 'activate', scope, nodeId }));
}

function targets(view: View, path: ScopePath, nodeId: NodeId): readonly FollowUp[] {
  const scope = scopeAt(view.state, path);
  if (scope === undefined) return NOTHING;
  const edges = graphOf(view.definition, scope).outgoing.get(nodeId) ?? [];
  return activations(
    path,
    edges.flatMap(({ to }) => (to === null ? [] : [to])),
  );
}

/**
 * Tasks that ended during a pause, or in a step that reached its limit, exit in the order in which they ended; loops continue. Of
 * an undoing instance, only the compensation.
 */
function undone(view: View): readonly FollowUp[] {
  const { phase, undo } = view.state;
  if (phase !== 'running') {
    const path = undo?.current ? compensationPathOf(undo.current.path) : null;
    const task = path === null ? undefined : taskAt(view.state, path);
    if (path === null || task === undefined) return NOTHING;
    if (mayExit(openScopeAt(view.state, rootPath), task)) return [{ kind: 'exit', path }];
    return task.type === 'workflow' && task.status === 'open' ? [{ kind: 'requestChild', path }] : NOTHING;
  }
  const ended: ClosedTask[] = [];
  const loops: FollowUp[] = [];
  for (const scope of openScopes(view.state)) {
    for (const task of Object.values(scope.tasks)) {
      if (mayExit(scope, task)) ended.push(task);
      else if (isOpen(task) && (task.type === 'forEach' || task.type === 'repeat'))
        loops.push({ kind: 'advanceLoop', path: task.path, ended: null });
      else if (task.type === 'workflow' && task.status === 'open') loops.push({ kind: 'requestChild', path: task.path });
    }
  }
  ended.sort((a, b) => a.closedSeq - b.closedSeq);
  return [...unbegun(view), ...ended.map(({ path }): FollowUp => ({ kind: 'exit', path })), ...loops];
}

/** A child that was born paused begins when it is first let run. */
function unbegun(view: View): readonly FollowUp[] {
  for (const _ in openScopeAt(view.state, rootPath).tasks) return NOTHING;
  return activations(rootPath, view.definition.root.startNodes);
}

/**
 * Whether a step that reached its limit may leave this follow-up to the next step. Most of them follow from the state, so
 * `StepContinued` finds them again, and a retry keeps its incident. Two cannot be left: that an item has just ended is not in the
 * state, and a node whose predecessor is given is half of a decision.
 */
export function mayBeLeft(followUp: FollowUp): boolean {
  switch (followUp.kind) {
    case 'exit':
    case 'activate':
    case 'activateAll':
    case 'requestChild':
      return true;
    case 'retry':
      // Applying a missed message is cheap, and what was missed is known from its incident only.
      return followUp.phase !== 'message';
    case 'advanceLoop':
      return followUp.ended === null;
    case 'open':
      return false;
    default:
      return assertNever(followUp);
  }
}

/** Another run is other work, also of the same input: its basis, and with it its idempotency key, is made of the run before. */
function openedAgain(view: View, path: TaskPath): FollowUp {
  const scope = openScopeAt(view.state, scopePathOf(path));
  const task = own(scope.tasks, path) as ClosedTask;
  const attempt = nextAttempt(scope, path);
  return { kind: 'open', scope: scope.path, nodeId: task.nodeId, attempt, predecessor: { kind: 'task', task } };
}

/** An instance that ends activates nothing. */
export function allNotActivated(view: View): readonly FollowUp[] {
  return view.state.phase === 'running' ? openScopes(view.state).flatMap((scope) => notActivated(view, scope)) : NOTHING;
}

/** All nodes without a task. For those that still wait for edges, this has no effect. */
function notActivated(view: View, scope: OpenScope): readonly FollowUp[] {
  const without = [...graphOf(view.definition, scope).nodes.values()].filter(
    (node) => !Object.hasOwn(scope.tasks, taskPathOf(scope.path, node)),
  );
  return activations(
    scope.path,
    without.map(({ id }) => id),
  );
}

/** It ended and its edges are to be evaluated; under an incident they wait for a person. */
export function mayExit(scope: OpenScope, task: TaskState | undefined): task is ClosedTask {
  return task !== undefined && !isOpen(task) && task.takenEdges === null && own(scope.incidents, task.path) === undefined;
}
