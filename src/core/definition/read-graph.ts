/** Reads a graph of a document, the whole definition's or a loop's body, and the graphs in it. */

import type { NodeId } from '../ids.ts';
import { itemChild } from '../instance/state/scopes.ts';
import { isJsonObject, type Json } from '../json.ts';
import { readChildOfItem, readNode } from '../nodes/read-node.ts';
import { own } from '../record.ts';
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
  const { errors, expressions, left } = parsing;
  if (!readNodes(reader, scope, nodes, parsing)) {
    // Everything else names nodes, and would only repeat that there are none.
    for (const field of ['edges', 'output']) reader.raw(field);
    return EMPTY;
  }
  const list = (reader.array('edges') ?? []).slice(0, left.edges);
  left.edges -= list.length;
  const edges = readEdges(list, { scope, nodes, expressions }, errors);
  scope.looseEdges = looseEdgesOf(reader.raw('edges'), scope);
  const output = reader.raw('output');
  const template = output === undefined ? null : expressions.template(output, reader.at('output'), { kind: 'end', scope });
  scope.links = linksOf(scope.ids, edges);
  const known = new Map([...nodes.values()].flatMap((node) => (node === null ? [] : [[node.id, node] as const])));
  return { nodes: known, edges, ...scope.links, output: template };
}

function looseEdgesOf(edges: Json | undefined, scope: GraphScope): GraphScope['looseEdges'] {
  if (edges === undefined) return [];
  if (!Array.isArray(edges)) return [{ from: null, to: null }];
  const endOf = (edge: Json, end: 'from' | 'to'): NodeId | null => {
    const name = isJsonObject(edge) ? own(edge, end) : null;
    return (typeof name === 'string' ? scope.idOf(name) : undefined) ?? null;
  };
  const ends = edges.map((edge: Json) => ({ from: endOf(edge, 'from'), to: endOf(edge, 'to') }));
  return ends.filter(({ from, to }) => from === null || to === null);
}

/** @returns false when there is something else in their place. */
function readNodes(reader: ObjectReader, scope: GraphScope, nodes: Map<NodeId, Node | null>, parsing: Parsing): boolean {
  const value = reader.required('nodes', 'an object with the nodes by their ids');
  const members = reader.nested('nodes', 'an object with the nodes by their ids');
  if (members === undefined) return value === undefined;
  const all = Object.entries(members.object);
  const owner = scope.loop === null ? 'A definition' : 'A body';
  if (all.length === 0) parsing.errors.add(members.pointer, 'MR_DEF_SHAPE', `${owner} needs at least one node.`);
  const entries = all.slice(0, parsing.left.nodes);
  parsing.left.nodes -= entries.length;
  // All names first, since a body sees the names around it.
  const ids = entries.map(([name]) => scope.declare(name));
  for (const [index, [name, node]] of entries.entries()) {
    const id = ids[index] ?? scope.declare(name);
    const { expressions, errors } = parsing;
    nodes.set(
      id,
      readNode(
        node,
        { id, name, scope, expressions },
        (owner) => (loop) => readBody(owner, { ...loop, isChild: false, nodeId: id, outer: scope }, parsing),
        (owner) => (as) => readItemChild(owner, { type: 'forEach', as, isChild: true, nodeId: id, outer: scope }, parsing),
        errors,
      ),
    );
  }
  return true;
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
