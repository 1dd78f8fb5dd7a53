/** What a definition needs from outside (queues, event types, topics, schedules), which a deploy provides before it answers. */
import { type DefinitionId, type NodeId, parseDefinitionId } from '../ids.ts';
import { isJsonObject, type Json } from '../json.ts';
import { own } from '../record.ts';
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

/** The same of a document that was not read yet, once each; some that no definition could have may be among them. */
export function childrenNamedIn(document: Json): readonly Pick<ChildDefinition, 'id' | 'version'>[] {
  const found = new Map<string, Pick<ChildDefinition, 'id' | 'version'>>();
  // Not recursive: nobody has looked yet how deep it is.
  const graphs: (Json | undefined)[] = [document];
  for (const graph of graphs) {
    const nodes = isJsonObject(graph) ? own(graph, 'nodes') : undefined;
    for (const node of isJsonObject(nodes) ? Object.values(nodes) : []) {
      if (!isJsonObject(node)) continue;
      graphs.push(own(node, 'body'));
      for (const child of [node, own(node, 'workflow'), own(node, 'compensation')]) {
        const name = isJsonObject(child) ? own(child, 'definition') : undefined;
        const id = typeof name === 'string' ? parseDefinitionId(name) : undefined;
        if (!isJsonObject(child) || id === undefined) continue;
        const pinned = own(child, 'version');
        const version = typeof pinned === 'number' ? pinned : null;
        found.set(`${id}@${version}`, { id, version });
      }
    }
  }
  return [...found.values()];
}

function collect({ nodes }: Definition, of: (node: Node) => readonly string[]): readonly string[] {
  return [...new Set([...nodes.values()].flatMap(of))];
}
