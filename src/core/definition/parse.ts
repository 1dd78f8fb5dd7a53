/** Reads a whole document: the fields at its top, its nodes and edges, and then what only all of them together show. */
import { type DefinitionId, type NodeId, parseDefinitionId } from '../ids.ts';
import { isJsonObject, type Json } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { readEdges } from './edges.ts';
import { Expressions } from './expressions.ts';
import { Faults, shown } from './faults.ts';
import { Fields } from './fields.ts';
import { buildGraph, checkGraph } from './graph.ts';
import { checkCount, checkSize, type DefinitionLimits, defaultDefinitionLimits } from './limits.ts';
import { readVariables } from './nodes/common.ts';
import { readNode } from './nodes/index.ts';
import { checkReferences } from './references.ts';
import type { Definition, DefinitionFault, Edge, Node } from './types.ts';

export type ParseOptions = {
  /** The version that the document is, or would become; counted from 1. */
  readonly version: number;
  /** Default `defaultDefinitionLimits`. */
  readonly limits?: DefinitionLimits;
};

/**
 * Checks a definition and compiles everything in it. Never throws, whatever the document is.
 * @returns all faults at once, in the order of the document as far as one thing follows from another.
 */
export function parseDefinition(document: Json, options: ParseOptions): Result<Definition, readonly DefinitionFault[]> {
  const limits = options.limits ?? defaultDefinitionLimits;
  const faults = new Faults();
  if (!isJsonObject(document)) {
    faults.add('', 'MR_DEF_SHAPE', 'A definition must be a JSON object with "id" and "nodes".');
    return err(faults.list);
  }
  if (!checkSize(document, limits, faults)) return err(faults.list);
  const top = new Fields(document, '', faults);
  const expressions = new Expressions(faults);
  const id = readId(top);
  const input = top.raw('input');
  const head = {
    version: options.version,
    document,
    input: input === undefined ? null : expressions.schema(input, '/input'),
    lifecycle: top.oneOf('lifecycle', ['instance', 'tasks']) ?? 'instance',
    onFailure: readOnFailure(top),
    vars: readVars(top, expressions),
    timeout: readTimeout(top, expressions),
  } as const;
  top.notYet('triggers');
  const nodes = readNodes(top, limits, expressions);
  const edges = readEdgeList(top, nodes, limits, expressions);
  const output = top.raw('output');
  const outputTemplate = output === undefined ? null : expressions.template(output, '/output', { kind: 'end' });
  top.end('A definition');
  checkCount(expressions.uses.length, limits.expressions, 'expressions', '', faults);
  const graph = buildGraph(nodes, edges);
  checkGraph(nodes, graph, faults);
  checkReferences(expressions.uses, { graph, variables: variableNames(document, nodes) }, faults);
  if (faults.list.length > 0) return err(faults.list);
  return ok({ id, ...head, nodes: withoutNulls(nodes), edges, ...graph, output: outputTemplate });
}

function readId(top: Fields): DefinitionId {
  top.required('id', 'the name under which the definition is deployed');
  const text = top.text('id') ?? 'none';
  const id = parseDefinitionId(text);
  if (id !== undefined) return id;
  top.faults.add('/id', 'MR_DEF_ID', `${shown(text)} cannot be an id: a letter, then letters, digits and _ . -, at most 128 characters.`);
  return 'none' as DefinitionId;
}

function readOnFailure(top: Fields): Definition['onFailure'] {
  if (top.raw('onFailure') === 'compensate') {
    const message = '"onFailure": "compensate" is not supported by this version of Millrace yet: use "fail" or "incident".';
    top.faults.add('/onFailure', 'MR_DEF_NOT_YET', message);
    return 'fail';
  }
  return top.oneOf('onFailure', ['incident', 'fail']) ?? 'incident';
}

function readVars(top: Fields, expressions: Expressions): Definition['vars'] {
  const entries = readVariables(top, 'vars').map(([name, value]) => [name, value] as const);
  return expressions.template(Object.fromEntries(entries), '/vars', { kind: 'start' });
}

function readTimeout(top: Fields, expressions: Expressions): Definition['timeout'] {
  const timeout = top.raw('timeout');
  return timeout === undefined ? null : expressions.duration(timeout, '/timeout', { kind: 'start' });
}

function readNodes(top: Fields, limits: DefinitionLimits, expressions: Expressions): Map<string, Node | null> {
  top.required('nodes', 'an object with the nodes by their ids');
  const nodes = top.nested('nodes');
  const entries = Object.entries(nodes?.object ?? {});
  if (nodes !== undefined && entries.length === 0) top.faults.add('/nodes', 'MR_DEF_SHAPE', 'A definition needs at least one node.');
  checkCount(entries.length, limits.nodes, 'nodes', '/nodes', top.faults);
  return new Map(entries.slice(0, limits.nodes).map(([name, value]) => [name, readNode(name, value, expressions, top.faults)]));
}

function readEdgeList(top: Fields, nodes: ReadonlyMap<string, Node | null>, limits: DefinitionLimits, expressions: Expressions): Edge[] {
  const list = top.list('edges') ?? [];
  checkCount(list.length, limits.edges, 'edges', '/edges', top.faults);
  return readEdges(list.slice(0, limits.edges), nodes, expressions, top.faults);
}

/** From the document, so that a node with faults still tells which variables it would set. */
function variableNames(document: Json, nodes: ReadonlyMap<string, Node | null>): Set<string> {
  const names = new Set<string>();
  const add = (variables: Json | undefined): void => {
    if (isJsonObject(variables)) for (const name of Object.keys(variables)) names.add(name);
  };
  const whole = new Fields(isJsonObject(document) ? document : {}, '', new Faults());
  add(whole.raw('vars'));
  for (const name of nodes.keys()) add(whole.nested('nodes')?.nested(name)?.raw('set'));
  return names;
}

function withoutNulls(nodes: ReadonlyMap<string, Node | null>): Map<NodeId, Node> {
  return new Map([...nodes.values()].flatMap((node) => (node === null ? [] : [[node.id, node] as const])));
}
