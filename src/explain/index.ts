/** Explains in sentences what a definition does, node by node, for somebody who does not know the language. Pure. */
import type { Definition, Graph, Node } from '../core/definition/types.ts';
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

export function explain(definition: Definition): Explanation {
  const { root, onFailure, timeout, input, nodes } = definition;
  const starts = root.startNodes.map((id) => `"${id}"`).join(', ');
  const ends =
    timeout === null
      ? 'There is no limit to how long it may take.'
      : 'It has a "timeout": when that has passed, open work is cancelled and the instance fails.';
  return {
    sentences: [
      `An instance starts with ${root.startNodes.length === 1 ? 'the node' : 'the nodes'} ${starts}.`,
      input === null ? 'Any input is accepted.' : 'The input must fit the schema in "input", otherwise nothing starts.',
      onFailure === 'fail'
        ? 'A node that fails without an edge for it fails the instance.'
        : 'A node that fails without an edge for it waits as an incident, until a person retries it or cancels the instance.',
      ends,
      root.output === null ? 'Its output is null.' : 'In the end its output is made from "output".',
    ],
    nodes: [...nodes.values()].map((node) => explainNode(definition, node)),
  };
}

function explainNode(definition: Definition, node: Node): NodeExplanation {
  const graph = graphOf(definition, node);
  const work = describeWork(node);
  const { sentences, warnings } = describeDeparture(definition, graph, node);
  return {
    nodeId: node.id,
    sentences: [describeArrivals(graph, node), ...work.sentences, ...sentences],
    names: namesSeenBy(definition, graph, node),
    warnings: [...work.warnings, ...warnings],
  };
}

function graphOf({ nodes, root }: Definition, node: Node): Graph {
  const loop = nodes.get(node.id.slice(0, Math.max(0, node.id.lastIndexOf('/'))) as Node['id']);
  return loop !== undefined && 'body' in loop ? loop.body : root;
}
