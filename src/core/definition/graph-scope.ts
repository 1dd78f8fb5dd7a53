/**
 * One graph of a document while it is read: its place, its nodes by name, and the loop whose body it is. Names of an inner
 * graph hide those of the graphs around it. Relies on `links` being set before references are checked.
 */
import type { NodeId } from '../ids.ts';
import { pointerTo } from '../json-pointer.ts';
import { undoneNodeOf } from './compensation-id.ts';
import type { Definition, Graph } from './types.ts';

export type Links = Pick<Graph, 'outgoing' | 'incoming' | 'startNodes' | 'ancestors'>;

/** The loop whose body a graph is, and the graph in which the loop stands. */
export type LoopSite = {
  readonly type: 'forEach' | 'repeat';
  readonly nodeId: NodeId;
  /** The author's own name for the item. */
  readonly as: string | null;
  /** Its body is `workflow`, a node without a graph around it. */
  readonly isChild: boolean;
  readonly outer: GraphScope;
};

const NO_LINKS: Links = { outgoing: new Map(), incoming: new Map(), startNodes: [], ancestors: new Map() };

export class GraphScope {
  /** `''`, or that of a body: `/nodes/order/body`. */
  readonly pointer: string;
  readonly loop: LoopSite | null;
  links: Links = NO_LINKS;
  /** Edges that could not be read, each with the ends that are known: they might say that one node runs before another. */
  looseEdges: readonly { readonly from: NodeId | null; readonly to: NodeId | null }[] = [];
  /** The bodies of its loops. */
  readonly bodies: GraphScope[] = [];
  readonly #ids = new Map<string, NodeId>();
  readonly #names = new Map<NodeId, string>();

  constructor(pointer: string, loop: LoopSite | null) {
    this.pointer = pointer;
    this.loop = loop;
    loop?.outer.bodies.push(this);
  }

  /** Makes a node known, and gives its qualified id. */
  declare(name: string): NodeId {
    const id = (this.loop === null ? name : `${this.loop.nodeId}/${name}`) as NodeId;
    this.#ids.set(name, id);
    this.#names.set(id, name);
    return id;
  }

  idOf(name: string): NodeId | undefined {
    return this.#ids.get(name);
  }

  nameOf(id: NodeId): string {
    return this.#names.get(id) ?? id;
  }

  get ids(): readonly NodeId[] {
    return [...this.#names.keys()];
  }

  get names(): readonly string[] {
    return [...this.#ids.keys()];
  }

  nodePointer(id: NodeId): string {
    // The one node of a forEach that stands for its `workflow` has no place of its own in the document.
    if (this.loop?.isChild === true) return this.pointer;
    return pointerTo(`${this.pointer}/nodes`, this.nameOf(id));
  }

  edgePointer(index: number): string {
    return `${this.pointer}/edges/${index}`;
  }

  /** The loops around this graph, the innermost first. */
  get loops(): readonly LoopSite[] {
    const loops: LoopSite[] = [];
    for (let at = this.loop; at !== null; at = at.outer.loop) loops.push(at);
    return loops;
  }

  /** Names that loops gave to their items. */
  get itemNames(): readonly string[] {
    return this.loops.flatMap(({ as }) => (as === null ? [] : [as]));
  }

  /** Whether there is a node of this name here, or around the loops that this graph is in. */
  sees(name: string): boolean {
    return this.idOf(name) !== undefined || this.loops.some(({ outer }) => outer.idOf(name) !== undefined);
  }

  /** Names of nodes that expressions here may use, the nearest first. */
  get visibleNames(): ReadonlySet<string> {
    return new Set([...this.names, ...this.loops.flatMap(({ outer }) => outer.names)]);
  }
}

/** Place of a node in the document, by its qualified id: `/nodes/order/body/nodes/ship`. */
export function nodePointerOf(id: NodeId, { nodes }: Pick<Definition, 'nodes'> = { nodes: new Map() }): string {
  const undone = undoneNodeOf(id);
  if (undone !== null) return `${nodePointerOf(undone, { nodes })}/compensation`;
  const cut = id.lastIndexOf('/');
  const loop = cut < 0 ? undefined : nodes.get(id.slice(0, cut) as NodeId);
  if (loop?.type === 'forEach' && loop.hasChildren) return `${nodePointerOf(loop.id)}/workflow`;
  return `/nodes/${id.split('/').join('/body/nodes/')}`;
}
