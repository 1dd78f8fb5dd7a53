/** Which nodes of a definition ran, and which of its edges were taken, over all scenarios. */
import type { Definition, Edge, Graph } from '../core/definition/types.ts';
import { nodeIdOfPath } from '../core/instance/state/scopes.ts';
import type { HistoryEntry } from '../core/instance/step.ts';

export type Coverage = {
  readonly nodes: { readonly count: number; readonly missing: readonly string[] };
  readonly edges: { readonly count: number; readonly missing: readonly string[] };
};

export class CoverageCounter {
  readonly #definition: Definition;
  readonly #ran = new Set<string>();
  readonly #taken = new Set<string>();

  constructor(definition: Definition) {
    this.#definition = definition;
  }

  add(history: readonly HistoryEntry[]): void {
    for (const { event } of history) {
      if ('nodeId' in event && 'attempt' in event) this.#ran.add(event.nodeId);
      if (event.type !== 'NodeExited') continue;
      const graph = graphNameOf(nodeIdOfPath(event.path));
      for (const edge of event.takenEdges) this.#taken.add(`${graph} ${edge}`);
    }
  }

  get coverage(): Coverage {
    const { root, nodes } = this.#definition;
    const graphs: (readonly [name: string, graph: Graph])[] = [['', root]];
    for (const node of nodes.values()) if ('body' in node) graphs.push([node.id, node.body]);
    const edges = graphs.flatMap(([name, graph]) => graph.edges.map((edge) => ({ name, edge })));
    return {
      nodes: { count: nodes.size, missing: [...nodes.keys()].filter((id) => !this.#ran.has(id)) },
      edges: {
        count: edges.length,
        missing: edges.flatMap(({ name, edge }) =>
          this.#taken.has(`${name} ${edge.id}`) ? [] : [`${name === '' ? '' : `${name}: `}${edge.id}${ruleOf(edge)}`],
        ),
      },
    };
  }
}

/** Id of the loop around a node's graph; '' for the definition's own graph. */
function graphNameOf(nodeId: string): string {
  return nodeId.slice(0, Math.max(0, nodeId.lastIndexOf('/')));
}

function ruleOf({ rule }: Edge): string {
  if (rule.on !== 'completed') return ` (on ${rule.on}${rule.error === null ? '' : ` ${rule.error}`})`;
  if (rule.condition.kind === 'always') return '';
  return rule.condition.kind === 'otherwise' ? ' (otherwise)' : ` (when ${rule.condition.when.source})`;
}
