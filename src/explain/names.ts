/** Which names the expressions of a node see: those of its loops, and the nodes that may have run before it. */
import type { Definition, Graph, Node } from '../core/definition/types.ts';

export function namesSeenBy(definition: Definition, graph: Graph, node: Node): readonly string[] {
  const names = ['input', 'instance', 'now'];
  if (hasVariables(definition)) names.push('vars');
  for (const id of graph.ancestors.get(node.id) ?? []) names.push(`nodes.${graph.nodes.get(id)?.name ?? id}`);
  for (let loopId = parentOf(node.id); loopId !== ''; loopId = parentOf(loopId)) {
    const loop = definition.nodes.get(loopId as Node['id']);
    const around = definition.nodes.get(parentOf(loopId) as Node['id']);
    const outer = around !== undefined && 'body' in around ? around.body : definition.root;
    if (loop?.type === 'forEach') names.push('item', 'index', ...(loop.as === null ? [] : [loop.as]));
    if (loop?.type === 'repeat') names.push('last', 'index');
    for (const id of outer.ancestors.get(loopId as Node['id']) ?? []) names.push(`nodes.${outer.nodes.get(id)?.name ?? id}`);
  }
  return [...new Set(names)];
}

function hasVariables({ document, nodes }: Definition): boolean {
  return (typeof document === 'object' && document !== null && 'vars' in document) || [...nodes.values()].some(({ set }) => set.size > 0);
}

/** The id of the loop around a node, or ''. */
export function parentOf(nodeId: string): string {
  return nodeId.slice(0, Math.max(0, nodeId.lastIndexOf('/')));
}
