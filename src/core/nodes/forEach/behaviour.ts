/** `forEach`: runs its body for each item, each in a scope of its own, at most `concurrency` at a time. */
import type { ForEachNode } from '../../definition/types.ts';
import type { TaskPath } from '../../ids.ts';
import { scopeBasis } from '../../instance/attempts/basis.ts';
import { cancelWithin } from '../../instance/decide/cancel.ts';
import { UnfitValueError } from '../../instance/expressions/evaluate.ts';
import { taskCompleted, taskFailed } from '../../instance/history/event-builders.ts';
import { indexOf, itemPath, loopPathOf, requireScopes, scopeAt, scopesBelow } from '../../instance/state/scopes.ts';
import type { EndedScope } from '../../instance/state/state.ts';
import type { NewEvent, View } from '../../instance/view.ts';
import type { Json } from '../../json.ts';
import { evaluateFor, type NodeBehaviour, type Opening, openedOf, type TaskOf } from '../common/behaviour.ts';

/** Most items of one forEach. */
const ITEMS_MAX = 10_000;
/** Scopes that one step opens: the rest follows by a timer that is due at once, so that a partition is not held up. */
const OPEN_MAX = 500;

export const forEach: NodeBehaviour<'forEach'> = {
  open,
  advance,
  fire: advance,
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
  const opened = { type: 'ForEachOpened', ...openedOf(opening, items), items } as const;
  return [attempt === 1 ? opened : { ...opened, indexes: notCompleted(view, path, items.length) }];
}

/** A retry runs the items again that did not complete; the others keep their outputs. */
function notCompleted(view: View, path: TaskPath, count: number): readonly number[] {
  const completed = new Set(endedItems(view, path).flatMap((scope) => (scope.status === 'completed' ? [indexOf(scope.path)] : [])));
  return Array.from({ length: count }, (_, index) => index).filter((index) => !completed.has(index));
}

function advance(view: View, task: Task, node: ForEachNode): readonly NewEvent[] {
  if (node.failuresMax !== null && task.failed > node.failuresMax) return fail(view, task);
  const waiting = countWaiting(task);
  if (waiting === 0) return task.running === 0 ? [complete(view, task)] : [];
  const room = (node.concurrency ?? task.items.length) - task.running;
  const indexes = firstWaiting(task, Math.min(room, OPEN_MAX));
  if (task.attempt > 1)
    requireScopes(
      view.state,
      indexes.map((index) => itemPath(task.path, index)),
    );
  const events: NewEvent[] = indexes.map((index) => openItem(view, task, index));
  if (room > OPEN_MAX && waiting > OPEN_MAX) events.push({ type: 'LoopDelayed', path: task.path, until: view.now });
  return events;
}

function countWaiting({ waiting, items }: Task): number {
  return 'indexes' in waiting ? waiting.indexes.length : items.length - waiting.from;
}

function firstWaiting({ waiting, items }: Task, count: number): readonly number[] {
  if ('indexes' in waiting) return waiting.indexes.slice(0, Math.max(0, count));
  const length = Math.max(0, Math.min(count, items.length - waiting.from));
  return Array.from({ length }, (_, index) => waiting.from + index);
}

function openItem(view: View, { path, nodeId, basis, attempt }: Task, index: number): NewEvent {
  const scope = itemPath(path, index);
  const before = attempt === 1 ? undefined : scopeAt(view.state, scope);
  const firstAttempt = before === undefined || before.status === 'open' ? 1 : before.lastAttempt + 1;
  return { type: 'ScopeOpened', scope, loopId: nodeId, basis: scopeBasis(basis, attempt, index), firstAttempt };
}

/** The outputs in the order of the items, null in the place of an item that failed. */
function complete(view: View, task: Task): NewEvent {
  const outputs: Json[] = task.items.map(() => null);
  const entries: (number | null)[] = task.items.map(() => null);
  for (const { path, status, output, outputSeq } of endedItems(view, task.path)) {
    if (status !== 'completed') continue;
    outputs[indexOf(path)] = output;
    entries[indexOf(path)] = outputSeq;
  }
  return taskCompleted(task, outputs, undefined, entries);
}

function fail(view: View, task: Task): readonly NewEvent[] {
  const first = endedItems(view, task.path).find(({ status }) => status === 'failed');
  const why =
    first === undefined || first.error === null ? '' : ` Item ${indexOf(first.path)}: ${first.error.code}: ${first.error.message}`;
  const error = { code: 'ITEMS_FAILED', message: `${task.failed} of ${task.items.length} items failed.${why}` };
  return [...cancelWithin(view, task.path), taskFailed(task, 'failed', error)];
}

function endedItems(view: View, path: TaskPath): readonly EndedScope[] {
  return scopesBelow(view.state, path).filter((scope): scope is EndedScope => scope.status !== 'open' && loopPathOf(scope.path) === path);
}
