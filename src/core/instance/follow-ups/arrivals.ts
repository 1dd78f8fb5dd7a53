/** What a node's incoming edges say about it: dead-path elimination and the three joins (language, "Graph"). */
import { assertNever } from '../../assert.ts';
import type { Edge, Graph, Node } from '../../definition/types.ts';
import type { EdgeId, NodeId, ScopePath } from '../../ids.ts';
import { own } from '../../record.ts';
import { taskPathOf } from '../state/scopes.ts';
import type { ClosedTask, OpenScope, TaskState } from '../state/state.ts';

export type JoinVerdict = 'run' | 'skip' | 'wait';

export type Tally = { taken: number; unresolved: number };

/**
 * How many edges have arrived at each join, counted once in a step and kept up from there: a join of a thousand branches
 * whose outcomes come in one batch is not counted a thousand times.
 */
export class Arrivals {
  readonly #tallies = new Map<ScopePath, Map<NodeId, Tally>>();

  evaluate(graph: Graph, scope: OpenScope, node: Node): JoinVerdict {
    const incoming = graph.incoming.get(node.id) ?? [];
    // A start node has no edge to wait for.
    if (incoming.length === 0) return 'run';
    return verdictOf(node, this.#tallyOf(graph, scope, node, incoming));
  }

  /** A node's edges were resolved; each is, once: those that are not taken are dead. */
  resolved(graph: Graph, scope: ScopePath, nodeId: NodeId, takenEdges: readonly EdgeId[]): void {
    const tallies = this.#tallies.get(scope);
    if (tallies === undefined) return;
    for (const { to, id } of graph.outgoing.get(nodeId) ?? []) {
      const tally = to === null ? undefined : tallies.get(to);
      if (tally === undefined) continue;
      tally.unresolved--;
      if (isAmong(takenEdges, id)) tally.taken++;
    }
  }

  /** The scope opens anew, or what has arrived in it has changed otherwise. */
  forget(scope: ScopePath): void {
    this.#tallies.delete(scope);
  }

  /** The graphs are others now. */
  forgetAll(): void {
    this.#tallies.clear();
  }

  #tallyOf(graph: Graph, scope: OpenScope, node: Node, incoming: readonly Edge[]): Tally {
    let tallies = this.#tallies.get(scope.path);
    if (tallies === undefined) {
      tallies = new Map();
      this.#tallies.set(scope.path, tallies);
    }
    let tally = tallies.get(node.id);
    if (tally === undefined) {
      tally = count(graph, scope, incoming);
      tallies.set(node.id, tally);
    }
    return tally;
  }
}

function count(graph: Graph, scope: OpenScope, incoming: readonly Edge[]): Tally {
  const tally = { taken: 0, unresolved: 0 };
  for (const edge of incoming) {
    const state = resolvedEdge(graph, scope, edge);
    if (state === null) tally.unresolved++;
    else if (state === 'taken') tally.taken++;
  }
  return tally;
}

/** null: the node that it comes from has not exited. */
export function resolvedEdge(graph: Graph, scope: OpenScope, edge: Edge): 'taken' | 'dead' | null {
  const source = taskOf(graph, scope, edge.from);
  if (source === undefined || !hasExited(source)) return null;
  return isAmong(source.takenEdges, edge.id) ? 'taken' : 'dead';
}

export function verdictOf(node: Pick<Node, 'join'>, { taken, unresolved }: Tally): JoinVerdict {
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

/** The task that opens a node: of those whose edge to it was taken, the one that ended last. Undefined for a start node. */
export function predecessorAmong(graph: Graph, scope: OpenScope, nodeId: NodeId): ClosedTask | undefined {
  let last: ClosedTask | undefined;
  for (const edge of graph.incoming.get(nodeId) ?? []) {
    const source = taskOf(graph, scope, edge.from);
    if (source === undefined || !hasExited(source) || !isAmong(source.takenEdges, edge.id)) continue;
    if (last === undefined || source.closedSeq > last.closedSeq) last = source;
  }
  return last;
}

const sets = new WeakMap<readonly EdgeId[], ReadonlySet<EdgeId>>();

/** Cached, since each of a thousand branches asks it of the node that they come from. */
function isAmong(takenEdges: readonly EdgeId[], id: EdgeId): boolean {
  if (takenEdges.length < 16) return takenEdges.includes(id);
  let set = sets.get(takenEdges);
  if (set === undefined) {
    set = new Set(takenEdges);
    sets.set(takenEdges, set);
  }
  return set.has(id);
}

function taskOf(graph: Graph, scope: OpenScope, nodeId: NodeId): TaskState | undefined {
  const node = graph.nodes.get(nodeId);
  return node === undefined ? undefined : own(scope.tasks, taskPathOf(scope.path, node));
}

function hasExited(task: TaskState): task is ClosedTask & { readonly takenEdges: readonly EdgeId[] } {
  return 'takenEdges' in task && task.takenEdges !== null;
}
