/** How large a definition may be. Checked before anything walks the document, so that no document can exhaust the stack. */

import { isJsonObject, type Json, type JsonObject, jsonByteLength } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import { own } from '../record.ts';
import { type SchemaLimits, storedSchemaLimits } from '../schema/index.ts';
import type { DefinitionErrors } from './errors.ts';

export type DefinitionLimits = {
  /** Of the document as compact JSON, in UTF-8 bytes. */
  readonly bytes: number;
  /** Of all graphs together. */
  readonly nodes: number;
  readonly edges: number;
  /** Of objects and arrays in each other; the document itself counts 1. */
  readonly depth: number;
  /** Of loops in each other. */
  readonly loopDepth: number;
  /** `when`, `where` and strings with `${ … }` in them. */
  readonly expressions: number;
  readonly triggers: number;
  /** Of each schema. */
  readonly schema: SchemaLimits;
};

export const defaultDefinitionLimits: DefinitionLimits = {
  bytes: 262_144,
  nodes: 1_000,
  edges: 5_000,
  depth: 64,
  loopDepth: 8,
  expressions: 5_000,
  triggers: 50,
  schema: { schemas: 300, names: 1_000, dependents: 100, keywords: 1_500, patternSize: 10_000 },
};

/** For definitions that were deployed already. Lowering a limit later must not stop running instances. */
export const storedDefinitionLimits: DefinitionLimits = {
  bytes: 64 * 1_048_576,
  nodes: 100_000,
  edges: 500_000,
  depth: 200,
  loopDepth: 64,
  expressions: 500_000,
  triggers: 10_000,
  schema: storedSchemaLimits,
};

/** @returns false when the document must not be looked at any further. */
export function checkSize(document: Json, limits: DefinitionLimits, errors: DefinitionErrors): boolean {
  const tooDeep = findTooDeep(document, limits.depth);
  if (tooDeep !== null) {
    errors.add(tooDeep, 'MR_DEF_LIMIT', `The document is nested deeper than ${limits.depth} levels here: make it flatter.`);
    return false;
  }
  const bytes = jsonByteLength(document);
  if (bytes > limits.bytes) {
    errors.add(
      '',
      'MR_DEF_LIMIT',
      `The definition has ${bytes} bytes, but may have at most ${limits.bytes}: split it, or ask for a higher limit.`,
    );
    return false;
  }
  return true;
}

/** Level by level and without recursion. */
function findTooDeep(document: Json, depthMax: number): string | null {
  let level: { readonly pointer: string; readonly value: Json }[] = [{ pointer: '', value: document }];
  for (let depth = 1; level.length > 0; depth++) {
    const containers = level.filter(({ value }) => typeof value === 'object' && value !== null);
    const [first] = containers;
    if (first === undefined) return null;
    if (depth > depthMax) return first.pointer;
    level = containers.flatMap(({ pointer, value }) =>
      Object.entries(value as object).map(([key, member]: [string, Json]) => ({ pointer: pointerTo(pointer, key), value: member })),
    );
  }
  return null;
}

export function checkCount(count: number, limit: number, what: string, pointer: string, errors: DefinitionErrors): void {
  if (count > limit) errors.add(pointer, 'MR_DEF_LIMIT', `There are ${count} ${what}, but at most ${limit} are allowed.`);
}

/** The document and the bodies of its loops, as far as they look like graphs. Its depth was checked before. */
export function* graphsIn(graph: JsonObject): Generator<JsonObject> {
  yield graph;
  const nodes = own(graph, 'nodes');
  if (!isJsonObject(nodes)) return;
  for (const node of Object.values(nodes)) {
    const body = isJsonObject(node) ? own(node, 'body') : undefined;
    if (isJsonObject(body)) yield* graphsIn(body);
  }
}

/** @returns false when there is too much to be looked at any further. */
export function checkGraphSizes(document: JsonObject, limits: DefinitionLimits, errors: DefinitionErrors): boolean {
  let [nodeCount, edgeCount] = [0, 0];
  for (const graph of graphsIn(document)) {
    const [nodes, edges] = [own(graph, 'nodes'), own(graph, 'edges')];
    if (isJsonObject(nodes)) nodeCount += Object.keys(nodes).length;
    if (Array.isArray(edges)) edgeCount += edges.length;
  }
  checkCount(nodeCount, limits.nodes, 'nodes', '/nodes', errors);
  checkCount(edgeCount, limits.edges, 'edges', '/edges', errors);
  return nodeCount <= limits.nodes && edgeCount <= limits.edges;
}
