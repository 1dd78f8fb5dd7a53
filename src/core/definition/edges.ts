/** Reads the edges: checks the shape of each, and each against the nodes that it joins. */

import type { EdgeId, NodeId } from '../ids.ts';
import { canonicalJson, isJsonObject, type Json } from '../json.ts';
import { whyNeverEnds } from '../nodes/readers.ts';
import { type DefinitionErrors, shown } from './errors.ts';
import type { Expressions, Place } from './expressions.ts';
import type { GraphScope } from './graph-scope.ts';
import { ObjectReader } from './object-reader.ts';
import type { Edge, Node } from './types.ts';

/** Nodes of a graph: null for one that has errors of its own. */
export type KnownNodes = ReadonlyMap<NodeId, Node | null>;

/** What edges are read against. */
type Surroundings = { readonly scope: GraphScope; readonly nodes: KnownNodes; readonly expressions: Expressions; readonly ids: EdgeIds };

/** @returns the edges whose ends are known; the errors of the others are noted. */
export function readEdges(
  list: readonly Json[],
  { scope, nodes, expressions }: Pick<Surroundings, 'scope' | 'nodes' | 'expressions'>,
  errors: DefinitionErrors,
): Edge[] {
  const seen = new Map<string, number>();
  const surroundings = { scope, nodes, expressions, ids: new EdgeIds() };
  return list.flatMap((value, index) => {
    const pointer = scope.edgePointer(index);
    if (!isJsonObject(value)) {
      errors.add(pointer, 'MR_DEF_SHAPE', 'An edge must be an object with "from" and "to".');
      return [];
    }
    // `otherwise: false` means the same as no `otherwise`, and two edges that differ only in their id are the same edge.
    const { otherwise, id: _, ...rest } = value;
    const text = canonicalJson(otherwise === undefined || otherwise === false ? rest : { ...rest, otherwise });
    const first = seen.get(text);
    if (first !== undefined) errors.add(pointer, 'MR_DEF_DUPLICATE_EDGE', `This edge is the same as edge ${first}: leave one of them out.`);
    else seen.set(text, index);
    const edge = readEdge(new ObjectReader(value, pointer, errors), index, surroundings);
    return edge === null ? [] : [edge];
  });
}

function readEdge(reader: ObjectReader, index: number, { scope, nodes, expressions, ids }: Surroundings): Edge | null {
  const { errors } = reader;
  const given = readEdgeId(reader, ids);
  reader.required('from', 'the id of the node that the edge leaves');
  const from = readEnd(reader, 'from', scope);
  const otherwise = reader.boolean('otherwise') ?? false;
  const isNowhere = reader.raw('to') === null;
  reader.required('to', 'the id of the node that the edge leads to');
  if (isNowhere && !otherwise)
    errors.add(reader.at('to'), 'MR_DEF_EDGE', 'Only an edge with "otherwise": true may lead nowhere ("to": null).');
  const to = isNowhere ? null : readEnd(reader, 'to', scope);
  const rule = readRule(
    reader,
    otherwise,
    from === undefined ? { kind: 'end', scope } : { kind: 'leaving', scope, nodeId: from },
    expressions,
  );
  reader.end('An edge');
  if (from === undefined || to === undefined) return null;
  if (from === to) {
    errors.add(reader.pointer, 'MR_DEF_SELF_EDGE', `This edge leads from "${scope.nameOf(from)}" to itself: lead it to another node.`);
    return null;
  }
  const node = nodes.get(from) ?? null;
  if (node !== null && rule.on !== 'completed') {
    const why = whyNeverEnds(node, rule.on);
    if (why !== null) errors.add(reader.at('on'), 'MR_DEF_EDGE_NEVER_TAKEN', `This edge can never be taken: ${why}`);
  }
  const id = given ?? ids.derive(scope.nameOf(from), to === null ? '' : scope.nameOf(to));
  return { id, index, from, to, rule };
}

function readEnd(reader: ObjectReader, end: 'from' | 'to', scope: GraphScope): NodeId | undefined {
  const name = reader.string(end);
  if (name === undefined) return undefined;
  const id = scope.idOf(name);
  if (id !== undefined) return id;
  const message = scope.sees(name)
    ? `The node ${shown(name)} stands outside of this body: an edge joins nodes of the same graph.`
    : `There is no node ${shown(name)}.${reader.errors.hint(name, () => scope.names)}`;
  reader.errors.add(reader.at(end), 'MR_DEF_UNKNOWN_NODE', message);
  return undefined;
}

/** A derived id has `->` in it, so a given one can never equal it. */
const EDGE_ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** Undefined when the author gave none, or one that cannot be used. */
function readEdgeId(reader: ObjectReader, ids: EdgeIds): EdgeId | undefined {
  const given = reader.string('id');
  if (given === undefined) return undefined;
  if (!EDGE_ID.test(given)) {
    const rule = 'a letter, then letters, digits, _ and -, at most 64 characters';
    reader.errors.add(reader.at('id'), 'MR_DEF_ID', `${shown(given)} cannot be the id of an edge: ${rule}.`);
  } else if (!ids.take(given)) {
    reader.errors.add(reader.at('id'), 'MR_DEF_DUPLICATE', `Another edge of this graph has the id ${shown(given)}: give each its own.`);
  }
  return given as EdgeId;
}

/** Ids of the edges of one graph. Those that the author did not give are derived from the ends, so that they outlive a version. */
class EdgeIds {
  readonly #given = new Set<string>();
  readonly #counts = new Map<string, number>();

  /** @returns false when another edge has it. */
  take(id: string): boolean {
    if (this.#given.has(id)) return false;
    this.#given.add(id);
    return true;
  }

  derive(from: string, to: string): EdgeId {
    const ends = `${from}->${to}`;
    const count = (this.#counts.get(ends) ?? 0) + 1;
    this.#counts.set(ends, count);
    return (count === 1 ? ends : `${ends}#${count}`) as EdgeId;
  }
}

function readRule(reader: ObjectReader, otherwise: boolean, place: Place, expressions: Expressions): Edge['rule'] {
  const { errors } = reader;
  const on = reader.oneOf('on', ['failed', 'timedOut', 'any']);
  const hasOn = reader.raw('on') !== undefined;
  const error = reader.string('error') ?? null;
  const source = reader.raw('when');
  const when = source === undefined ? null : expressions.condition(source, reader.at('when'), place);
  if (otherwise && when !== null)
    errors.add(reader.at('when'), 'MR_DEF_EDGE', '"when" cannot stand beside "otherwise", which is taken when no "when" holds.');
  if (otherwise && hasOn)
    errors.add(reader.at('on'), 'MR_DEF_EDGE', '"on" cannot stand beside "otherwise", which is for completed nodes only.');
  if (!hasOn && error !== null)
    errors.add(reader.at('error'), 'MR_DEF_EDGE', '"error" needs "on": "failed", "timedOut" or "any" beside it.');
  if (on !== undefined) return { on, error, when };
  if (otherwise) return { on: 'completed', condition: { kind: 'otherwise' } };
  return { on: 'completed', condition: when === null ? { kind: 'always' } : { kind: 'when', when } };
}
