/** What a node's incoming edges say about it: dead-path elimination and the three joins (language, "Graph"). */
import { assertNever } from '../assert.ts';
import type { Definition, Edge, Node } from '../definition/types.ts';
import type { EdgeId, NodeId, TaskPath } from '../ids.ts';
import { own } from '../record.ts';
import type { ClosedTask, InstanceState, TaskState } from './state.ts';

export type JoinVerdict = 'run' | 'skip' | 'wait';

type Tally = { taken: number; unresolved: number };

/**
 * How many edges have arrived at each join, counted once in a run and kept up from there: a join of a thousand branches
 * whose outcomes come in one batch is not counted a thousand times.
 */
export class Arrivals {
  readonly #definition: Definition;
  readonly #tallies = new Map<NodeId, Tally>();

  constructor(definition: Definition) {
    this.#definition = definition;
  }

  weigh(tasks: InstanceState['tasks'], node: Node): JoinVerdict {
    const incoming = this.#definition.root.incoming.get(node.id) ?? [];
    // A start node waits for nobody.
    if (incoming.length === 0) return 'run';
    let tally = this.#tallies.get(node.id);
    if (tally === undefined) {
      tally = count(tasks, incoming);
      this.#tallies.set(node.id, tally);
    }
    return verdictOf(node, tally);
  }

  /** A node's edges were resolved; each is, once: those not `taken` are dead. */
  resolved(nodeId: NodeId, taken: readonly EdgeId[]): void {
    if (this.#tallies.size === 0) return;
    for (const { to, id } of this.#definition.root.outgoing.get(nodeId) ?? []) {
      const tally = to === null ? undefined : this.#tallies.get(to);
      if (tally === undefined) continue;
      tally.unresolved--;
      if (isAmong(taken, id)) tally.taken++;
    }
  }
}

function count(tasks: InstanceState['tasks'], incoming: readonly Edge[]): Tally {
  const tally = { taken: 0, unresolved: 0 };
  for (const edge of incoming) {
    const resolution = resolutionOf(tasks, edge);
    if (resolution === 'taken') tally.taken++;
    else if (resolution === 'unresolved') tally.unresolved++;
  }
  return tally;
}

function verdictOf(node: Node, { taken, unresolved }: Tally): JoinVerdict {
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
    default:
      return assertNever(node.join);
  }
}

function resolutionOf(tasks: InstanceState['tasks'], edge: Edge): 'taken' | 'dead' | 'unresolved' {
  const source = taskOf(tasks, edge.from);
  if (source === undefined || !isLeft(source)) return 'unresolved';
  return isAmong(source.takenEdges, edge.id) ? 'taken' : 'dead';
}

/** The task that opens a node: of those whose edge to it was taken, the one that ended last. Undefined for a start node. */
export function predecessorOf(definition: Definition, tasks: InstanceState['tasks'], nodeId: NodeId): ClosedTask | undefined {
  let last: ClosedTask | undefined;
  for (const edge of definition.root.incoming.get(nodeId) ?? []) {
    const source = taskOf(tasks, edge.from);
    if (source === undefined || !isLeft(source) || !isAmong(source.takenEdges, edge.id)) continue;
    if (last === undefined || source.closedSeq > last.closedSeq) last = source;
  }
  return last;
}

const sets = new WeakMap<readonly EdgeId[], ReadonlySet<EdgeId>>();

/** Each of a thousand branches asks the node that split into them. */
function isAmong(taken: readonly EdgeId[], id: EdgeId): boolean {
  if (taken.length < 16) return taken.includes(id);
  let set = sets.get(taken);
  if (set === undefined) {
    set = new Set(taken);
    sets.set(taken, set);
  }
  return set.has(id);
}

/** Without loops a node's path is its id. */
export function pathOf(nodeId: NodeId): TaskPath {
  return nodeId as string as TaskPath;
}

export function taskOf(tasks: InstanceState['tasks'], nodeId: NodeId): TaskState | undefined {
  return own(tasks, pathOf(nodeId));
}

function isLeft(task: TaskState): task is ClosedTask & { readonly takenEdges: readonly EdgeId[] } {
  return 'takenEdges' in task && task.takenEdges !== null;
}
