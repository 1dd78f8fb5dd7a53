/** How the instance continues when a person resolves an incident: at the point where it stopped. */
import { assertNever } from '../../assert.ts';
import type { CommandId, TaskPath } from '../../ids.ts';
import { own } from '../../record.ts';
import { decideTimer } from '../decide/timer.ts';
import { rootPath, scopeAt, scopePathOf, taskAt } from '../state/scopes.ts';
import { type ClosedTask, type Incident, isOpen } from '../state/state.ts';
import type { Decided, FollowUp, NewEvent, View } from '../view.ts';
import { exitNode } from './exit.ts';

const NOTHING: Decided = { events: [] };

/** @param path null: the instance's own output or timeout. */
export function afterIncident(view: View, path: TaskPath | null, phase: Incident['phase'], commandId: CommandId): Decided {
  // The output is evaluated again as soon as nothing else is left to do.
  if (phase === 'output') return NOTHING;
  const task = path === null ? undefined : taskAt(view.state, path);
  if (phase === 'message' && (task === undefined || isOpen(task))) return { events: catchUp(view, path, commandId) };
  if (task === undefined || isOpen(task)) return NOTHING;
  switch (phase) {
    case 'exit':
      return { events: exitNode(view, task.path) };
    case 'open':
    case 'message':
      return reopen(task, null);
    case 'failed':
      return reopen(task, task);
    default:
      return assertNever(phase);
  }
}

/** The step reached its limit. The incident is raised again, so that the retry is not counted as done. */
export function raisedAgain(view: View, { path, phase }: FollowUp & { readonly kind: 'retry' }): readonly NewEvent[] {
  if (phase === 'output') return [];
  const scope = scopeAt(view.state, path === null ? rootPath : scopePathOf(path));
  // Another retry of the same command ended the item in which it stood, or its node came under an incident anew.
  if (scope?.status !== 'open' || own(scope.incidents, path ?? '') !== undefined) return [];
  const nodeId = path === null ? null : (own(scope.tasks, path)?.nodeId ?? null);
  const message = 'The retries before this one took all the work that one step may do. Retry once more.';
  return [{ type: 'IncidentRaised', path, incident: { nodeId, phase, error: { code: 'MR_EXPRESSION_FUEL', message }, expression: null } }];
}

/** The attempt number counts on and the budget is fresh. The same payload keeps its basis, and with it its idempotency key. */
function reopen(task: ClosedTask, predecessor: ClosedTask | null): Decided {
  const { path, nodeId, basis } = task;
  const attempt = task.attempt + 1;
  const kept = 'payload' in task ? task.payload : null;
  if (kept !== null && (task.type === 'http' || task.type === 'task')) {
    const { inputSeq: inputFrom, ...payload } = kept;
    return { events: [{ type: 'TaskScheduled', path, nodeId, attempt, basis, kind: task.type, payload, inputFrom }] };
  }
  const scope = scopePathOf(path);
  return {
    events: [],
    first: { kind: 'open', scope, nodeId, attempt, predecessor: predecessor === null ? null : { kind: 'task', task: predecessor } },
  };
}

/**
 * A notification could not be applied (`unapplied.ts`). Timers that came due meanwhile are applied, since their rows are gone. If
 * there were none, an open task is sent again under the same attempt and basis: its worker sends the same outcome again, or runs
 * the attempt again.
 */
function catchUp(view: View, path: TaskPath | null, commandId: CommandId): readonly NewEvent[] {
  const due: NewEvent[] = [];
  const scope = scopeAt(view.state, path === null ? rootPath : scopePathOf(path));
  // Another retry of the same command ended the item.
  if (scope?.status !== 'open') return [];
  for (const [timerId, timer] of Object.entries(scope.timers)) {
    if (timer.path !== path || timer.state !== 'armed' || timer.dueAt > view.now) continue;
    due.push(...decideTimer(view, { type: 'TimerFired', timerId, kind: timer.kind, dueAt: timer.dueAt }).events);
    // The other timers end with the task.
    if (due.some(({ type }) => type === 'TaskFailed' || type === 'TaskCompleted')) break;
  }
  if (due.length > 0) return due;
  if (path === null) return [];
  const task = own(scope.tasks, path);
  return task?.status === 'scheduled' ? [{ type: 'TaskRedispatched', path, attempt: task.attempt, commandId }] : [];
}
