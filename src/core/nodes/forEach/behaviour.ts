/** `forEach`: runs its body for each item, each in a scope of its own, at most `concurrency` at a time. */
import type { ForEachNode } from '../../definition/types.ts';
import type { ScopePath, TaskPath } from '../../ids.ts';
import { scopeBasis } from '../../instance/attempts/basis.ts';
import { UnfitValueError } from '../../instance/expressions/evaluate.ts';
import { childTaskOf, indexOf, itemPath, mayHaveChildren, requireBooks, requireScopes, scopeAt } from '../../instance/state/scopes.ts';
import type { NewEvent, View } from '../../instance/view.ts';
import { after, countingFrom, evaluateFor, type NodeBehaviour, type Opening, openedOf, type TaskOf } from '../common/behaviour.ts';
import { complete, countWaiting, earlyEnd, endedItems, timeOut } from './ending.ts';
import { ITEMS_MAX } from './read.ts';

/** Scopes that one step opens: the rest follows by a timer that is due at once, so that a partition is not held up. */
export const OPEN_MAX = 500;

export const forEach: NodeBehaviour<'forEach'> = {
  open,
  advance,
  fire: (view, task, node, timer) => (timer === 'timeout' ? timeOut(view, task) : advance(view, task, node, null)),
  waitingFor: (task) => ({
    kind: 'items',
    total: task.items.length,
    running: task.running,
    waiting: countWaiting(task),
    failed: task.failed,
  }),
};

type Task = TaskOf<'forEach'>;

function open(opening: Opening<ForEachNode>): readonly NewEvent[] {
  const { view, path, attempt, node } = opening;
  const items = evaluateFor(opening, node.items);
  if (!Array.isArray(items)) throw new UnfitValueError('`items` must be an array.');
  if (items.length > ITEMS_MAX) throw new UnfitValueError(`\`items\` has ${items.length} items, but may have at most ${ITEMS_MAX}.`);
  const timeoutAt = after(opening, node.timeout);
  const timeout = timeoutAt === null ? {} : { timeoutAt };
  const children = node.hasChildren ? ({ children: true } as const) : {};
  const opened = { type: 'ForEachOpened', ...openedOf(opening, items), items, ...timeout, ...children, ...countingFrom(opening) } as const;
  return [attempt === 1 ? opened : { ...opened, indexes: notCompleted(view, path, items.length) }];
}

/** A retry runs the items again that did not complete; the others keep their outputs. */
function notCompleted(view: View, path: TaskPath, count: number): readonly number[] {
  const completed = new Set(endedItems(view, path).flatMap((scope) => (scope.status === 'completed' ? [indexOf(scope.path)] : [])));
  return Array.from({ length: count }, (_, index) => index).filter((index) => !completed.has(index));
}

function advance(view: View, task: Task, node: ForEachNode, ended: ScopePath | null): readonly NewEvent[] {
  const waiting = countWaiting(task);
  const end = earlyEnd(view, task, node, waiting, ended);
  if (end !== null) return end;
  if (waiting === 0) return task.running === 0 ? [complete(view, task)] : [];
  const room = node.concurrency === null ? task.items.length - task.running : node.concurrency - task.running - (task.ending ?? 0);
  const indexes = firstWaiting(task, Math.min(room, OPEN_MAX));
  const items = indexes.map((index) => itemPath(task.path, index));
  if (task.attempt > 1) requireScopes(view.state, items);
  if (node.hasChildren && mayHaveChildren(view.state, task)) requireBooks(view.state, items.map(childTaskOf));
  const events: NewEvent[] = indexes.map((index) => openItem(view, task, index));
  if (room > OPEN_MAX && waiting > OPEN_MAX) events.push({ type: 'LoopDelayed', path: task.path, until: view.now });
  return events;
}

function firstWaiting({ waiting, items }: Task, count: number): readonly number[] {
  if ('indexes' in waiting) return waiting.indexes.slice(0, Math.max(0, count));
  const length = Math.max(0, Math.min(count, items.length - waiting.from));
  return Array.from({ length }, (_, index) => waiting.from + index);
}

function openItem(view: View, { path, nodeId, basis, attempt, firstAttempt: first = 1 }: Task, index: number): NewEvent {
  const scope = itemPath(path, index);
  const before = attempt === 1 ? undefined : scopeAt(view.state, scope);
  const firstAttempt = before !== undefined && 'lastAttempt' in before ? before.lastAttempt + 1 : first;
  return { type: 'ScopeOpened', scope, loopId: nodeId, basis: scopeBasis(basis, attempt, index), firstAttempt };
}
