/**
 * The graph of a scope under another version: what has arrived at a join must still arrive there, and a node that was still to come
 * must still be able to. A new node in the part that the instance has passed is skipped, as if no edge had led to it.
 */
import { nodePointerOf } from '../../definition/graph-scope.ts';
import type { Definition, Edge, Graph, Node } from '../../definition/types.ts';
import type { EdgeId, NodeId } from '../../ids.ts';
import { own } from '../../record.ts';
import { Arrivals, type JoinVerdict, resolvedEdge, verdictOf } from '../follow-ups/arrivals.ts';
import { taskPathOf } from '../state/scopes.ts';
import type { OpenScope } from '../state/state.ts';
import type { Reasons } from './reasons.ts';

/** A scope, with its graph in both versions. */
export type Site = { readonly scope: OpenScope; readonly source: Graph; readonly target: Graph; readonly definition: Definition };

/** Edges that were taken, and whose ends have not opened yet. */
export function judgeArrivals({ scope, source, target, definition }: Site, reasons: Reasons): void {
  const pointer = scope.loopId === null ? '/edges' : `${nodePointerOf(scope.loopId)}/body/edges`;
  for (const task of Object.values(scope.tasks)) {
    const taken = 'takenEdges' in task ? (task.takenEdges ?? []) : [];
    for (const id of taken) {
      const before = edgeOf(source, task.nodeId, id);
      const after = edgeOf(target, task.nodeId, id);
      if (after === undefined) {
        if (before === undefined || before.to === null || isOpened(scope, before.to)) continue;
        const message = `The edge "${id}" was taken, and "${before.to}" waits behind it for others. Version ${definition.version} has no such edge.`;
        reasons.add(pointer, message);
      } else if (after.to !== null && after.to !== before?.to && !isOpened(scope, after.to)) {
        const message = `The edge "${id}" was taken, and in version ${definition.version} it leads to "${after.to}": give that edge another "id".`;
        reasons.add(`${pointer}/${after.index}`, message);
      }
    }
  }
}

function edgeOf(graph: Graph, from: NodeId, id: EdgeId): Edge | undefined {
  return graph.outgoing.get(from)?.find((edge) => edge.id === id);
}

/** The path of a task is made of the names in its graph. */
function isOpened(scope: OpenScope, nodeId: NodeId): boolean {
  return taskOf(scope, nodeId) !== undefined;
}

function taskOf(scope: OpenScope, nodeId: NodeId) {
  return own(scope.tasks, taskPathOf(scope.path, { name: nodeId.slice(nodeId.lastIndexOf('/') + 1) }));
}

/** @returns new nodes that the instance has passed, in the order of the graph. */
export function judgePassed({ scope, source, target, definition }: Site, reasons: Reasons): readonly Node[] {
  for (const _ in scope.tasks) return passedIn({ scope, source, target, definition }, reasons);
  // Nothing has begun.
  return [];
}

function passedIn({ scope, source, target, definition }: Site, reasons: Reasons): readonly Node[] {
  const passed = new Map<NodeId, Node>();
  const before = new Arrivals();
  for (const node of inOrder(target)) {
    if (isOpened(scope, node.id)) continue;
    const known = source.nodes.get(node.id);
    const was = known === undefined ? null : before.evaluate(source, scope, known);
    // In a step that reached its limit, the start is still to be decided.
    if (was === 'run' && source.incoming.get(node.id)?.length === 0 && target.incoming.get(node.id)?.length === 0) continue;
    if (verdictIn(target, scope, node, passed) !== 'skip') continue;
    passed.set(node.id, node);
    if (was === 'wait' || was === 'run') {
      const message = `The node "${node.id}" was still to come, and in version ${definition.version} nothing that is left leads to it.`;
      reasons.add(nodePointerOf(node.id, definition), message);
    }
  }
  return [...passed.values()];
}

/** Graphs never change, and one of a loop is judged for each of its items. */
const orders = new WeakMap<Graph, readonly Node[]>();

/** Ancestors come first: those of a node are fewer than its own and itself. */
function inOrder(graph: Graph): readonly Node[] {
  const known = orders.get(graph);
  if (known !== undefined) return known;
  const { nodes, ancestors } = graph;
  const placed = [...nodes.values()].map((node) => ({ node, depth: ancestors.get(node.id)?.size ?? 0 }));
  const order = placed.sort((a, b) => a.depth - b.depth).map(({ node }) => node);
  orders.set(graph, order);
  return order;
}

function verdictIn(graph: Graph, scope: OpenScope, node: Node, passed: ReadonlyMap<NodeId, Node>): JoinVerdict {
  const incoming = graph.incoming.get(node.id) ?? [];
  // The scope has begun without it.
  if (incoming.length === 0) return 'skip';
  const tally = { taken: 0, unresolved: 0 };
  for (const edge of incoming) {
    const state = passed.has(edge.from) ? 'dead' : resolvedEdge(graph, scope, edge);
    if (state === 'taken') tally.taken++;
    else if (state === null) tally.unresolved++;
  }
  return verdictOf(node, tally);
}
