/** What a definition needs from outside: the literals that a deploy has to provide for before it answers. */
import type { Definition, Node } from './types.ts';

/** Queues of its `task` nodes, in the order of the document. */
export function definitionQueues(definition: Definition): readonly string[] {
  return collect(definition, (node) => (node.type === 'task' ? [node.queue] : []));
}

/** Types of external events that its `event` nodes wait for. */
export function definitionEventTypes(definition: Definition): readonly string[] {
  return collect(definition, (node) => (node.type === 'event' ? node.waits.map(({ event }) => event) : []));
}

/** Topics that its `publish` nodes name; the usual one, which they need not name, is not among them. */
export function definitionTopics(definition: Definition): readonly string[] {
  return collect(definition, (node) => (node.type === 'publish' && node.topic !== null ? [node.topic] : []));
}

function collect({ nodes }: Definition, of: (node: Node) => readonly string[]): readonly string[] {
  return [...new Set([...nodes.values()].flatMap(of))];
}
