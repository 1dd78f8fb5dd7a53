/** Errors of `workflow` nodes, and of a `forEach` with a child for each item. */
import { describe, expect, it } from 'vitest';
import type { Json } from '../json.ts';
import { errorsOf, graphOf, nodeOf, placesOf, step } from './testing/documents.ts';

const child = { type: 'workflow', definition: 'd' };
const each = { type: 'forEach', items: '${ input.items }', workflow: { definition: 'd' } };

const cases: readonly (readonly [string, Json, readonly string[]])[] = [
  ['a child without a definition', nodeOf({ type: 'workflow' }), ['MR_DEF_MISSING_FIELD /nodes/n']],
  ['a child whose definition is an expression', nodeOf({ ...child, definition: '${ input.d }' }), ['MR_DEF_LITERAL /nodes/n/definition']],
  ['a child whose definition is no id', nodeOf({ ...child, definition: '1d' }), ['MR_DEF_ID /nodes/n/definition']],
  ['a child of version 0', nodeOf({ ...child, version: 0 }), ['MR_DEF_SHAPE /nodes/n/version']],
  ['a child of a version that is a name', nodeOf({ ...child, version: 'newest' }), ['MR_DEF_SHAPE /nodes/n/version']],
  ['a child with retries', nodeOf({ ...child, retry: {} }), ['MR_DEF_UNKNOWN_FIELD /nodes/n/retry']],
  ['a detached child that may time out', nodeOf({ ...child, detached: true, timeout: '1h' }), ['MR_DEF_SHAPE /nodes/n/timeout']],
  [
    'an edge for the failure of a detached child',
    graphOf({ n: { ...child, detached: true }, m: step }, [{ from: 'n', to: 'm', on: 'failed' }]),
    ['MR_DEF_EDGE_NEVER_TAKEN /edges/0/on'],
  ],
  [
    'an edge for a timeout that a child does not have',
    graphOf({ n: child, m: step }, [{ from: 'n', to: 'm', on: 'timedOut' }]),
    ['MR_DEF_EDGE_NEVER_TAKEN /edges/0/on'],
  ],
  ['a child of itself', nodeOf({ ...child, definition: 'test' }), ['MR_DEF_CHILD_OF_ITSELF /nodes/n/definition']],
  [
    'a child of itself behind nodes that always run',
    graphOf({ a: step, b: step, n: { ...child, definition: 'test' } }, ['a>b', 'b>n']),
    ['MR_DEF_CHILD_OF_ITSELF /nodes/n/definition'],
  ],
  [
    'a child of itself in each round of a loop',
    nodeOf({ type: 'repeat', until: 'index > 1', body: { nodes: { m: { ...child, definition: 'test' } } } }),
    ['MR_DEF_CHILD_OF_ITSELF /nodes/n/body/nodes/m/definition'],
  ],
  ['a forEach with a body and a workflow', nodeOf({ ...each, body: { nodes: { a: step } } }), ['MR_DEF_SHAPE /nodes/n/workflow']],
  ['a forEach whose workflow is a name', nodeOf({ ...each, workflow: 'ship' }), ['MR_DEF_SHAPE /nodes/n/workflow']],
  ['a child for each item without a definition', nodeOf({ ...each, workflow: {} }), ['MR_DEF_MISSING_FIELD /nodes/n/workflow']],
  [
    'a child for each item with what belongs to nodes',
    nodeOf({ ...each, workflow: { definition: 'd', join: 'any', inptu: 1 } }),
    ['MR_DEF_UNKNOWN_FIELD /nodes/n/workflow/join', 'MR_DEF_UNKNOWN_FIELD /nodes/n/workflow/inptu'],
  ],
  [
    'a child for each item with an expression that cannot be read',
    nodeOf({ ...each, workflow: { definition: 'd', input: { a: '${ item. }', b: '${ nodes.n.output }' } } }),
    ['MR_DEF_EXPRESSION /nodes/n/workflow/input/a'],
  ],
];

describe('A definition is refused', () => {
  it.each(cases)('for %s', (_, document, places) => {
    expect(placesOf(document)).toEqual(places);
  });
});

it.each([
  [
    'a condition',
    graphOf({ a: step, n: { type: 'workflow', definition: 'test' } }, [
      { from: 'a', to: 'n', when: 'input.more' },
      { from: 'a', to: null, otherwise: true },
    ]),
  ],
  ['a loop that may have no items', nodeOf({ ...each, workflow: { definition: 'test' } })],
])('has no error for a child of itself behind %s', (_, document) => {
  expect(errorsOf(document)).toEqual([]);
});
