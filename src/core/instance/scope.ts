/** What the expressions of a node see: built from the state, with only the nodes that the expression mentions. */
import type { Definition } from '../definition/types.ts';
import type { Reference, Scope } from '../expression/index.ts';
import type { EpochMs, NodeId } from '../ids.ts';
import type { Json, JsonObject } from '../json.ts';
import { taskOf } from './join.ts';
import type { InstanceState, TaskState } from './state.ts';

/** @param vars those of the state, or what they are about to become. */
export function scopeFor(
  { definition, state, now }: { readonly definition: Definition; readonly state: InstanceState; readonly now: EpochMs },
  references: readonly Reference[],
  vars = state.vars,
): Scope {
  const { roots, nodes } = mentionsOf(references);
  const scope: Record<string, Json> = {};
  if (roots.has('input')) scope.input = state.input;
  if (roots.has('vars')) scope.vars = vars;
  if (roots.has('now')) scope.now = new Date(now).toISOString();
  if (roots.has('instance')) scope.instance = instanceView(state);
  if (roots.has('nodes')) scope.nodes = viewOf(nodes === 'all' ? definition.nodes.keys() : nodes, state);
  return scope;
}

type Mentions = { readonly roots: ReadonlySet<string>; readonly nodes: readonly NodeId[] | 'all' };
const mentions = new WeakMap<readonly Reference[], Mentions>();

function mentionsOf(references: readonly Reference[]): Mentions {
  let found = mentions.get(references);
  if (found === undefined) {
    const names = references.flatMap(({ root, path }) => (root === 'nodes' ? [path[0]] : []));
    const known = names.filter((name) => name !== undefined);
    found = {
      roots: new Set(references.map(({ root }) => root)),
      // One that is looked up by a computed name may be any.
      nodes: known.length < names.length ? 'all' : [...new Set(known as NodeId[])],
    };
    mentions.set(references, found);
  }
  return found;
}

function instanceView(state: InstanceState): JsonObject {
  return {
    id: state.instanceId,
    businessKey: state.businessKey,
    definition: state.definitionId,
    version: state.definitionVersion,
    startedAt: new Date(state.startedAt).toISOString(),
  };
}

function viewOf(nodeIds: Iterable<NodeId>, state: InstanceState): JsonObject {
  const view: Record<string, Json> = {};
  for (const nodeId of nodeIds) view[nodeId] = nodeView(taskOf(state.tasks, nodeId));
  return view;
}

const views = new WeakMap<TaskState, JsonObject>();
const UNTOUCHED: JsonObject = { output: null, status: null, error: null, attempt: null };

/** One object per task state, so that the expression engine's own wrapping of it is found again. */
function nodeView(task: TaskState | undefined): JsonObject {
  if (task === undefined) return UNTOUCHED;
  let view = views.get(task);
  if (view === undefined) {
    view = {
      output: task.status === 'completed' ? task.output : null,
      status: statusView(task),
      error: errorView(task),
      attempt: task.attempt,
    };
    views.set(task, view);
  }
  return view;
}

/** `completed | failed | timedOut | skipped | cancelled`, or null so far. */
function statusView(task: TaskState): string | null {
  switch (task.status) {
    case 'scheduled':
    case 'retrying':
    case 'open':
      return null;
    default:
      return task.status;
  }
}

function errorView(task: TaskState): Json {
  return task.status === 'failed' || task.status === 'timedOut' ? { code: task.error.code, message: task.error.message } : null;
}
