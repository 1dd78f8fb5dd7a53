/** The id of a node that undoes another one: that of the other, and a word. No node of a graph has a dot in its id. */
import type { NodeId } from '../ids.ts';

const SUFFIX = '.compensation';

export function compensationIdOf(id: NodeId): NodeId {
  return `${id}${SUFFIX}` as NodeId;
}

/** The node that it undoes; null for a node of a graph. */
export function undoneNodeOf(id: NodeId): NodeId | null {
  return id.endsWith(SUFFIX) ? (id.slice(0, -SUFFIX.length) as NodeId) : null;
}
