/** Ends what is open in loops and scopes, the innermost first: a loop is open for as long as one of its scopes is. */
import type { ScopePath, TaskPath } from '../../ids.ts';
import { taskCancelled } from '../history/event-builders.ts';
import { depthOf, openScopeAt, scopesBelow } from '../state/scopes.ts';
import { isOpen, type OpenScope, type TaskError } from '../state/state.ts';
import type { NewEvent, View } from '../view.ts';

/** Every open task of the instance. */
export function cancelAll(view: View): readonly NewEvent[] {
  const scopes = innermostFirst(scopesBelow(view.state, '').filter((scope): scope is OpenScope => scope.status === 'open'));
  return scopes.flatMap((scope) => (scope.loopId === null ? openTasksCancelled(scope) : cancelScope(scope)));
}

/** What runs in the scopes of a loop. The caller ends the loop's own task. */
export function cancelWithin(view: View, loop: TaskPath): readonly NewEvent[] {
  const scopes = scopesBelow(view.state, loop).filter((scope): scope is OpenScope => scope.status === 'open');
  return innermostFirst(scopes).flatMap(cancelScope);
}

/** An item failed: whatever else runs in it ends with it. The loop keeps the error of each item, so the details are left out. */
export function failScope(view: View, path: ScopePath, { code, message }: TaskError): readonly NewEvent[] {
  const scope = openScopeAt(view.state, path);
  const loops = Object.values(scope.tasks).filter((task) => isOpen(task) && (task.type === 'forEach' || task.type === 'repeat'));
  return [
    ...loops.flatMap((loop) => cancelWithin(view, loop.path)),
    ...openTasksCancelled(scope),
    { type: 'ScopeEnded', scope: path, status: 'failed', output: null, error: { code, message } },
  ];
}

function cancelScope(scope: OpenScope): readonly NewEvent[] {
  return [...openTasksCancelled(scope), { type: 'ScopeEnded', scope: scope.path, status: 'cancelled', output: null, error: null }];
}

function openTasksCancelled({ tasks }: OpenScope): readonly NewEvent[] {
  return Object.values(tasks).filter(isOpen).map(taskCancelled);
}

function innermostFirst(scopes: readonly OpenScope[]): readonly OpenScope[] {
  const placed = scopes.map((scope) => ({ scope, depth: depthOf(scope.path) }));
  return placed.sort((a, b) => b.depth - a.depth).map(({ scope }) => scope);
}
