/** Reads a graph of a document, the whole definition's or a loop's body, and the graphs in it. */

import type { NodeId } from '../ids.ts';
import { itemChild } from '../instance/state/scopes.ts';
import { readChildOfItem, readNode } from '../nodes/read-node.ts';
import { type KnownNodes, readEdges } from './edges.ts';
import type { DefinitionErrors } from './errors.ts';
import type { Expressions } from './expressions.ts';
import { linksOf } from './graph.ts';
import { GraphScope } from './graph-scope.ts';
import type { DefinitionLimits } from './limits.ts';
import type { ObjectReader } from './object-reader.ts';
import type { Graph, Node } from './types.ts';

/** What the graphs of one document share while it is read. */
export type Parsing = {
  readonly errors: DefinitionErrors;
  readonly expressions: Expressions;
  readonly limits: DefinitionLimits;
  /** How many more may be read. That there are too many was noted as one error. */
  readonly left: { nodes: number; edges: number };
  /** Of all graphs, in the order in which they begin; checked as a whole once everything is read. */
  readonly graphs: { readonly scope: GraphScope; readonly nodes: KnownNodes }[];
};

const EMPTY: Graph = {
  nodes: new Map(),
  edges: [],
  outgoing: new Map(),
  incoming: new Map(),
  startNodes: [],
  ancestors: new Map(),
  output: null,
};

export function readGraph(reader: ObjectReader, scope: GraphScope, parsing: Parsing): Graph {
  const nodes = new Map<NodeId, Node | null>();
  parsing.graphs.push({ scope, nodes });
  readNodes(reader, scope, nodes, parsing);
  const { errors, expressions, left } = parsing;
  const list = (reader.array('edges') ?? []).slice(0, left.edges);
  left.edges -= list.length;
  const edges = readEdges(list, { scope, nodes, expressions }, errors);
  const output = reader.raw('output');
  const template = output === undefined ? null : expressions.template(output, reader.at('output'), { kind: 'end', scope });
  scope.links = linksOf(scope.ids, edges);
  const known = new Map([...nodes.values()].flatMap((node) => (node === null ? [] : [[node.id, node] as const])));
  return { nodes: known, edges, ...scope.links, output: template };
}

function readNodes(reader: ObjectReader, scope: GraphScope, nodes: Map<NodeId, Node | null>, parsing: Parsing): void {
  reader.required('nodes', 'an object with the nodes by their ids');
  const members = reader.nested('nodes');
  if (members === undefined) return;
  const all = Object.entries(members.object);
  const owner = scope.loop === null ? 'A definition' : 'A body';
  if (all.length === 0) parsing.errors.add(members.pointer, 'MR_DEF_SHAPE', `${owner} needs at least one node.`);
  const entries = all.slice(0, parsing.left.nodes);
  parsing.left.nodes -= entries.length;
  // All names first, since a body sees the names around it.
  const ids = entries.map(([name]) => scope.declare(name));
  for (const [index, [name, value]] of entries.entries()) {
    const id = ids[index] ?? scope.declare(name);
    const { expressions, errors } = parsing;
    nodes.set(
      id,
      readNode(
        value,
        { id, name, scope, expressions },
        (node) => (loop) => readBody(node, { ...loop, isChild: false, nodeId: id, outer: scope }, parsing),
        (node) => (as) => readItemChild(node, { type: 'forEach', as, isChild: true, nodeId: id, outer: scope }, parsing),
        errors,
      ),
    );
  }
}

function readBody(node: ObjectReader, loop: NonNullable<GraphScope['loop']>, parsing: Parsing): Graph {
  node.required('body', 'the graph that the loop runs, as { "nodes": …, "edges": …, "output": … }');
  const body = node.nested('body');
  if (body === undefined) return EMPTY;
  const scope = new GraphScope(body.pointer, loop);
  const { loopDepth } = parsing.limits;
  if (scope.loops.length > loopDepth) {
    parsing.errors.add(body.pointer, 'MR_DEF_LIMIT', `Loops are nested deeper than ${loopDepth} levels here.`);
    return EMPTY;
  }
  const graph = readGraph(body, scope, parsing);
  body.end('A body');
  return graph;
}

/** `workflow` in the place of a body: a graph of this one node, whose output is the item's. */
function readItemChild(node: ObjectReader, loop: NonNullable<GraphScope['loop']>, parsing: Parsing): Graph {
  const { errors, expressions, limits } = parsing;
  const pointer = node.at('workflow');
  const scope = new GraphScope(pointer, loop);
  if (scope.loops.length > limits.loopDepth) {
    errors.add(pointer, 'MR_DEF_LIMIT', `Loops stand in each other deeper than ${limits.loopDepth} levels here.`);
    return EMPTY;
  }
  const value = node.raw('workflow') ?? null;
  const id = scope.declare(itemChild);
  const child = readChildOfItem(value, { id, name: itemChild, scope, expressions }, errors);
  scope.links = linksOf(scope.ids, []);
  if (child === null) return EMPTY;
  const nodes = new Map([[id, child]]);
  parsing.graphs.push({ scope, nodes });
  const output = expressions.template(`\${ nodes.${itemChild}.output }`, pointer, { kind: 'end', scope });
  return { nodes, edges: [], ...scope.links, output };
}
