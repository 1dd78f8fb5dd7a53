/** What a valid definition becomes: defaults, the graph, and what is allowed (language, "Graph", "Nodes", "Time and retries"). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '../ids.ts';
import type { Json, JsonObject } from '../json.ts';
import { defaultDefinitionLimits, definitionEventTypes, definitionQueues, definitionTopics, parseDefinition } from './index.ts';
import { errorsOf, expenseApproval, graphOf, nodeOf, parsed, placesIn, placesOf, replaced, step } from './testing/documents.ts';

const n = 'n' as NodeId;
const http = { type: 'http', method: 'GET', url: 'https://example.com' };

describe('The defaults', () => {
  it('are 30 s and three attempts for http', () => {
    expect(parsed(nodeOf(http)).nodes.get(n)).toMatchObject({
      timeout: { kind: 'constant', ms: 30_000 },
      queueTimeout: null,
      retry: { maxAttempts: 3, backoff: 'exponential', initialMs: 1_000, maxMs: 60_000, jitter: 'spread', nonRetryable: [] },
      join: { kind: 'all' },
      cancelRest: false,
    });
  });

  it('are 5 min, three attempts and the queue "handlers" for a task', () => {
    expect(parsed(nodeOf({ type: 'task', task: 'charge' })).nodes.get(n)).toMatchObject({
      queue: 'handlers',
      timeout: { kind: 'constant', ms: 300_000 },
      retry: { maxAttempts: 3 },
    });
  });

  it('of a definition are incidents, records per instance, no limit of time', () => {
    expect(parsed(nodeOf(step))).toMatchObject({
      onFailure: 'incident',
      lifecycle: 'instance',
      timeout: null,
      input: null,
      root: { output: null },
    });
  });

  it('of a retry stand beside what is given', () => {
    expect(parsed(nodeOf({ ...http, retry: { initial: '2m' } })).nodes.get(n)).toMatchObject({
      retry: { initialMs: 120_000, maxMs: 120_000, maxAttempts: 3, backoff: 'exponential', nonRetryable: [] },
    });
    expect(parsed(nodeOf({ ...http, retry: { max: '500ms' } })).nodes.get(n)).toMatchObject({ retry: { initialMs: 500, maxMs: 500 } });
  });
});

describe('The graph', () => {
  it('starts at the nodes without incoming edges', () => {
    expect(parsed(graphOf(['a', 'b', 'c'], ['a>c', 'b>c'])).root.startNodes).toEqual(['a', 'b']);
  });

  it('knows the ancestors of each node', () => {
    const { ancestors } = parsed(graphOf(['a', 'b', 'c', 'd'], ['a>b', 'b>d', 'a>c', 'c>d'])).root;
    expect([...ancestors].map(([id, all]) => [id, [...all].sort()])).toEqual([
      ['a', []],
      ['b', ['a']],
      ['c', ['a']],
      ['d', ['a', 'b', 'c']],
    ]);
  });

  it('keeps the edges in the order of the document, by ids that come from their ends', () => {
    const { edges, outgoing, incoming } = parsed(expenseApproval).root;
    expect(edges.map(({ id }) => id)).toEqual(['check->approve', 'check->pay', 'approve->pay', 'approve->reject']);
    expect(outgoing.get('check' as NodeId)?.map(({ to }) => to)).toEqual(['approve', 'pay']);
    expect(incoming.get('pay' as NodeId)?.map(({ from }) => from)).toEqual(['check', 'approve']);
  });

  it('lets "otherwise" lead nowhere', () => {
    const document = graphOf(
      ['a', 'b'],
      [
        { from: 'a', to: 'b', when: 'true' },
        { from: 'a', to: null, otherwise: true },
      ],
    );
    expect(parsed(document).root.edges[1]).toMatchObject({
      id: 'a->',
      to: null,
      rule: { on: 'completed', condition: { kind: 'otherwise' } },
    });
  });

  it('needs no "otherwise" beside an unconditional edge, nor for failures', () => {
    expect(placesOf(graphOf(['a', 'b', 'c'], ['a>b', { from: 'a', to: 'c', when: 'true' }]))).toEqual([]);
    expect(placesOf(graphOf({ a: http, b: step }, [{ from: 'a', to: 'b', on: 'any', when: 'true', error: 'HTTP_409' }]))).toEqual([]);
  });

  it('takes all joins, and cancelRest where a join does not wait for all', () => {
    const joined = (join: Json) => graphOf({ a: step, b: step, c: { ...step, join, cancelRest: true } }, ['a>c', 'b>c']);
    expect(parsed(joined('any')).nodes.get('c' as NodeId)).toMatchObject({ join: { kind: 'any' }, cancelRest: true });
    expect(parsed(joined({ atLeast: 2 })).nodes.get('c' as NodeId)).toMatchObject({ join: { kind: 'atLeast', n: 2 } });
  });
});

describe('Expressions', () => {
  it('may ask for the status of any node, and for more of those before', () => {
    const document = graphOf({ a: { ...step, output: '${ nodes.b.status }' }, b: { ...step, output: '${ nodes.a.output }' } }, ['a>b']);
    expect(placesOf(document)).toEqual([]);
  });

  it('see the node itself in its set and on its edges', () => {
    const a = { ...step, set: { total: '${ nodes.a.output }' } };
    const edges = [
      { from: 'a', to: 'b', when: 'nodes.a.output > 1.0' },
      { from: 'a', to: null, otherwise: true },
    ];
    expect(placesOf(graphOf({ a, b: { ...step, output: '${ vars.total }' } }, edges))).toEqual([]);
  });

  it('see the event in where', () => {
    expect(placesOf(nodeOf({ type: 'event', event: 'paid', key: '${ instance.id }', where: 'event.data.ok == true' }))).toEqual([]);
  });

  it('may give any limit of time', () => {
    expect(parsed(nodeOf({ ...http, timeout: '${ input.limit }' })).nodes.get(n)).toMatchObject({ timeout: { kind: 'template' } });
    expect(parsed({ ...nodeOf(step), timeout: '${ input.limit }' }).timeout).toMatchObject({ kind: 'template' });
    expect(parsed(nodeOf({ type: 'wait', until: '${ input.at }' })).nodes.get(n)).toMatchObject({
      wait: { kind: 'until', instant: { kind: 'template' } },
    });
  });
});

it('takes titles, descriptions and labels of definitions and nodes, which are for people', () => {
  const words = { title: 'Order', description: 'What happens to an order.', labels: { team: 'shop', 'cost centre': '42' } };
  expect(parsed({ ...nodeOf({ ...step, ...words }), ...words })).toMatchObject(words);
  expect(parsed(nodeOf({ ...step, ...words })).nodes.get(n)).toMatchObject({ info: words });
  expect(parsed(nodeOf(step))).toMatchObject({ title: null, description: null, labels: {} });
  // The title of a human node is an expression, and what the person reads.
  const human = { type: 'human', assignees: { users: ['ada'] }, ...words, title: 'Approve ${ input.amount }' };
  expect(parsed(nodeOf(human)).nodes.get(n)).toMatchObject({ info: { ...words, title: null } });
});

it('takes several events, and a count of them', () => {
  const anyOf = [
    { event: 'paid', key: 'k' },
    { event: 'refused', key: 'k' },
  ];
  expect(parsed(nodeOf({ type: 'event', anyOf, count: 3, timeout: '1h' })).nodes.get(n)).toMatchObject({ count: 3, list: true });
  expect(parsed(nodeOf({ type: 'event', event: 'paid', key: 'k' })).nodes.get(n)).toMatchObject({ count: 1, list: false });
});

it('tells what a deploy has to provide for', () => {
  const definition = parsed(
    graphOf({
      a: { type: 'task', task: 'x' },
      b: { type: 'task', task: 'y', queue: 'gpu' },
      c: { type: 'task', task: 'z', queue: 'gpu' },
      d: {
        type: 'event',
        anyOf: [
          { event: 'paid', key: 'k' },
          { event: 'refused', key: 'k' },
        ],
      },
      e: { type: 'publish', event: 'done', key: 'k', topic: 'audit' },
      f: { type: 'publish', event: 'done', key: 'k' },
    }),
  );
  expect(definitionQueues(definition)).toEqual(['handlers', 'gpu']);
  expect(definitionEventTypes(definition)).toEqual(['paid', 'refused']);
  expect(definitionTopics(definition)).toEqual(['audit']);
});

describe('Limits', () => {
  const within = (document: Json, limits: Partial<typeof defaultDefinitionLimits>) => {
    const result = parseDefinition(document, { version: 1, limits: { ...defaultDefinitionLimits, ...limits } });
    return result.ok ? [] : result.error.map(({ code, pointer }) => `${code} ${pointer}`);
  };

  it('hold for size, nodes, edges, depth and expressions', () => {
    const document = graphOf({ a: { ...step, output: '${ input.a }' }, b: { ...step, output: '${ input.b }' } }, ['a>b']);
    expect(within(document, {})).toEqual([]);
    expect(within(document, { bytes: 100 })).toEqual(['MR_DEF_LIMIT ']);
    expect(within(document, { nodes: 1 })).toContain('MR_DEF_LIMIT /nodes');
    expect(within(document, { edges: 0 })).toEqual(['MR_DEF_LIMIT /edges']);
    expect(within(document, { depth: 2 })).toEqual(['MR_DEF_LIMIT /nodes/a']);
    expect(within(document, { expressions: 1 })).toEqual(['MR_DEF_LIMIT ']);
  });

  it('keep a document that is nested without end from ending the process', () => {
    let output: Json = 1;
    for (let depth = 0; depth < 100_000; depth++) output = [output];
    expect(errorsOf(nodeOf({ ...step, output })).map(({ code }) => code)).toEqual(['MR_DEF_LIMIT']);
  });
});

describe('Parsing', { timeout: 120_000 }, () => {
  it('never throws, whatever the document is', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), (document) => void parseDefinition(document as Json, { version: 1 })));
  });

  it('never throws on a valid document with one value replaced', { timeout: 60_000 }, () => {
    const pointers = [...placesIn(expenseApproval)];
    fc.assert(
      fc.property(fc.constantFrom(...pointers), fc.jsonValue({ maxDepth: 3 }), (path, value) => {
        parseDefinition(replaced(expenseApproval, path, value as Json), { version: 1 });
      }),
      { numRuns: 500 },
    );
  });

  it('points at something that is there, or at where it should be', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.constantFrom(...placesIn(expenseApproval)), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
        for (const { pointer } of errorsOf(replaced(expenseApproval, path, value as Json)))
          expect(pointer).toMatch(/^(\/([^~/]|~[01])*)*$/);
      }),
    );
  });

  it('gives the same for the same document', () => {
    const [first, second] = [parsed(expenseApproval), parsed(structuredClone(expenseApproval))];
    expect(JSON.stringify([...second.nodes])).toBe(JSON.stringify([...first.nodes]));
    expect(JSON.stringify(second.root.edges)).toBe(JSON.stringify(first.root.edges));
    expect(second.root.ancestors).toEqual(first.root.ancestors);
  });

  it('takes nodes and variables with the names of an object’s own members', () => {
    const document = JSON.parse(
      '{"id":"t","nodes":{"constructor":{"type":"transform","output":1},"toString":{"type":"transform","output":2}}}',
    ) as JsonObject;
    expect([...parsed(document).nodes.keys()]).toEqual(['constructor', 'toString']);
  });
});
