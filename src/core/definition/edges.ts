/** Reads the edges: their shape, and what one edge can have wrong by itself or against its nodes. */

import { assertNever } from '../assert.ts';
import type { EdgeId, NodeId } from '../ids.ts';
import { canonicalJson, isJsonObject, type Json } from '../json.ts';
import { type DefinitionErrors, shown } from './errors.ts';
import type { Expressions } from './expressions.ts';
import { ObjectReader } from './object-reader.ts';
import type { Edge, Node } from './types.ts';

/** What the document says about nodes: `node` is null for one that has errors of its own. */
export type KnownNodes = ReadonlyMap<string, Node | null>;

export function edgePointer(index: number): string {
  return `/edges/${index}`;
}

/** @returns the edges whose ends are known; the errors of the others are noted. */
export function readEdges(list: readonly Json[], nodes: KnownNodes, expressions: Expressions, errors: DefinitionErrors): Edge[] {
  const seen = new Map<string, number>();
  const ids = new EdgeIds();
  return list.flatMap((value, index) => {
    const pointer = edgePointer(index);
    if (!isJsonObject(value)) {
      errors.add(pointer, 'MR_DEF_SHAPE', 'An edge must be an object with "from" and "to".');
      return [];
    }
    // Written out or left out, `otherwise: false` says the same.
    const { otherwise, ...rest } = value;
    const text = canonicalJson(otherwise === false ? rest : value);
    const first = seen.get(text);
    if (first !== undefined) errors.add(pointer, 'MR_DEF_DUPLICATE_EDGE', `This edge is the same as edge ${first}: leave one of them out.`);
    else seen.set(text, index);
    const edge = readEdge(new ObjectReader(value, pointer, errors), index, nodes, expressions, ids);
    return edge === null ? [] : [edge];
  });
}

function readEdge(reader: ObjectReader, index: number, nodes: KnownNodes, expressions: Expressions, ids: EdgeIds): Edge | null {
  const { errors } = reader;
  reader.required('from', 'the id of the node that the edge leaves');
  const from = readEnd(reader, 'from', nodes);
  const otherwise = reader.boolean('otherwise') ?? false;
  const isNowhere = reader.raw('to') === null;
  reader.required('to', 'the id of the node that the edge leads to');
  if (isNowhere && !otherwise)
    errors.add(reader.at('to'), 'MR_DEF_EDGE', 'Only an edge with "otherwise": true may lead nowhere ("to": null).');
  const to = isNowhere ? null : readEnd(reader, 'to', nodes);
  const rule = readRule(reader, otherwise, from ?? null, expressions);
  reader.end('An edge');
  if (from === undefined || to === undefined) return null;
  if (from === to) {
    errors.add(reader.pointer, 'MR_DEF_SELF_EDGE', `This edge leads from "${from}" to itself: lead it to another node.`);
    return null;
  }
  const node = nodes.get(from) ?? null;
  if (node !== null && rule.on !== 'completed') {
    const why = whyNever(node, rule.on);
    if (why !== null) errors.add(reader.at('on'), 'MR_DEF_EDGE_NEVER_TAKEN', `This edge can never be taken: ${why}`);
  }
  return { id: ids.derive(from, to), index, from, to, rule };
}

function readEnd(reader: ObjectReader, end: 'from' | 'to', nodes: KnownNodes): NodeId | undefined {
  const name = reader.string(end);
  if (name === undefined || nodes.has(name)) return name as NodeId | undefined;
  reader.errors.add(reader.at(end), 'MR_DEF_UNKNOWN_NODE', `There is no node ${shown(name)}.${reader.errors.hint(name, nodes.keys())}`);
  return undefined;
}

/** Ids of edges whose author gave them none: derived from their ends, so that they outlive a version. */
class EdgeIds {
  readonly #counts = new Map<string, number>();

  derive(from: NodeId, to: NodeId | null): EdgeId {
    const ends = `${from}->${to ?? ''}`;
    const count = (this.#counts.get(ends) ?? 0) + 1;
    this.#counts.set(ends, count);
    return (count === 1 ? ends : `${ends}#${count}`) as EdgeId;
  }
}

function readRule(reader: ObjectReader, otherwise: boolean, from: NodeId | null, expressions: Expressions): Edge['rule'] {
  const { errors } = reader;
  const on = reader.oneOf('on', ['failed', 'timedOut', 'any']);
  const hasOn = reader.raw('on') !== undefined;
  const error = reader.string('error') ?? null;
  const source = reader.raw('when');
  const when =
    source === undefined
      ? null
      : expressions.condition(source, reader.at('when'), from === null ? { kind: 'end' } : { kind: 'leaving', nodeId: from });
  if (otherwise && when !== null)
    errors.add(reader.at('when'), 'MR_DEF_EDGE', '"when" cannot stand beside "otherwise", which is taken when no "when" holds.');
  if (otherwise && hasOn)
    errors.add(reader.at('on'), 'MR_DEF_EDGE', '"on" cannot stand beside "otherwise", which only a completed node weighs.');
  if (!hasOn && error !== null)
    errors.add(reader.at('error'), 'MR_DEF_EDGE', '"error" needs "on": "failed", "timedOut" or "any" beside it.');
  if (on !== undefined) return { on, error, when };
  if (otherwise) return { on: 'completed', condition: { kind: 'otherwise' } };
  return { on: 'completed', condition: when === null ? { kind: 'always' } : { kind: 'when', when } };
}

/** Why a node can never end as the edge wants; null when it can. */
function whyNever(node: Node, on: 'failed' | 'timedOut' | 'any'): string | null {
  switch (node.type) {
    case 'task':
    case 'http':
      return null;
    case 'human':
      return on === 'timedOut' && node.timeout === null ? `"${node.id}" has no "timeout".` : null;
    case 'event':
      if (on === 'failed') return 'an event node cannot fail; it can only time out ("on": "timedOut").';
      return node.timeout === null ? `"${node.id}" has no "timeout".` : null;
    case 'transform':
    case 'wait':
    case 'publish':
      return `a ${node.type} neither fails nor times out (an expression that fails is an incident).`;
    default:
      return assertNever(node);
  }
}
