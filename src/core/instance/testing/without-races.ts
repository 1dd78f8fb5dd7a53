/**
 * A random document without what makes a race: joins that do not wait for all, variables that several branches write, failures that end
 * the work of others, and timeouts (which the test never lets fire). In what is left, the order of messages decides nothing.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';

export function withoutRaces({ nodes, onFailure: _, timeout: __, ...document }: JsonObject): JsonObject {
  return { ...document, nodes: calmed(nodes), onFailure: 'incident' };
}

function calmed(nodes: Json | undefined): JsonObject {
  if (!isJsonObject(nodes)) throw new Error('a graph has nodes');
  return Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, calm(node as JsonObject)]));
}

/** An event may come to either of two waits, and the first of several that count ends the wait. */
function calm({
  join: _,
  cancelRest: __,
  set: ___,
  compensation: ____,
  until,
  atLeast,
  anyOf,
  count,
  onTimeout,
  ...node
}: JsonObject): JsonObject {
  const inner = isJsonObject(node.body) && isJsonObject(node.body.nodes) ? { body: { ...node.body, nodes: calmed(node.body.nodes) } } : {};
  switch (node.type) {
    case 'forEach':
      return { ...node, ...inner, onItemFailure: 'continue' };
    case 'repeat':
    case 'wait':
      return { ...node, ...inner, ...(until === undefined ? {} : { until }) };
    case 'event':
      return anyOf === undefined ? node : { ...node, event: 'paid', key: 'k' };
    default:
      return { ...node, ...inner };
  }
}
