/** A definition as boxes and arrows, with loops as boxes around their bodies: the input of formats and layouts. */
import type { Definition, Edge, Graph, Node } from '../core/definition/types.ts';
import type { NodeId } from '../core/ids.ts';

export type Picture = {
  readonly title: string;
  readonly graph: PictureGraph;
};

export type PictureGraph = {
  readonly boxes: readonly Box[];
  /** Between boxes of this graph, by their indexes in `boxes`. */
  readonly arrows: readonly Arrow[];
};

export type Box = {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly type: Node['type'];
  /** Title by the author; null: none. */
  readonly title: string | null;
  /** What undoes it: the type of its compensation, and the definition of a child. null: nothing. */
  readonly undoneBy: string | null;
  /** Of a loop. */
  readonly body: PictureGraph | null;
};

export type Arrow = {
  readonly from: number;
  /** null: the arrow leads to no node. */
  readonly to: number | null;
  /** Empty for one that is taken whenever its node completes. */
  readonly label: string;
  /** `failure`: it is taken when its node failed or timed out. */
  readonly kind: 'flow' | 'failure';
};

/** Status of a node in an instance, for its colour. */
export type NodeStatus = 'running' | 'incident' | 'completed' | 'failed' | 'skipped' | 'cancelled';
export type Statuses = ReadonlyMap<string, NodeStatus>;

export function pictureOf(definition: Definition): Picture {
  const { id, version, title } = definition;
  return { title: title === null ? `${id}, version ${version}` : `${title} (${id}, version ${version})`, graph: graphOf(definition.root) };
}

function graphOf(graph: Graph): PictureGraph {
  const nodes = [...graph.nodes.values()];
  const places = new Map(nodes.map((node, place) => [node.id, place]));
  return {
    boxes: nodes.map(boxOf),
    arrows: graph.edges.flatMap((edge) => {
      const from = places.get(edge.from);
      if (from === undefined) return [];
      const to = edge.to === null ? null : (places.get(edge.to) ?? null);
      return [{ from, to, label: labelOf(edge), kind: edge.rule.on === 'completed' ? ('flow' as const) : ('failure' as const) }];
    }),
  };
}

function boxOf(node: Node): Box {
  const { id, name, type, info, compensation } = node;
  const undoneBy = compensation === null ? null : undoingOf(compensation.node);
  return { nodeId: id, name, type, title: info.title, undoneBy, body: 'body' in node ? graphOf(node.body) : null };
}

function undoingOf(node: Node): string {
  return node.type === 'workflow' ? `${node.type} ${node.definition}` : node.type;
}

function labelOf({ rule }: Edge): string {
  if (rule.on !== 'completed') {
    const error = rule.error === null ? '' : ` ${rule.error}`;
    return `on ${rule.on}${error}${rule.when === null ? '' : `: ${rule.when.source}`}`;
  }
  if (rule.condition.kind === 'always') return '';
  return rule.condition.kind === 'otherwise' ? 'otherwise' : rule.condition.when.source;
}

/** A label or title, cut to fit into a drawing; formats with tooltips have all of it there. */
export function shortened(text: string, lengthMax: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const characters = [...line];
  return characters.length > lengthMax ? `${characters.slice(0, lengthMax - 1).join('')}…` : line;
}
