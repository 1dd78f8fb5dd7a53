/**
 * `repeat`: runs its body round after round, until its condition says so. Of the rounds that have ended only the last one is
 * kept, so that a loop of any length costs the same.
 */
import type { RepeatNode } from '../../definition/types.ts';
import type { ScopePath } from '../../ids.ts';
import { scopeBasis } from '../../instance/attempts/basis.ts';
import { cancelWithin } from '../../instance/decide/cancel.ts';
import { durationMs, evaluating, holdsWith } from '../../instance/expressions/evaluate.ts';
import { failedToOpen, taskCompleted, taskFailed } from '../../instance/history/event-builders.ts';
import { indexOf, itemPath, loopPathOf, scopeAt, scopePathOf, scopesBelow } from '../../instance/state/scopes.ts';
import type { EndedScope } from '../../instance/state/state.ts';
import type { NewEvent, View } from '../../instance/view.ts';
import { after, countingFrom, type NodeBehaviour, openedOf, type TaskOf } from '../common/behaviour.ts';

/**
 * Rounds that need no work outside run in one step, this many at the most: the rest follows by a timer that is due at once,
 * so that a partition is not held up.
 */
const ROUNDS_PER_STEP = 500;

export const repeat: NodeBehaviour<'repeat'> = {
  /** Rounds count on after a retry, and their number towards `max` begins anew. */
  open: (opening) => {
    const { view, path, attempt } = opening;
    const rounds = attempt === 1 ? [] : scopesBelow(view.state, path).filter((scope) => loopPathOf(scope.path) === path);
    const firstRound = rounds.reduce((next, scope) => Math.max(next, indexOf(scope.path) + 1), 0);
    const timeoutAt = after(opening, opening.node.timeout);
    return [
      {
        type: 'RepeatOpened',
        ...openedOf(opening, firstRound),
        firstRound,
        keeps: 'last',
        ...(timeoutAt === null ? {} : { timeoutAt }),
        ...countingFrom(opening),
      },
    ];
  },
  advance: (view, task, node) => orIncident(task, () => afterRound(view, task, node)),
  fire: (view, task, node, timer) => (timer === 'timeout' ? timeOut(view, task) : orIncident(task, () => afterDelay(view, task, node))),
  waitingFor: ({ round, running }) => ({ kind: 'round', round, running }),
};

type Task = TaskOf<'repeat'>;

function orIncident(task: Task, decide: () => readonly NewEvent[]): readonly NewEvent[] {
  const decided = evaluating(decide);
  return decided.ok ? decided.value : failedToOpen(task, decided.error, decided.expression);
}

function timeOut(view: View, task: Task): readonly NewEvent[] {
  const message = `The loop reached its timeout in round ${task.round}, counted from 0.`;
  return [...cancelWithin(view, task.path), taskFailed(task, 'timedOut', { code: 'TIMEOUT', message })];
}

/** The delay before the next round is over. */
function afterDelay(view: View, task: Task, node: RepeatNode): readonly NewEvent[] {
  return begin(view, task, node, task.round + 1);
}

function afterRound(view: View, task: Task, node: RepeatNode): readonly NewEvent[] {
  if (task.running || isDelayed(view, task)) return [];
  const last = endedRound(view, task, task.round);
  if (last === null) return begin(view, task, node, task.round);
  const { condition } = node;
  if (condition.kind === 'until' && asks(view, task, node, task.round, last)) return [complete(task, last)];
  const delayMs = node.delay === null ? 0 : durationMs(view, scopePathOf(task.path), node.delay, 0);
  const next = task.round + 1;
  if (node.delay === null && (next - task.firstRound) % ROUNDS_PER_STEP > 0) return begin(view, task, node, next);
  return [{ type: 'LoopDelayed', path: task.path, until: view.now + delayMs }];
}

function begin(view: View, task: Task, node: RepeatNode, round: number): readonly NewEvent[] {
  const last = endedRound(view, task, round - 1);
  if (node.condition.kind === 'while' && !asks(view, task, node, round, last)) return [complete(task, last)];
  if (round - task.firstRound >= node.max) {
    const message = `The loop has run ${node.max} rounds, as many as "max" allows, and its condition does not end it.`;
    return [taskFailed(task, 'failed', { code: 'ROUNDS_EXHAUSTED', message })];
  }
  const { path, nodeId, basis, attempt, firstAttempt = 1 } = task;
  return [{ type: 'ScopeOpened', scope: itemPath(path, round), loopId: nodeId, basis: scopeBasis(basis, attempt, round), firstAttempt }];
}

function asks(view: View, task: Task, { condition }: RepeatNode, index: number, last: EndedScope | null): boolean {
  return holdsWith(view, scopePathOf(task.path), condition.holds, { last: last?.output ?? null, index });
}

function complete(task: Task, last: EndedScope | null): NewEvent {
  return last === null ? taskCompleted(task, null) : taskCompleted(task, last.output, undefined, last.outputSeq);
}

function endedRound(view: View, task: Task, round: number): EndedScope | null {
  const path: ScopePath = itemPath(task.path, round);
  const scope = round < 0 ? undefined : scopeAt(view.state, path);
  return scope !== undefined && 'outputSeq' in scope ? scope : null;
}

function isDelayed(view: View, task: Task): boolean {
  const scope = scopeAt(view.state, scopePathOf(task.path));
  return scope?.status === 'open' && Object.hasOwn(scope.timers, `${task.path}#loop`);
}
