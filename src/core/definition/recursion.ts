/** A definition whose child is its own must have something on the way that can end it: else every instance starts another. */
import type { NodeId } from '../ids.ts';
import { type DefinitionErrors, shown } from './errors.ts';
import { nodePointerOf } from './graph-scope.ts';
import type { Definition, Graph } from './types.ts';

export function checkRecursion({ id, root, nodes }: Pick<Definition, 'id' | 'root' | 'nodes'>, errors: DefinitionErrors): void {
  for (const nodeId of certainNodes(root)) {
    const node = nodes.get(nodeId);
    if (node?.type !== 'workflow' || node.definition !== id) continue;
    const message = `${shown(node.name)} runs ${shown(id)} itself as a child, and nothing can keep it from that, so it would never end: put a condition ("when") on the way to it.`;
    errors.add(`${nodePointerOf(nodeId, { nodes })}/definition`, 'MR_DEF_CHILD_OF_ITSELF', message);
  }
}

/** Nodes that run whatever the data are, as long as nothing fails: their edges ask nothing, all the way from the start. */
function* certainNodes(graph: Graph): Generator<NodeId> {
  const certain = new Set<NodeId>(graph.startNodes);
  const arrived = new Map<NodeId, number>();
  // A set visits what is added while it is walked.
  for (const nodeId of certain) {
    yield nodeId;
    const node = graph.nodes.get(nodeId);
    // A forEach may have no items, and a `while` no rounds.
    if (node?.type === 'repeat' && node.condition.kind === 'until') yield* certainNodes(node.body);
    for (const { to, rule } of graph.outgoing.get(nodeId) ?? []) {
      if (to === null || rule.on !== 'completed' || rule.condition.kind !== 'always') continue;
      const count = (arrived.get(to) ?? 0) + 1;
      arrived.set(to, count);
      const join = graph.nodes.get(to)?.join;
      if (join !== undefined && count >= (join.kind === 'atLeast' ? join.n : 1)) certain.add(to);
    }
  }
}
