/** Random changes of random definitions: what authors do between two versions. Not every result is a valid definition. */
import fc from 'fast-check';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { document, node } from './arbitraries.ts';

type Change = {
  readonly kind: number;
  /** Places in the lists of nodes and edges, and other choices. */
  readonly a: number;
  readonly b: number;
  readonly node: JsonObject;
};

const change: fc.Arbitrary<Change> = fc.record({ kind: fc.nat({ max: 9 }), a: fc.nat({ max: 99 }), b: fc.nat({ max: 99 }), node });

/** A document, and what became of it in each later version. */
export const versions: fc.Arbitrary<readonly JsonObject[]> = fc
  .tuple(document, fc.array(fc.array(change, { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 4 }))
  .map(([first, later]) => [first, ...later.map((changes) => changes.reduce(changed, first))]);

function changed(given: JsonObject, { kind, a, b, node: drawn }: Change): JsonObject {
  const nodes = { ...(given.nodes as JsonObject) } as Record<string, JsonObject>;
  const edges = [...(given.edges as readonly JsonObject[])];
  const names = Object.keys(nodes);
  const at = names[a % names.length] ?? 'n0';
  const other = names[b % names.length] ?? 'n0';
  const [from, to] = at < other ? [at, other] : [other, at];
  const withNodes = (more: Record<string, JsonObject>, others: readonly JsonObject[]): JsonObject => ({
    ...given,
    nodes: more,
    edges: others,
  });
  switch (kind) {
    // A node in the middle of an edge.
    case 0:
    case 1: {
      const edge = edges[b % Math.max(1, edges.length)];
      if (edge === undefined || typeof edge.to !== 'string') return given;
      const { when: _, otherwise: __, on: ___, error: ____, ...bare } = edge;
      const rest = edges.filter((each) => each !== edge);
      return withNodes({ ...nodes, added: bareOf(drawn) }, [...rest, { ...edge, to: 'added' }, { ...bare, from: 'added' }]);
    }
    // A node before another, or one beside it.
    case 2:
      return withNodes({ ...nodes, added: bareOf(drawn) }, [...edges, { from: 'added', to: at }]);
    case 3:
      return withNodes({ ...nodes, added: bareOf(drawn) }, from === to ? edges : [...edges, { from, to: 'added' }, { from: 'added', to }]);
    case 4: {
      const { [at]: _, ...rest } = nodes;
      return withNodes(
        rest,
        edges.filter((edge) => edge.from !== at && edge.to !== at),
      );
    }
    case 5:
      return withNodes({ ...nodes, [at]: { ...(kept(nodes[at]) ?? {}), ...bareOf(drawn) } }, edges);
    case 6:
      return withNodes(
        nodes,
        edges.filter((_, index) => index !== a % Math.max(1, edges.length)),
      );
    case 7:
      return from === to ? given : withNodes(nodes, [...edges, { from, to }]);
    case 8: {
      const { join: _, cancelRest: __, ...bare } = nodes[at] ?? {};
      return withNodes({ ...nodes, [at]: { ...bare, ...(['any', { atLeast: 1 }].map((join) => ({ join }))[b % 3] ?? {}) } }, edges);
    }
    default:
      return { ...given, vars: { x: 0, y: '${ input.n }' }, output: '${ vars.y }' };
  }
}

function kept({ join, set }: JsonObject = {}): JsonObject {
  return { ...(join === undefined ? {} : { join }), ...(set === undefined ? {} : { set }) };
}

/** What only a definition with `compensate` may have. */
function bareOf(drawn: JsonObject): JsonObject {
  const { compensation: _, ...bare } = drawn;
  if (!isJsonObject(bare.body) || !isJsonObject(bare.body.nodes)) return bare;
  const nodes = Object.entries(bare.body.nodes).map(([name, inner]) => [name, bareOf(inner as JsonObject)] as const);
  return { ...bare, body: { ...bare.body, nodes: Object.fromEntries(nodes) } };
}
