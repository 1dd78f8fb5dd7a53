/**
 * How a forEach ends: when all items have ended, early by `until` or `atLeast`, when too many items failed, or at its timeout.
 * Open items are cancelled then.
 */
import type { ForEachNode } from '../../definition/types.ts';
import type { Expression } from '../../expression/index.ts';
import type { ScopePath, TaskPath } from '../../ids.ts';
import { cancelWithin } from '../../instance/decide/cancel.ts';
import { evaluating, holdsWith } from '../../instance/expressions/evaluate.ts';
import { failedToOpen, taskCompleted, taskFailed } from '../../instance/history/event-builders.ts';
import { indexOf, loopPathOf, scopeAt, scopePathOf, scopesBelow } from '../../instance/state/scopes.ts';
import type { EndedScope } from '../../instance/state/state.ts';
import type { NewEvent, View } from '../../instance/view.ts';
import type { Json } from '../../json.ts';
import type { TaskOf } from '../common/behaviour.ts';

type Task = TaskOf<'forEach'>;

/** What ends the loop before all of its items have ended; null: it goes on. */
export function earlyEnd(view: View, task: Task, node: ForEachNode, waiting: number, ended: ScopePath | null): readonly NewEvent[] | null {
  const { running, failed, items } = task;
  if (node.failuresMax !== null && failed > node.failuresMax) return failEarly(view, task, 'ITEMS_FAILED', whatFailed(view, task));
  if (node.atLeast !== null) {
    const completed = items.length - waiting - running - failed;
    if (completed >= node.atLeast) return completeEarly(view, task);
    if (items.length - failed < node.atLeast) return failEarly(view, task, 'ITEMS_TOO_FEW', whatIsMissing(view, task, node.atLeast));
  }
  if (node.until === null || ended === null || scopeAt(view.state, ended)?.status !== 'completed') return null;
  const { until } = node;
  const isOver = evaluating(() => holdsWith(view, scopePathOf(task.path), until, namesOfEnd(view, task, node, until, indexOf(ended))));
  if (!isOver.ok) return [...cancelWithin(view, task.path), ...failedToOpen(task, isOver.error, isOver.expression)];
  return isOver.value ? completeEarly(view, task) : null;
}

function namesOfEnd(view: View, task: Task, node: ForEachNode, until: Expression, index: number): Record<string, Json> {
  const item = task.items[index] ?? null;
  const names: Record<string, Json> = { item, index };
  if (node.as !== null) names[node.as] = item;
  // All items are loaded for it.
  if (until.references.some(({ root }) => root === 'results')) names.results = results(view, task).outputs;
  return names;
}

export function countWaiting({ waiting, items }: Task): number {
  return 'indexes' in waiting ? waiting.indexes.length : items.length - waiting.from;
}

export function complete(view: View, task: Task): NewEvent {
  const { outputs, entries } = results(view, task);
  return taskCompleted(task, outputs, undefined, entries);
}

/** Cancels the items that are still open. */
function completeEarly(view: View, task: Task): readonly NewEvent[] {
  return [...cancelWithin(view, task.path), complete(view, task)];
}

type Results = { readonly outputs: readonly Json[]; readonly entries: readonly (number | null)[] };

/** The outputs in the order of the items, null in the place of an item that has not completed. */
function results(view: View, task: Task): Results {
  const outputs: Json[] = task.items.map(() => null);
  const entries: (number | null)[] = task.items.map(() => null);
  for (const { path, status, output, outputSeq } of endedItems(view, task.path)) {
    if (status !== 'completed') continue;
    outputs[indexOf(path)] = output;
    entries[indexOf(path)] = outputSeq;
  }
  return { outputs, entries };
}

function whatFailed(view: View, task: Task): string {
  const first = endedItems(view, task.path).find(({ status }) => status === 'failed');
  const why =
    first === undefined || first.error === null ? '' : ` Item ${indexOf(first.path)}: ${first.error.code}: ${first.error.message}`;
  return `${task.failed} of ${task.items.length} items failed.${why}`;
}

function whatIsMissing(view: View, task: Task, atLeast: number): string {
  const left = task.items.length - task.failed;
  const why = task.failed === 0 ? '' : ` ${whatFailed(view, task)}`;
  return `${atLeast} items must complete ("atLeast"), but of ${task.items.length} no more than ${left} can.${why}`;
}

function failEarly(view: View, task: Task, code: string, message: string): readonly NewEvent[] {
  return [...cancelWithin(view, task.path), taskFailed(task, 'failed', { code, message })];
}

export function timeOut(view: View, task: Task): readonly NewEvent[] {
  const message = `The loop reached its timeout with ${task.running + countWaiting(task)} of ${task.items.length} items not ended.`;
  return [...cancelWithin(view, task.path), taskFailed(task, 'timedOut', { code: 'TIMEOUT', message })];
}

export function endedItems(view: View, path: TaskPath): readonly EndedScope[] {
  return scopesBelow(view.state, path).filter((scope): scope is EndedScope => 'outputSeq' in scope && loopPathOf(scope.path) === path);
}
