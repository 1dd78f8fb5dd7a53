/** Checks the graph as a whole: cycles, reachability, ancestors, and the rules for all edges of a node together. */

import type { NodeId } from '../ids.ts';
import type { KnownNodes } from './edges.ts';
import type { DefinitionErrors } from './errors.ts';
import type { GraphScope, Links } from './graph-scope.ts';
import { NodeOrder, type NodeSet, type ReadonlyNodeSet } from './node-set.ts';
import type { Edge } from './types.ts';

export function linksOf(ids: readonly NodeId[], edges: readonly Edge[]): Links {
  const outgoing = new Map<NodeId, Edge[]>(ids.map((id) => [id, []]));
  const incoming = new Map<NodeId, Edge[]>(ids.map((id) => [id, []]));
  for (const edge of edges) {
    outgoing.get(edge.from)?.push(edge);
    if (edge.to !== null) incoming.get(edge.to)?.push(edge);
  }
  const startNodes = ids.filter((id) => incoming.get(id)?.length === 0);
  return { outgoing, incoming, startNodes, ancestors: findAncestors(ids, outgoing, incoming) };
}

/**
 * In topological order the ancestors of a node are its predecessors and their ancestors. Nodes on or behind a cycle are searched
 * one by one, each no further than to those that are known: on one cycle the first knows what all of them have before them.
 */
function findAncestors(
  ids: readonly NodeId[],
  outgoing: ReadonlyMap<NodeId, readonly Edge[]>,
  incoming: ReadonlyMap<NodeId, readonly Edge[]>,
): Map<NodeId, ReadonlyNodeSet> {
  const order = new NodeOrder(ids);
  const ancestors = new Map<NodeId, NodeSet>();
  const missing = new Map(ids.map((id) => [id, incoming.get(id)?.length ?? 0]));
  const ready = ids.filter((id) => missing.get(id) === 0);
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    const all = order.emptySet();
    for (const { from } of incoming.get(id) ?? []) {
      all.add(from);
      const before = ancestors.get(from);
      if (before !== undefined) all.addAll(before);
    }
    ancestors.set(id, all);
    for (const { to } of outgoing.get(id) ?? []) {
      if (to === null) continue;
      const left = (missing.get(to) ?? 0) - 1;
      missing.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  for (const id of ids)
    if (!ancestors.has(id))
      ancestors.set(
        id,
        walk([id], (at) => (incoming.get(at) ?? []).map(({ from }) => from), order.emptySet(), ancestors),
      );
  return ancestors;
}

/** All nodes that can be reached in one step or more. @param known of some nodes all that can be reached from them. */
function walk(
  from: readonly NodeId[],
  next: (at: NodeId) => readonly NodeId[],
  found: NodeSet,
  known: ReadonlyMap<NodeId, NodeSet> = new Map(),
): NodeSet {
  const toDo = [...from];
  for (let at = toDo.pop(); at !== undefined; at = toDo.pop()) {
    for (const id of next(at)) {
      if (found.has(id)) continue;
      found.add(id);
      const behind = known.get(id);
      if (behind === undefined) toDo.push(id);
      else found.addAll(behind);
    }
  }
  return found;
}

export function checkGraph(scope: GraphScope, nodes: KnownNodes, errors: DefinitionErrors): void {
  const { links } = scope;
  checkCycles(scope, errors);
  for (const id of scope.ids) {
    checkOtherwise(id, links.outgoing.get(id) ?? [], scope, errors);
    const arrivals = links.incoming.get(id)?.length ?? 0;
    const join = nodes.get(id)?.join;
    if (join?.kind === 'atLeast' && join.n > arrivals)
      errors.add(
        `${scope.nodePointer(id)}/join/atLeast`,
        'MR_DEF_JOIN',
        `The join waits for ${join.n} branches, but ${arrivals === 1 ? 'only 1 edge leads' : `${arrivals} edges lead`} to "${scope.nameOf(id)}".`,
      );
  }
}

function checkCycles(scope: GraphScope, errors: DefinitionErrors): void {
  const { outgoing, ancestors, startNodes } = scope.links;
  const told = new Set<NodeId>();
  const onCycle = new Set([...ancestors].filter(([id, before]) => before.has(id)).map(([id]) => id));
  for (const id of onCycle) {
    if (told.has(id)) continue;
    for (const other of onCycle) if (ancestors.get(id)?.has(other) && ancestors.get(other)?.has(id)) told.add(other);
    const cycle = findCycle(id, outgoing);
    const names = cycle.map(({ from }) => scope.nameOf(from));
    const last = cycle.at(-1);
    errors.add(
      scope.edgePointer(last?.index ?? 0),
      'MR_DEF_CYCLE',
      `The edges form a cycle: ${[...names, scope.nameOf(id)].slice(0, 50).join(' → ')}. A definition must be free of cycles: remove one of the edges.`,
    );
  }
  const next = (at: NodeId): NodeId[] => (outgoing.get(at) ?? []).flatMap(({ to }) => (to === null ? [] : [to]));
  const reachable = walk(startNodes, next, new NodeOrder(scope.ids).emptySet());
  for (const id of ancestors.keys()) {
    if (reachable.has(id) || startNodes.includes(id) || onCycle.has(id)) continue;
    const message = `"${scope.nameOf(id)}" can never be reached: every path to it leads through a cycle.`;
    errors.add(scope.nodePointer(id), 'MR_DEF_UNREACHABLE_NODE', message);
  }
}

/** The shortest way from a node back to itself. */
function findCycle(start: NodeId, outgoing: ReadonlyMap<NodeId, readonly Edge[]>): Edge[] {
  const cameBy = new Map<NodeId, Edge>();
  const toDo: NodeId[] = [start];
  for (let at = toDo.shift(); at !== undefined && !cameBy.has(start); at = toDo.shift()) {
    for (const edge of outgoing.get(at) ?? []) {
      if (edge.to === null || cameBy.has(edge.to)) continue;
      cameBy.set(edge.to, edge);
      toDo.push(edge.to);
    }
  }
  const cycle: Edge[] = [];
  for (let edge = cameBy.get(start); edge !== undefined; edge = edge.from === start ? undefined : cameBy.get(edge.from))
    cycle.unshift(edge);
  return cycle;
}

/** Whatever the conditions give, it must be defined which edges of a completed node are taken. */
function checkOtherwise(id: NodeId, edges: readonly Edge[], scope: GraphScope, errors: DefinitionErrors): void {
  const name = scope.nameOf(id);
  const kinds = edges.flatMap(({ index, rule }) => (rule.on === 'completed' ? [{ index, kind: rule.condition.kind }] : []));
  const [first, ...more] = kinds.filter(({ kind }) => kind === 'otherwise');
  const always = kinds.find(({ kind }) => kind === 'always');
  if (first === undefined && always === undefined && kinds.length > 0)
    errors.add(
      scope.nodePointer(id),
      'MR_DEF_OTHERWISE_MISSING',
      `All edges of the completed "${name}" have conditions, and perhaps none holds: add an edge with "otherwise": true ("to": null for "else nothing").`,
    );
  if (first !== undefined && always !== undefined)
    errors.add(
      `${scope.edgePointer(first.index)}/otherwise`,
      'MR_DEF_OTHERWISE_NEVER',
      `This edge can never be taken, since edge ${always.index} from "${name}" has no condition: give that one a "when", or leave this one out.`,
    );
  for (const { index } of more)
    errors.add(
      `${scope.edgePointer(index)}/otherwise`,
      'MR_DEF_OTHERWISE_TWICE',
      `"${name}" has an "otherwise" already (edge ${first?.index}): keep one.`,
    );
}
