/** Graphs in graphs: what bodies of loops see, and what is wrong in them, with its whole place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '../ids.ts';
import type { Json, JsonObject } from '../json.ts';
import { nodePointerOf } from './graph-scope.ts';
import { defaultDefinitionLimits } from './index.ts';
import { parseDefinition } from './parse.ts';
import { graphOf, nodeOf, placesIn, placesOf, replaced, step } from './testing/documents.ts';
import type { Definition, LoopNode } from './types.ts';

const task = { type: 'task', task: 'ship' };
const bodyOf = (nodes: JsonObject, edges: readonly Json[] = [], more: JsonObject = {}): JsonObject => ({ nodes, edges, ...more });
const forEach = (body: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'forEach', items: '${ input.orders }', body, ...more });
const repeat = (body: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'repeat', until: 'index > 3', body, ...more });
const showing = (value: Json): JsonObject => ({ type: 'transform', output: value });

function read(document: Json): Definition {
  const result = parseDefinition(document, { version: 1 });
  if (!result.ok) throw new Error(JSON.stringify(result.error, null, 2));
  return result.value;
}

function loopOf(definition: Definition, id: string): LoopNode {
  const node = definition.nodes.get(id as NodeId);
  if (node?.type !== 'forEach' && node?.type !== 'repeat') throw new Error(`${id} is no loop`);
  return node;
}

/** Errors of a document that may hold loops. */
const wrong = (document: Json, limits = defaultDefinitionLimits): readonly string[] => {
  const result = parseDefinition(document, { version: 1, limits });
  return result.ok ? [] : result.error.map(({ code, pointer }) => `${code} ${pointer}`);
};
const sentences = (document: Json): readonly string[] => {
  const result = parseDefinition(document, { version: 1 });
  return result.ok ? [] : result.error.map(({ pointer, message }) => `${pointer} ${message}`);
};

describe('A body', () => {
  const nested = graphOf(
    {
      before: step,
      order: forEach(
        bodyOf({ ship: task, poll: repeat(bodyOf({ ask: task, ship: step }, [{ from: 'ask', to: 'ship' }])) }, [
          { from: 'ship', to: 'poll' },
        ]),
      ),
    },
    ['before>order'],
  );

  it('is a graph of its own, whose nodes have qualified ids and their own names', () => {
    const definition = read(nested);
    expect([...definition.nodes.keys()]).toEqual(['before', 'order', 'order/ship', 'order/poll', 'order/poll/ask', 'order/poll/ship']);
    expect([...definition.root.nodes.keys()]).toEqual(['before', 'order']);
    const { body } = loopOf(definition, 'order');
    expect([...body.nodes.values()].map(({ id, name }) => [id, name])).toEqual([
      ['order/ship', 'ship'],
      ['order/poll', 'poll'],
    ]);
    expect(body.startNodes).toEqual(['order/ship']);
    expect([...(body.ancestors.get('order/poll' as NodeId) ?? [])]).toEqual(['order/ship']);
    expect(loopOf(definition, 'order/poll').body.edges).toMatchObject([{ id: 'ask->ship', from: 'order/poll/ask', to: 'order/poll/ship' }]);
  });

  it('has its place in the document, which its qualified id tells', () => {
    expect(nodePointerOf('order/poll/ask' as NodeId)).toBe('/nodes/order/body/nodes/poll/body/nodes/ask');
  });

  it('sees what ran before its loop, and its own nodes before those outside', () => {
    const document = graphOf(
      {
        a: step,
        order: forEach(
          bodyOf({ b: showing('${ nodes.a.output }'), a: showing('${ nodes.b.output }') }, [{ from: 'b', to: 'a' }], {
            output: { inner: '${ nodes.a.output }', order: '${ item }', at: '${ index }' },
          }),
        ),
      },
      ['a>order'],
    );
    // The `a` of the body hides the outer one, and runs only after `b`.
    expect(sentences(document)).toEqual([
      '/nodes/order/body/nodes/b/output "a" cannot have run before this, since no path leads from it to here: use a node before this one, or ask only for its status.',
    ]);
  });

  it.each<[string, JsonObject, string]>([
    [
      'what runs after its loop',
      graphOf({ order: forEach(bodyOf({ n: showing('${ nodes.z.output }') })), z: step }, ['order>z']),
      'NODE_NOT_BEFORE',
    ],
    ['what runs beside its loop', graphOf({ order: forEach(bodyOf({ n: showing('${ nodes.z.output }') })), z: step }), 'NODE_NOT_BEFORE'],
    ['its own loop', graphOf({ order: forEach(bodyOf({ n: showing('${ nodes.order.output }') })) }), 'NODE_NOT_BEFORE'],
    [
      'a node of another body',
      graphOf({ order: forEach(bodyOf({ n: showing('${ nodes.z.output }') })), other: forEach(bodyOf({ z: step })) }),
      'UNKNOWN_NODE',
    ],
    ['the last output, which is for a repeat', graphOf({ order: forEach(bodyOf({ n: showing('${ last }') })) }), 'UNKNOWN_ROOT'],
  ])('does not see %s', (_, document, code) => {
    expect(wrong(document)).toEqual([`MR_DEF_${code} /nodes/order/body/nodes/n/output`]);
  });

  it('is not seen from outside', () => {
    const document = graphOf({ order: forEach(bodyOf({ ship: task })), end: showing('${ nodes.ship.output }') }, ['order>end']);
    expect(wrong(document)).toEqual(['MR_DEF_UNKNOWN_NODE /nodes/end/output']);
  });

  it('may ask for the status of any node that it sees', () => {
    expect(wrong(graphOf({ order: forEach(bodyOf({ n: showing('${ nodes.z.status }') })), z: step }, ['order>z']))).toEqual([]);
  });

  it('of a forEach sees item, index and the name that the author gave, also in loops within', () => {
    const inner = forEach(bodyOf({ n: showing(['${ item }', '${ index }', '${ order.id }', '${ line.sku }']) }), {
      items: '${ order.lines }',
      as: 'line',
    });
    expect(wrong(graphOf({ order: forEach(bodyOf({ lines: inner }), { as: 'order' }) }))).toEqual([]);
  });

  it('of a forEach has an until that sees the results, the item by both of its names, and what was before the loop', () => {
    const until = 'size(results) > 1 && item == order && index > 0 && nodes.z.output == null';
    const document = graphOf({ z: step, order: forEach(bodyOf({ n: step }), { as: 'order', until }) }, ['z>order']);
    expect(wrong(document)).toEqual([]);
    expect(wrong(graphOf({ order: forEach(bodyOf({ n: showing('${ results }') }), { until: 'index > 1' }) }))).toEqual([
      'MR_DEF_EXPRESSION /nodes/order/body/nodes/n/output',
    ]);
  });

  it('of a repeat sees last and index; so does its condition, and its nodes do not see item', () => {
    expect(wrong(nodeOf(repeat(bodyOf({ n: showing(['${ last }', '${ index }']) }), { until: 'last == 1 || index > 3' })))).toEqual([]);
    expect(wrong(nodeOf(repeat(bodyOf({ n: showing('${ item }') }))))).toEqual(['MR_DEF_UNKNOWN_ROOT /nodes/n/body/nodes/n/output']);
  });

  it('sets variables of the instance', () => {
    const body = bodyOf({ n: { ...step, set: { total: '${ nodes.n.output }' } } });
    expect(wrong(graphOf({ order: forEach(body), end: showing('${ vars.total }') }, ['order>end']))).toEqual([]);
  });
});

describe('Names of loops', () => {
  it.each<[string, Json, string]>([
    [
      'the name of an item outside of its body',
      graphOf({ order: forEach(bodyOf({ n: step }), { as: 'it' }), z: showing('${ it }') }, ['order>z']),
      'MR_DEF_EXPRESSION /nodes/z/output',
    ],
    ['the item in the items', nodeOf(forEach(bodyOf({ n: step }), { items: '${ item }' })), 'MR_DEF_UNKNOWN_ROOT /nodes/n/items'],
    ['last in the delay', nodeOf(repeat(bodyOf({ n: step }), { delay: '${ last }' })), 'MR_DEF_UNKNOWN_ROOT /nodes/n/delay'],
    ['a name that is taken', nodeOf(forEach(bodyOf({ n: step }), { as: 'vars' })), 'MR_DEF_ID /nodes/n/as'],
    ['a name that CEL keeps for itself', nodeOf(forEach(bodyOf({ n: step }), { as: 'in' })), 'MR_DEF_ID /nodes/n/as'],
    ['a name that cannot be one', nodeOf(forEach(bodyOf({ n: step }), { as: 'a-b' })), 'MR_DEF_ID /nodes/n/as'],
    [
      'the name of an outer item again',
      nodeOf(forEach(bodyOf({ inner: forEach(bodyOf({ n: step }), { as: 'it' }) }), { as: 'it' })),
      'MR_DEF_DUPLICATE /nodes/n/body/nodes/inner/as',
    ],
  ])('are refused: %s', (_, document, expected) => {
    expect(wrong(document)).toEqual([expected]);
  });
});

describe('A loop is refused', () => {
  it.each<[string, JsonObject, readonly string[]]>([
    ['without items and body', { type: 'forEach' }, ['MR_DEF_MISSING_FIELD /nodes/n', 'MR_DEF_MISSING_FIELD /nodes/n']],
    ['with items that are no array', forEach(bodyOf({ a: step }), { items: 3 }), ['MR_DEF_SHAPE /nodes/n/items']],
    ['with a body that is no object', { type: 'forEach', items: [], body: [] }, ['MR_DEF_SHAPE /nodes/n/body']],
    ['with an empty body', forEach(bodyOf({})), ['MR_DEF_SHAPE /nodes/n/body/nodes']],
    ['with a body without nodes', forEach({}), ['MR_DEF_MISSING_FIELD /nodes/n/body']],
    ['with a field that a body does not know', forEach(bodyOf({ a: step }, [], { vars: {} })), ['MR_DEF_UNKNOWN_FIELD /nodes/n/body/vars']],
    ['with a concurrency of nothing', forEach(bodyOf({ a: step }), { concurrency: 0 }), ['MR_DEF_SHAPE /nodes/n/concurrency']],
    ['with an unknown onItemFailure', forEach(bodyOf({ a: step }), { onItemFailure: 'skip' }), ['MR_DEF_SHAPE /nodes/n/onItemFailure']],
    [
      'with failures below nothing',
      forEach(bodyOf({ a: step }), { onItemFailure: { maxFailures: -1 } }),
      ['MR_DEF_SHAPE /nodes/n/onItemFailure/maxFailures'],
    ],
    ['without a number of failures', forEach(bodyOf({ a: step }), { onItemFailure: {} }), ['MR_DEF_MISSING_FIELD /nodes/n/onItemFailure']],
    ['with an until that is no expression', forEach(bodyOf({ a: step }), { until: true }), ['MR_DEF_SHAPE /nodes/n/until']],
    ['with an until in braces', forEach(bodyOf({ a: step }), { until: '${ index > 1 }' }), ['MR_DEF_EXPRESSION /nodes/n/until']],
    ['with an until that does not parse', forEach(bodyOf({ a: step }), { until: 'index >' }), ['MR_DEF_EXPRESSION /nodes/n/until']],
    ['with last in its until', forEach(bodyOf({ a: step }), { until: 'last == 1' }), ['MR_DEF_UNKNOWN_ROOT /nodes/n/until']],
    [
      'with a node of its body in its until',
      forEach(bodyOf({ a: step }), { until: 'nodes.a.output' }),
      ['MR_DEF_UNKNOWN_NODE /nodes/n/until'],
    ],
    ['with two ways to end early', forEach(bodyOf({ a: step }), { until: 'true', atLeast: 1 }), ['MR_DEF_SHAPE /nodes/n']],
    ['with an item called results', forEach(bodyOf({ a: step }), { until: 'true', as: 'results' }), ['MR_DEF_DUPLICATE /nodes/n/as']],
    ['with at least nothing', forEach(bodyOf({ a: step }), { atLeast: 0 }), ['MR_DEF_SHAPE /nodes/n/atLeast']],
    ['with at least more than there can be', forEach(bodyOf({ a: step }), { atLeast: 10_001 }), ['MR_DEF_SHAPE /nodes/n/atLeast']],
    ['with at least an expression', forEach(bodyOf({ a: step }), { atLeast: '${ 2 }' }), ['MR_DEF_SHAPE /nodes/n/atLeast']],
    ['with a timeout that is none', forEach(bodyOf({ a: step }), { timeout: 5 }), ['MR_DEF_DURATION /nodes/n/timeout']],
    ['without a condition', { type: 'repeat', body: bodyOf({ a: step }) }, ['MR_DEF_MISSING_FIELD /nodes/n']],
    ['with two conditions', repeat(bodyOf({ a: step }), { while: 'true' }), ['MR_DEF_SHAPE /nodes/n']],
    ['with no round at all', repeat(bodyOf({ a: step }), { max: 0 }), ['MR_DEF_SHAPE /nodes/n/max']],
    ['with a delay that is none', repeat(bodyOf({ a: step }), { delay: 'soon' }), ['MR_DEF_DURATION /nodes/n/delay']],
    ['with a timeout of no time', repeat(bodyOf({ a: step }), { timeout: '0s' }), ['MR_DEF_DURATION /nodes/n/timeout']],
    ['with a retry', repeat(bodyOf({ a: step }), { retry: {} }), ['MR_DEF_UNKNOWN_FIELD /nodes/n/retry']],
  ])('%s', (_, node, expected) => {
    expect(wrong(nodeOf(node))).toEqual(expected);
  });

  it.each<[JsonObject, string]>([
    [{ until: 'true', atLeast: 1 }, '/nodes/n "until" and "atLeast" both say when the loop ends early: use one of them.'],
    [
      { until: 'true', as: 'results' },
      '/nodes/n/as An item cannot be called "results" here, since "until" calls the results of the items so: use another name.',
    ],
    [{ atLeast: 0 }, '/nodes/n/atLeast "atLeast" must be an integer from 1 to 10000.'],
    [{ until: 'last == 1' }, '/nodes/n/until "last" cannot be used here: only the body of a repeat, its "until" and its "while" see it.'],
    [{ until: '${ index > 1 }' }, '/nodes/n/until A condition is an expression by itself: leave out "${" and "}".'],
    [{ timeout: '0s' }, '/nodes/n/timeout A duration must be longer than zero here.'],
  ])('%j, with a sentence that says what to do', (more, message) => {
    expect(sentences(nodeOf(forEach(bodyOf({ a: step }), more)))).toEqual([message]);
  });

  it.each<[string, JsonObject, string, readonly string[]]>([
    [
      'a timeout of a forEach',
      forEach(bodyOf({ a: step }), { onItemFailure: 'fail' }),
      'timedOut',
      ['MR_DEF_EDGE_NEVER_TAKEN /edges/0/on'],
    ],
    [
      'a failure of a forEach that leaves failures to its tasks',
      forEach(bodyOf({ a: step })),
      'failed',
      ['MR_DEF_EDGE_NEVER_TAKEN /edges/0/on'],
    ],
    ['a failure of a forEach', forEach(bodyOf({ a: step }), { onItemFailure: 'fail' }), 'failed', []],
    ['a failure of a forEach that has too few items', forEach(bodyOf({ a: step }), { atLeast: 2 }), 'failed', []],
    ['a timeout of a forEach that has one', forEach(bodyOf({ a: step }), { timeout: '1h' }), 'timedOut', []],
    ['any end of a forEach with a timeout', forEach(bodyOf({ a: step }), { timeout: '1h' }), 'any', []],
    ['any end of a forEach that always completes', forEach(bodyOf({ a: step })), 'any', ['MR_DEF_EDGE_NEVER_TAKEN /edges/0/on']],
    ['a failure of a repeat', repeat(bodyOf({ a: step })), 'failed', []],
    ['a timeout of a repeat that has one', repeat(bodyOf({ a: step }), { timeout: '1h' }), 'timedOut', []],
    ['a timeout of a repeat', repeat(bodyOf({ a: step })), 'timedOut', ['MR_DEF_EDGE_NEVER_TAKEN /edges/0/on']],
  ])('or not, for an edge on %s', (_, node, on, expected) => {
    expect(wrong(graphOf({ n: node, z: step }, [{ from: 'n', to: 'z', on }]))).toEqual(expected);
  });

  it('with everything that is wrong in its bodies, all at once and each with its whole place', () => {
    const inner = bodyOf(
      { a: { ...task, retires: 1 }, b: { ...step, output: '${ nodes.c.output }' }, 'x y': step, c: { ...step, join: { atLeast: 2 } } },
      [
        { from: 'a', to: 'nowhere' },
        { from: 'b', to: 'b' },
        { from: 'a', to: 'c', id: 'e' },
        { from: 'b', to: 'c', id: 'e', when: '1 +' },
        { from: 'a', to: 'order' },
      ],
      { output: '${ input.x + }' },
    );
    const at = '/nodes/order/body/nodes/poll/body';
    expect(wrong(graphOf({ order: forEach(bodyOf({ poll: repeat(inner, { until: 'nodes.a.output' }) })) }))).toEqual([
      `MR_DEF_UNKNOWN_FIELD ${at}/nodes/a/retires`,
      `MR_DEF_ID ${at}/nodes/x y`,
      `MR_DEF_UNKNOWN_NODE ${at}/edges/0/to`,
      `MR_DEF_SELF_EDGE ${at}/edges/1`,
      `MR_DEF_DUPLICATE ${at}/edges/3/id`,
      `MR_DEF_EXPRESSION ${at}/edges/3/when`,
      `MR_DEF_UNKNOWN_NODE ${at}/edges/4/to`,
      `MR_DEF_EXPRESSION ${at}/output`,
      `MR_DEF_OTHERWISE_MISSING ${at}/nodes/b`,
      'MR_DEF_UNKNOWN_NODE /nodes/order/body/nodes/poll/until',
      `MR_DEF_NODE_NOT_BEFORE ${at}/nodes/b/output`,
    ]);
  });

  it('for a cycle in its body, by the names that stand there', () => {
    const body = bodyOf({ a: step, b: step }, [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'a' },
    ]);
    expect(sentences(nodeOf(forEach(body)))).toEqual([
      '/nodes/n/body/edges/1 The edges form a cycle: a → b → a. A definition must be free of cycles: remove one of the edges.',
    ]);
  });

  it('for an edge out of its body', () => {
    expect(sentences(graphOf({ order: forEach(bodyOf({ a: step }, [{ from: 'a', to: 'z' }])), z: step }))).toEqual([
      '/nodes/order/body/edges/0/to The node "z" stands outside of this body: an edge joins nodes of the same graph.',
    ]);
  });
});

describe('Limits', () => {
  it('count nodes, edges and expressions of all graphs', () => {
    const document = graphOf({ order: forEach(bodyOf({ a: showing('${ item }'), b: step }, [{ from: 'a', to: 'b' }])), z: step }, [
      'order>z',
    ]);
    expect(wrong(document, { ...defaultDefinitionLimits, nodes: 4, edges: 2, expressions: 2 })).toEqual([]);
    expect(wrong(document, { ...defaultDefinitionLimits, nodes: 3 })).toContain('MR_DEF_LIMIT /nodes');
    expect(wrong(document, { ...defaultDefinitionLimits, edges: 1 })).toEqual(['MR_DEF_LIMIT /edges']);
    expect(wrong(document, { ...defaultDefinitionLimits, expressions: 1 })).toEqual(['MR_DEF_LIMIT ']);
  });

  it('bound how deep loops stand in each other', () => {
    const nested = (levels: number): JsonObject => (levels === 0 ? step : repeat(bodyOf({ n: nested(levels - 1) })));
    expect(wrong(nodeOf(nested(8)))).toEqual([]);
    expect(wrong(nodeOf(nested(9)))).toEqual([`MR_DEF_LIMIT /nodes/n${'/body/nodes/n'.repeat(8)}/body`]);
  });
});

it('are read without a throw, and every place points into the document, whatever stands in them', { timeout: 60_000 }, () => {
  const document = graphOf(
    {
      a: step,
      order: forEach(bodyOf({ ship: task, poll: repeat(bodyOf({ ask: task })) }, [{ from: 'ship', to: 'poll' }]), { as: 'order' }),
    },
    ['a>order'],
  );
  fc.assert(
    fc.property(fc.constantFrom(...placesIn(document)), fc.jsonValue({ maxDepth: 3 }), (path, value) => {
      for (const place of wrong(replaced(document, path, value as Json))) expect(place).toMatch(/^MR_DEF_[A-Z_]+ (\/([^~/]|~[01])*)*$/);
    }),
    { numRuns: 300 },
  );
});

describe('Ids of edges', () => {
  it('are given, or derived from the ends', () => {
    const edges = [
      { from: 'a', to: 'b', id: 'main' },
      { from: 'a', to: 'b', when: 'input.x' },
      { from: 'a', to: 'b', when: 'input.y' },
      { from: 'b', to: null, otherwise: true },
    ];
    expect(read(graphOf(['a', 'b'], edges)).root.edges.map(({ id }) => id)).toEqual(['main', 'a->b', 'a->b#2', 'b->']);
  });

  it('are unique in their graph, and may stand in another one again', () => {
    const twice = [
      { from: 'a', to: 'b', id: 'e' },
      { from: 'b', to: 'c', id: 'e' },
    ];
    expect(placesOf(graphOf(['a', 'b', 'c'], twice))).toEqual(['MR_DEF_DUPLICATE /edges/1/id']);
    expect(placesOf(graphOf(['a', 'b'], [{ from: 'a', to: 'b', id: 'a->b' }]))).toEqual(['MR_DEF_ID /edges/0/id']);
    expect(placesOf(graphOf(['a', 'b'], [{ from: 'a', to: 'b', id: 'x' }, 'a>b']))).toEqual(['MR_DEF_DUPLICATE_EDGE /edges/1']);
    const edge = [{ from: 'a', to: 'b', id: 'e' }];
    expect(wrong(graphOf({ a: step, b: forEach(bodyOf({ a: step, b: step }, edge)) }, edge))).toEqual([]);
  });
});

describe('The fields of a loop', () => {
  it('are read as they are meant', () => {
    const of = (more: JsonObject) => loopOf(read(nodeOf(forEach(bodyOf({ a: step }), more))), 'n');
    expect(of({})).toMatchObject({ as: null, concurrency: null, failuresMax: null, until: null, atLeast: null, timeout: null });
    expect(of({ until: 'index > 1', timeout: '1h' })).toMatchObject({ until: { source: 'index > 1' }, timeout: { ms: 3_600_000 } });
    expect(of({ atLeast: 3 })).toMatchObject({ atLeast: 3 });
    expect(of({ as: 'order', concurrency: 5, onItemFailure: 'fail' })).toMatchObject({ as: 'order', concurrency: 5, failuresMax: 0 });
    expect(of({ onItemFailure: { maxFailures: 3 } })).toMatchObject({ failuresMax: 3 });
    expect(of({ onItemFailure: 'continue' })).toMatchObject({ failuresMax: 1_000_000_000 });
    const rounds = (more: JsonObject) => loopOf(read(nodeOf({ type: 'repeat', body: bodyOf({ a: step }), ...more })), 'n');
    expect(rounds({ until: 'last == 1' })).toMatchObject({ condition: { kind: 'until' }, max: 1_000, delay: null });
    expect(rounds({ while: 'index < 3', max: 5, delay: '10s' })).toMatchObject({
      condition: { kind: 'while' },
      max: 5,
      delay: { kind: 'constant', ms: 10_000 },
    });
  });
});
