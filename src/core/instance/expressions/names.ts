/**
 * What the expressions of a node see: built from the state, with only the nodes that the expression mentions. In a loop's
 * body the names of its own graph come first, then those of the graphs around it.
 */
import type { Reference, Scope } from '../../expression/index.ts';
import type { NodeId, ScopePath } from '../../ids.ts';
import type { Json, JsonObject } from '../../json.ts';
import { own } from '../../record.ts';
import {
  graphOf,
  indexOf,
  itemPath,
  loopOf,
  loopPathOf,
  openScopeAt,
  rootPath,
  scopeAt,
  scopeChain,
  scopePathOf,
  taskAt,
  taskPathOf,
} from '../state/scopes.ts';
import type { InstanceState, TaskError, TaskState } from '../state/state.ts';
import type { View } from '../view.ts';

/** @param vars those of the state, or what they are about to become. */
export function namesFor(view: View, scope: ScopePath, references: readonly Reference[], vars = view.state.vars): Scope {
  const { state } = view;
  const { roots, nodes } = mentionsOf(references);
  const names: Record<string, Json> = scope === rootPath ? {} : loopNames(view, scope);
  if (roots.has('input')) names.input = state.input;
  if (roots.has('vars')) names.vars = vars;
  if (roots.has('instance')) names.instance = instanceNames(state);
  if (roots.has('now')) names.now = new Date(view.now).toISOString();
  if (roots.has('nodes')) names.nodes = nodes === 'all' ? allNodes(view, scope) : someNodes(view, scope, nodes);
  return view.known === undefined ? names : { ...names, ...view.known };
}

type Mentions = { readonly roots: ReadonlySet<string>; readonly nodes: readonly string[] | 'all' };
const mentions = new WeakMap<readonly Reference[], Mentions>();

function mentionsOf(references: readonly Reference[]): Mentions {
  let found = mentions.get(references);
  if (found === undefined) {
    const names = references.flatMap(({ root, path }) => (root === 'nodes' ? [path[0]] : []));
    const known = names.filter((name) => name !== undefined);
    found = {
      roots: new Set(references.map(({ root }) => root)),
      // A computed name may refer to any node.
      nodes: known.length < names.length ? 'all' : [...new Set(known)],
    };
    mentions.set(references, found);
  }
  return found;
}

/** `item`, `index`, `last` and the names that forEach nodes give their items: the innermost loop's win. */
function loopNames(view: View, scope: ScopePath): Record<string, Json> {
  const names: Record<string, Json> = {};
  for (const path of scopeChain(scope).toReversed()) {
    if (path === rootPath) continue;
    const loop = loopOf(view.definition, openScopeAt(view.state, path).loopId as NodeId);
    const task = taskAt(view.state, loopPathOf(path));
    const index = indexOf(path);
    if (task?.type === 'forEach' && task.status === 'open') {
      const item = task.items[index] ?? null;
      Object.assign(names, { item, index });
      if (loop.type === 'forEach' && loop.as !== null) names[loop.as] = item;
    } else Object.assign(names, { last: outputOfRound(view.state, path, index - 1), index });
  }
  return names;
}

function outputOfRound(state: InstanceState, path: ScopePath, round: number): Json {
  const before = round < 0 ? undefined : scopeAt(state, itemPath(loopPathOf(path), round));
  return before !== undefined && 'output' in before ? before.output : null;
}

function instanceNames(state: InstanceState): JsonObject {
  return {
    id: state.instanceId,
    businessKey: state.businessKey,
    definition: state.definitionId,
    version: state.definitionVersion,
    startedAt: new Date(state.startedAt).toISOString(),
    startedBy: state.startedBy ?? null,
  };
}

function someNodes(view: View, scope: ScopePath, names: readonly string[]): JsonObject {
  const found: Record<string, Json> = {};
  for (const name of names) found[name] = nodeNames(taskNamed(view, scope, name));
  return found;
}

/** The task of the node of that name in the nearest graph that has one. */
function taskNamed(view: View, scope: ScopePath, name: string): TaskState | undefined {
  for (let path = scope; ; path = scopePathOf(loopPathOf(path))) {
    const at = openScopeAt(view.state, path);
    const id = (at.loopId === null ? name : `${at.loopId}/${name}`) as NodeId;
    if (graphOf(view.definition, at).nodes.has(id)) return own(at.tasks, taskPathOf(path, { name }));
    if (path === rootPath) return undefined;
  }
}

function allNodes(view: View, scope: ScopePath): JsonObject {
  const found: Record<string, Json> = {};
  for (const path of scopeChain(scope).toReversed()) {
    const at = openScopeAt(view.state, path);
    for (const node of graphOf(view.definition, at).nodes.values()) found[node.name] = nodeNames(own(at.tasks, taskPathOf(path, node)));
  }
  return found;
}

const UNTOUCHED: JsonObject = { output: null, status: null, error: null, attempt: null, completedBy: null };

function nodeNames(task: TaskState | undefined): JsonObject {
  if (task === undefined) return UNTOUCHED;
  return {
    output: task.status === 'completed' ? task.output : null,
    status: endOf(task),
    error: task.status === 'failed' || task.status === 'timedOut' ? errorNames(task.error) : null,
    attempt: task.attempt,
    completedBy: task.status === 'completed' ? (task.completedBy ?? null) : null,
  };
}

function errorNames({ code, message, details = null }: TaskError): JsonObject {
  return { code, message, details };
}

/** `completed | failed | timedOut | skipped | cancelled`, or null so far. */
function endOf({ status }: TaskState): string | null {
  return status === 'scheduled' || status === 'retrying' || status === 'open' ? null : status;
}
