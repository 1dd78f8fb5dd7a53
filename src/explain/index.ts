/** Explains in sentences what a definition does, node by node, for somebody who does not know the language. Pure. */
import type { Trigger } from '../core/definition/triggers/types.ts';
import type { Compensation, Definition, Graph, Node } from '../core/definition/types.ts';
import { describeArrivals, describeDeparture } from './edges.ts';
import { namesSeenBy } from './names.ts';
import { describeWork } from './work.ts';

export type NodeExplanation = {
  readonly nodeId: string;
  /** When the node runs, what it does, what may go wrong, and what follows. */
  readonly sentences: readonly string[];
  /** Names that its expressions see. */
  readonly names: readonly string[];
  /** Behaviour that may surprise, each with what to do about it. */
  readonly warnings: readonly string[];
};

export type Explanation = { readonly sentences: readonly string[]; readonly nodes: readonly NodeExplanation[] };

const failing: { readonly [Way in Definition['onFailure']]: string } = {
  incident: 'A node that fails without an edge for it waits as an incident, until a person retries it or cancels the instance.',
  fail: 'A node that fails without an edge for it fails the instance.',
  compensate:
    'A node that fails without an edge for it fails the instance. Before that, and before a cancel or a timeout, the compensations of completed nodes run, one at a time, the last completed node first.',
};

export function explain(definition: Definition): Explanation {
  const { root, input, triggers } = definition;
  const starts = root.startNodes.map((id) => `"${id}"`).join(', ');
  return {
    sentences: [
      ...triggers.map(describeTrigger),
      `An instance starts with ${root.startNodes.length === 1 ? 'the node' : 'the nodes'} ${starts}.`,
      input === null ? 'Any input is accepted.' : 'The input must fit the schema in "input", otherwise nothing starts.',
      failing[definition.onFailure],
      describeLimit(definition),
      root.output === null ? 'Its output is null.' : 'In the end its output is made from "output".',
    ],
    nodes: [...explainGraph(definition, root)],
  };
}

function describeTrigger(trigger: Trigger): string {
  if (trigger.kind === 'event') return `An event of the type "${trigger.event}" starts an instance (the trigger "${trigger.name}").`;
  return `An instance starts at the times of "${trigger.expression}" in the time zone ${trigger.timeZone} (the trigger "${trigger.name}").`;
}

function describeLimit({ timeout, deadline, onFailure }: Definition): string {
  if (timeout === null && deadline === null) return 'There is no limit to how long it may take.';
  const limits = [...(timeout === null ? [] : ['"timeout"']), ...(deadline === null ? [] : ['"deadline"'])].join(' and a ');
  const undone = onFailure === 'compensate' ? 'what was done is undone, ' : '';
  return `It has a ${limits}: when that has passed, open work is cancelled, ${undone}and the instance fails.`;
}

/** In the order in which the document is read: a node, what undoes it, and what is in its body. */
function* explainGraph(definition: Definition, graph: Graph): Generator<NodeExplanation> {
  for (const node of graph.nodes.values()) {
    yield explainNode(definition, graph, node);
    if (node.compensation !== null) yield explainCompensation(definition, graph, node, node.compensation);
    if ('body' in node) yield* explainGraph(definition, node.body);
  }
}

function explainNode(definition: Definition, graph: Graph, node: Node): NodeExplanation {
  const work = describeWork(node);
  const { sentences, warnings } = describeDeparture(definition, graph, node);
  return {
    nodeId: node.id,
    sentences: [describeArrivals(graph, node), ...work.sentences, ...sentences],
    names: namesSeenBy(definition, graph, node),
    warnings: [...work.warnings, ...warnings],
  };
}

function explainCompensation(definition: Definition, graph: Graph, owner: Node, { node }: Compensation): NodeExplanation {
  const work = describeWork(node);
  return {
    nodeId: node.id,
    sentences: [
      `It undoes "${owner.id}", if that completed and the instance fails, is cancelled or times out afterwards.`,
      ...work.sentences,
      'If it fails for good, the undoing waits as an incident, until a person retries it.',
    ],
    names: ['node', ...namesSeenBy(definition, graph, owner)],
    warnings: work.warnings,
  };
}
