/** What the expressions of a node see: built from the state, with only the nodes that the expression mentions. */
import type { Definition } from '../definition/types.ts';
import type { Reference, Scope } from '../expression/index.ts';
import type { NodeId } from '../ids.ts';
import type { Json, JsonObject } from '../json.ts';
import { taskOf } from './join.ts';
import type { InstanceState, TaskState } from './state.ts';

export function scopeFor(definition: Definition, state: InstanceState, references: readonly Reference[]): Scope {
  return { input: state.input, vars: state.vars, instance: instanceView(state), nodes: nodesView(definition, state, references) };
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

/** All nodes when one is looked up by a computed name, otherwise those mentioned. */
function nodesView(definition: Definition, state: InstanceState, references: readonly Reference[]): JsonObject {
  const mentioned = new Set<string>();
  for (const { root, path } of references) {
    if (root !== 'nodes') continue;
    const [nodeId] = path;
    if (nodeId === undefined) return viewOf(definition.nodes.keys(), state);
    mentioned.add(nodeId);
  }
  return viewOf(mentioned as Set<NodeId>, state);
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
