/** Reads a whole document: its top-level fields, its nodes and edges. Then it checks what only all of them together show. */
import { type DefinitionId, type NodeId, parseDefinitionId } from '../ids.ts';
import { isJsonObject, type Json } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { readEdges } from './edges.ts';
import { DefinitionErrors, shown } from './errors.ts';
import { Expressions } from './expressions.ts';
import { buildGraph, checkGraph } from './graph.ts';
import { checkCount, checkSize, type DefinitionLimits, defaultDefinitionLimits } from './limits.ts';
import { readVariables } from './nodes/common.ts';
import { readNode } from './nodes/index.ts';
import { ObjectReader } from './object-reader.ts';
import { checkReferences } from './references.ts';
import type { Definition, DefinitionError, Edge, Node } from './types.ts';

export type ParseOptions = {
  /** The version that the document is, or would become; counted from 1. */
  readonly version: number;
  /** Default `defaultDefinitionLimits`. */
  readonly limits?: DefinitionLimits;
};

/**
 * Checks a definition and compiles everything in it. Never throws, whatever the document is.
 * @returns all errors at once, in the order of the document as far as one thing follows from another.
 */
export function parseDefinition(document: Json, options: ParseOptions): Result<Definition, readonly DefinitionError[]> {
  const limits = options.limits ?? defaultDefinitionLimits;
  const errors = new DefinitionErrors();
  if (!isJsonObject(document)) {
    errors.add('', 'MR_DEF_SHAPE', 'A definition must be a JSON object with "id" and "nodes".');
    return err(errors.all);
  }
  if (!checkSize(document, limits, errors)) return err(errors.all);
  const top = new ObjectReader(document, '', errors);
  const expressions = new Expressions(errors);
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
  checkCount(expressions.uses.length, limits.expressions, 'expressions', '', errors);
  const graph = buildGraph(nodes, edges);
  checkGraph(nodes, graph, errors);
  checkReferences(expressions.uses, { graph, variables: variableNames(document, nodes) }, errors);
  if (errors.all.length > 0) return err(errors.all);
  const known = withoutNulls(nodes);
  return ok({ id, ...head, root: { nodes: known, edges, ...graph, output: outputTemplate }, nodes: known });
}

function readId(top: ObjectReader): DefinitionId {
  top.required('id', 'the name under which the definition is deployed');
  const text = top.string('id') ?? 'none';
  const id = parseDefinitionId(text);
  if (id !== undefined) return id;
  top.errors.add('/id', 'MR_DEF_ID', `${shown(text)} cannot be an id: a letter, then letters, digits and _ . -, at most 128 characters.`);
  return 'none' as DefinitionId;
}

function readOnFailure(top: ObjectReader): Definition['onFailure'] {
  if (top.raw('onFailure') === 'compensate') {
    const message = '"onFailure": "compensate" is not supported by this version of Millrace yet: use "fail" or "incident".';
    top.errors.add('/onFailure', 'MR_DEF_NOT_YET', message);
    return 'fail';
  }
  return top.oneOf('onFailure', ['incident', 'fail']) ?? 'incident';
}

function readVars(top: ObjectReader, expressions: Expressions): Definition['vars'] {
  const entries = readVariables(top, 'vars').map(([name, value]) => [name, value] as const);
  return expressions.template(Object.fromEntries(entries), '/vars', { kind: 'start' });
}

function readTimeout(top: ObjectReader, expressions: Expressions): Definition['timeout'] {
  const timeout = top.raw('timeout');
  return timeout === undefined ? null : expressions.duration(timeout, '/timeout', { kind: 'start' });
}

function readNodes(top: ObjectReader, limits: DefinitionLimits, expressions: Expressions): Map<string, Node | null> {
  top.required('nodes', 'an object with the nodes by their ids');
  const nodes = top.nested('nodes');
  const entries = Object.entries(nodes?.object ?? {});
  if (nodes !== undefined && entries.length === 0) top.errors.add('/nodes', 'MR_DEF_SHAPE', 'A definition needs at least one node.');
  checkCount(entries.length, limits.nodes, 'nodes', '/nodes', top.errors);
  return new Map(entries.slice(0, limits.nodes).map(([name, value]) => [name, readNode(name, value, expressions, top.errors)]));
}

function readEdgeList(
  top: ObjectReader,
  nodes: ReadonlyMap<string, Node | null>,
  limits: DefinitionLimits,
  expressions: Expressions,
): Edge[] {
  const list = top.array('edges') ?? [];
  checkCount(list.length, limits.edges, 'edges', '/edges', top.errors);
  return readEdges(list.slice(0, limits.edges), nodes, expressions, top.errors);
}

/** From the document, so that a node with errors still tells which variables it would set. */
function variableNames(document: Json, nodes: ReadonlyMap<string, Node | null>): Set<string> {
  const names = new Set<string>();
  const add = (variables: Json | undefined): void => {
    if (isJsonObject(variables)) for (const name of Object.keys(variables)) names.add(name);
  };
  const whole = new ObjectReader(isJsonObject(document) ? document : {}, '', new DefinitionErrors());
  add(whole.raw('vars'));
  for (const name of nodes.keys()) add(whole.nested('nodes')?.nested(name)?.raw('set'));
  return names;
}

function withoutNulls(nodes: ReadonlyMap<string, Node | null>): Map<NodeId, Node> {
  return new Map([...nodes.values()].flatMap((node) => (node === null ? [] : [[node.id, node] as const])));
}
