/** Documents for tests: a valid one, others made from it by one change, and what is wrong with them. */
import type { Json, JsonObject } from '../../json.ts';
import { parseDefinition } from '../index.ts';
import type { Definition, DefinitionError } from '../types.ts';

/** The example of the language's description. */
export const expenseApproval: JsonObject = {
  id: 'expense-approval',
  input: { type: 'object', properties: { amount: { type: 'number' }, employee: { type: 'string' }, callback: { type: 'string' } } },
  nodes: {
    check: { type: 'transform', output: { needsApproval: '${ input.amount > 100 }' } },
    approve: {
      type: 'human',
      title: 'Approve ${ input.amount } for ${ input.employee }',
      assignees: { roles: ['manager'] },
      form: { type: 'object' },
      due: '2d',
      reminder: '1d',
      escalate: { after: '3d', to: { roles: ['director'] } },
    },
    pay: {
      type: 'http',
      method: 'POST',
      url: '${ input.callback }',
      body: { id: '${ instance.id }' },
      timeout: '30s',
      retry: { maxAttempts: 5, backoff: 'exponential', initial: '1s', max: '1m' },
    },
    reject: { type: 'publish', event: 'expense.rejected', key: '${ instance.id }', data: {} },
  },
  edges: [
    { from: 'check', to: 'approve', when: 'nodes.check.output.needsApproval' },
    { from: 'check', to: 'pay', otherwise: true },
    { from: 'approve', to: 'pay', when: 'nodes.approve.output.approved' },
    { from: 'approve', to: 'reject', otherwise: true },
  ],
  output: { paid: "${ nodes.pay.status == 'completed' }" },
};

export const step: JsonObject = { type: 'transform', output: 1 };

/** A definition of these nodes, and of edges `a>b` or whole ones. */
export function graphOf(
  nodes: JsonObject | readonly string[],
  edges: readonly (string | JsonObject)[] = [],
  more: JsonObject = {},
): JsonObject {
  const members = Array.isArray(nodes) ? Object.fromEntries((nodes as readonly string[]).map((id) => [id, step])) : (nodes as JsonObject);
  return { id: 'test', nodes: members, edges: edges.map(edgeOf), ...more };
}

function edgeOf(edge: string | JsonObject): JsonObject {
  if (typeof edge !== 'string') return edge;
  const [from = '', to = ''] = edge.split('>');
  return { from, to };
}

/** A definition of one node, `n`. */
export function nodeOf(node: JsonObject, more: JsonObject = {}): JsonObject {
  return graphOf({ n: node }, [], more);
}

export function parsed(document: Json): Definition {
  const result = parseDefinition(document, { version: 1 });
  if (!result.ok) throw new Error(`The document has errors: ${JSON.stringify(result.error, null, 2)}`);
  return result.value;
}

export function errorsOf(document: Json): readonly DefinitionError[] {
  const result = parseDefinition(document, { version: 1 });
  return result.ok ? [] : result.error;
}

/** `code pointer` of each error. */
export function placesOf(document: Json): readonly string[] {
  return errorsOf(document).map(({ code, pointer }) => `${code} ${pointer}`);
}

/** Paths to all values within one. */
export function* placesIn(value: Json, path: readonly string[] = []): Generator<readonly string[]> {
  if (path.length > 0) yield path;
  if (typeof value === 'object' && value !== null)
    for (const [key, member] of Object.entries(value)) yield* placesIn(member as Json, [...path, key]);
}

/** The value with the one at the path replaced. */
export function replaced(value: Json, [key, ...rest]: readonly string[], by: Json): Json {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((item: Json, index) => (String(index) === key ? replaced(item, rest, by) : item));
  const object = value as JsonObject;
  return { ...object, [key]: replaced(object[key] ?? null, rest, by) };
}
