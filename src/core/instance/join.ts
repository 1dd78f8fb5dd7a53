/** What a node's incoming edges say about it: dead-path elimination and the three joins (language, "Graph"). */
import type { Definition, Edge, Node } from '../definition/types.ts';
import type { NodeId, TaskPath } from '../ids.ts';
import { own } from '../record.ts';
import type { ClosedTask, InstanceState, TaskState } from './state.ts';

export type JoinVerdict = 'run' | 'skip' | 'wait';

export function weighJoin(definition: Definition, tasks: InstanceState['tasks'], node: Node): JoinVerdict {
  let taken = 0;
  let unresolved = 0;
  for (const edge of definition.incoming.get(node.id) ?? []) {
    const resolution = resolutionOf(tasks, edge);
    if (resolution === 'taken') taken++;
    else if (resolution === 'unresolved') unresolved++;
  }
  switch (node.join.kind) {
    case 'all':
      if (unresolved > 0) return 'wait';
      return taken > 0 ? 'run' : 'skip';
    case 'any':
      if (taken > 0) return 'run';
      return unresolved > 0 ? 'wait' : 'skip';
    case 'atLeast':
      if (taken >= node.join.n) return 'run';
      return taken + unresolved >= node.join.n ? 'wait' : 'skip';
  }
}

function resolutionOf(tasks: InstanceState['tasks'], edge: Edge): 'taken' | 'dead' | 'unresolved' {
  const source = taskOf(tasks, edge.from);
  if (source === undefined || !isLeft(source)) return 'unresolved';
  return source.taken.includes(edge.index) ? 'taken' : 'dead';
}

/** The task that opens a node: of those whose edge to it was taken, the one that ended last. Undefined for a start node. */
export function openerOf(definition: Definition, tasks: InstanceState['tasks'], nodeId: NodeId): ClosedTask | undefined {
  let last: ClosedTask | undefined;
  for (const edge of definition.incoming.get(nodeId) ?? []) {
    const source = taskOf(tasks, edge.from);
    if (source === undefined || !isLeft(source) || !source.taken.includes(edge.index)) continue;
    if (last === undefined || source.closedSeq > last.closedSeq) last = source;
  }
  return last;
}

/** Without loops a node's path is its id. */
export function pathOf(nodeId: NodeId): TaskPath {
  return nodeId as string as TaskPath;
}

export function taskOf(tasks: InstanceState['tasks'], nodeId: NodeId): TaskState | undefined {
  return own(tasks, pathOf(nodeId));
}

function isLeft(task: TaskState): task is ClosedTask & { readonly taken: readonly number[] } {
  return 'taken' in task && task.taken !== null;
}
