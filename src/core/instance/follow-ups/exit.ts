/** A task that ended exits its node: the edges are evaluated, and `set` puts values into `vars`. */
import type { Edge } from '../../definition/types.ts';
import type { ScopePath, TaskPath } from '../../ids.ts';
import type { Json } from '../../json.ts';
import { own } from '../../record.ts';
import { failScope } from '../decide/cancel.ts';
import { endInstance } from '../decide/ending.ts';
import { evaluateTemplate, evaluating, holds } from '../expressions/evaluate.ts';
import { graphOf, loopOf, loopPathOf, nodeOf, openScopeAt, rootPath, scopeAt, scopePathOf } from '../state/scopes.ts';
import type { ClosedTask, TaskError } from '../state/state.ts';
import type { NewEvent, View } from '../view.ts';
import { mayExit } from './follow-ups.ts';

type Exit = { readonly taken: readonly Edge[]; readonly set: Readonly<Record<string, Json>> | null };

export function exitNode(view: View, path: TaskPath): readonly NewEvent[] {
  const scope = scopeAt(view.state, scopePathOf(path));
  if (scope?.status !== 'open') return [];
  const task = own(scope.tasks, path);
  if (!mayExit(scope, task)) return [];
  const { nodeId } = task;
  const edges = graphOf(view.definition, scope).outgoing.get(nodeId) ?? [];
  const exit = evaluating(() => evaluateEdges(view, scope.path, task, edges));
  if (!exit.ok) {
    const { error, expression } = exit;
    return [{ type: 'IncidentRaised', path, incident: { nodeId, phase: 'exit', error, expression } }];
  }
  const { taken, set } = exit.value;
  if (taken.length === 0 && (task.status === 'failed' || task.status === 'timedOut')) return failWithoutEdge(view, task, task.error);
  return [{ type: 'NodeExited', path, takenEdges: taken.map(({ id }) => id), set }];
}

function evaluateEdges(view: View, scope: ScopePath, task: ClosedTask, edges: readonly Edge[]): Exit {
  if (task.status === 'failed' || task.status === 'timedOut') {
    const { status, error } = task;
    return { taken: edges.filter((edge) => fitsFailure(view, scope, edge, status, error)), set: null };
  }
  const set = evaluateSet(view, scope, task);
  const vars = set === null ? view.state.vars : { ...view.state.vars, ...set };
  const plain = edges.filter(
    ({ rule }) =>
      rule.on === 'completed' &&
      (rule.condition.kind === 'always' || (rule.condition.kind === 'when' && holds(view, scope, rule.condition.when, vars))),
  );
  if (plain.length > 0) return { taken: plain, set };
  return { taken: edges.filter(({ rule }) => rule.on === 'completed' && rule.condition.kind === 'otherwise'), set };
}

function evaluateSet(view: View, scope: ScopePath, { nodeId }: ClosedTask): Readonly<Record<string, Json>> | null {
  const { set } = nodeOf(view.definition, nodeId);
  if (set.size === 0) return null;
  return Object.fromEntries([...set].map(([name, template]) => [name, evaluateTemplate(view, scope, template)]));
}

function fitsFailure(view: View, scope: ScopePath, { rule }: Edge, status: 'failed' | 'timedOut', error: TaskError): boolean {
  if (rule.on === 'completed' || (rule.on !== 'any' && rule.on !== status)) return false;
  if (rule.error !== null && rule.error !== error.code) return false;
  return rule.when === null || holds(view, scope, rule.when);
}

/**
 * The nearest forEach with `onItemFailure` or `atLeast` counts it as a failed item. Without one it is an incident, or fails the
 * instance.
 */
function failWithoutEdge(view: View, { path, nodeId }: ClosedTask, error: TaskError): readonly NewEvent[] {
  const item = failingItem(view, scopePathOf(path));
  if (item !== null) return failScope(view, item, error);
  // A compensation that fails waits for a person, whatever made the instance fail.
  const { onFailure } = view.definition;
  if (onFailure !== 'incident' && view.state.phase === 'running') return endInstance(view, { status: 'failed', error, nodeId });
  return [{ type: 'IncidentRaised', path, incident: { nodeId, phase: 'failed', error, expression: null } }];
}

function failingItem(view: View, from: ScopePath): ScopePath | null {
  for (let path = from; path !== rootPath; path = scopePathOf(loopPathOf(path))) {
    const { loopId } = openScopeAt(view.state, path);
    const loop = loopId === null ? null : loopOf(view.definition, loopId);
    if (loop?.type === 'forEach' && loop.failuresMax !== null) return path;
  }
  return null;
}
