/** What a definition needs from outside (queues, event types, topics, schedules), which a deploy provides before it answers. */
import type { DefinitionId, NodeId } from '../ids.ts';
import type { ScheduleTrigger } from './triggers/types.ts';
import type { Definition, Node } from './types.ts';

/** Queues of its `task` nodes, in the order of the document. */
export function definitionQueues(definition: Definition): readonly string[] {
  return collect(definition, (node) => (node.type === 'task' ? [node.queue] : []));
}

/** Types of external events that its `event` nodes wait for, or that start an instance. */
export function definitionEventTypes(definition: Definition): readonly string[] {
  const awaited = collect(definition, (node) => (node.type === 'event' ? node.waits.map(({ event }) => event) : []));
  return [...new Set([...awaited, ...triggerEventTypes(definition)])];
}

/** Types of external events that start an instance. */
export function triggerEventTypes({ triggers }: Definition): readonly string[] {
  return [...new Set(triggers.flatMap((trigger) => (trigger.kind === 'event' ? [trigger.event] : [])))];
}

/** Topics that its `publish` nodes name; the usual one, which they need not name, is not among them. */
export function definitionTopics(definition: Definition): readonly string[] {
  return collect(definition, (node) => (node.type === 'publish' && node.topic !== null ? [node.topic] : []));
}

/** Schedules that start an instance. */
export function scheduleTriggers({ triggers }: Definition): readonly ScheduleTrigger[] {
  return triggers.filter((trigger) => trigger.kind === 'schedule');
}

export type ChildDefinition = { readonly nodeId: NodeId; readonly id: DefinitionId; readonly version: number | null };

/** Definitions of its children, by node. */
export function definitionChildren({ nodes }: Definition): readonly ChildDefinition[] {
  return [...nodes.values()].flatMap((node) =>
    node.type === 'workflow' ? [{ nodeId: node.id, id: node.definition, version: node.version }] : [],
  );
}

function collect({ nodes }: Definition, of: (node: Node) => readonly string[]): readonly string[] {
  return [...new Set([...nodes.values()].flatMap(of))];
}
