/**
 * Every construct of the language that no other end-to-end test runs, in a few definitions, and what an instance of each comes to.
 * Nothing here depends on the order of what runs beside each other.
 */
import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../../src/core/json.ts';
import { testSecret } from './engine.ts';

const echo = (input: Json) => ({ type: 'task', task: 'e2e.echo', input });
const never = { type: 'wait', for: '1h' };
const edge = (from: string, to: string) => ({ from, to });

/** Joins that do not wait for all, variables, and loops by `while`. */
const races = {
  id: 'e2e-c-races',
  vars: { winner: null, seen: 0 },
  nodes: {
    ...{ quick: echo('quick'), stuck: never, behind: echo('never') },
    first: {
      type: 'transform',
      join: 'any',
      cancelRest: true,
      output: '${ nodes.quick.output }',
      set: { winner: '${ nodes.quick.output }' },
    },
    ...{ one: echo(1), two: echo(2), three: never },
    two_of_three: { type: 'transform', join: { atLeast: 2 }, cancelRest: true, output: '${ nodes.one.output + nodes.two.output }' },
    // Without `cancelRest` the branch that is late runs to its end, and is absorbed.
    ...{ soon: echo('soon'), late: { type: 'wait', for: '1s' } },
    either: { type: 'transform', join: 'any', output: 'either' },
    counted: {
      type: 'repeat',
      while: 'vars.seen < 3',
      body: { nodes: { see: { ...echo('${ index + 1 }'), set: { seen: '${ nodes.see.output }' } } }, output: '${ nodes.see.output }' },
    },
    none: { type: 'repeat', while: 'input.more', body: { nodes: { see: echo(1) } } },
  },
  edges: [
    ...[edge('quick', 'first'), edge('stuck', 'behind'), edge('behind', 'first')],
    ...[edge('one', 'two_of_three'), edge('two', 'two_of_three'), edge('three', 'two_of_three')],
    ...[edge('soon', 'either'), edge('late', 'either')],
  ],
  output: {
    winner: '${ vars.winner }',
    rest: '${ [nodes.stuck.status, nodes.behind.status, nodes.three.status] }',
    sum: '${ nodes.two_of_three.output }',
    late: '${ nodes.late.status }',
    rounds: '${ [nodes.counted.output, vars.seen, nodes.none.output] }',
  },
};
const racesGive = { winner: 'quick', rest: ['cancelled', 'cancelled', 'cancelled'], sum: 3, late: 'completed', rounds: [3, 3, null] };

/** An item other than 0 fails. */
const items = (some: readonly number[], more: JsonObject) => ({
  type: 'forEach',
  items: [...some],
  body: {
    nodes: { work: { type: 'task', task: 'e2e.flaky', input: '${ item }', retry: { maxAttempts: 1 } } },
    output: '${ nodes.work.output.attempt }',
  },
  ...more,
});
const failing = ['exceeded', 'strict', 'too_few'];
const loops = {
  id: 'e2e-c-loops',
  nodes: {
    goes_on: items([0, 9, 0, 9], { onItemFailure: 'continue' }),
    tolerates: items([9, 0, 0], { onItemFailure: { maxFailures: 1 } }),
    exceeded: items([9, 0, 9, 0], { onItemFailure: { maxFailures: 1 } }),
    strict: items([0, 9, 0], { onItemFailure: 'fail', concurrency: 1 }),
    enough: items([0, 9, 0, 0], { onItemFailure: 'continue', concurrency: 1, atLeast: 2 }),
    too_few: items([0, 9, 9], { onItemFailure: 'continue', atLeast: 2 }),
    found: items([9, 0, 0], { onItemFailure: 'continue', concurrency: 1, until: 'results[index] == 1' }),
    ...Object.fromEntries(failing.map((id) => [`after_${id}`, { type: 'transform', output: `\${ nodes.${id}.error.code }` }])),
  },
  edges: failing.map((id) => ({ from: id, to: `after_${id}`, on: 'failed' })),
  output: {
    outputs: '${ [nodes.goes_on.output, nodes.tolerates.output, nodes.enough.output, nodes.found.output] }',
    errors: '${ [nodes.after_exceeded.output, nodes.after_strict.output, nodes.after_too_few.output] }',
  },
};
const loopsGive = {
  outputs: [
    [1, null, 1, null],
    [null, 1, 1],
    [1, null, 1, null],
    [null, 1, null],
  ],
  errors: ['ITEMS_FAILED', 'ITEMS_FAILED', 'ITEMS_TOO_FEW'],
};

/** Deployed twice, with other outputs. */
export const child = (version: number) => ({
  id: 'e2e-c-child',
  nodes: { nap: { type: 'wait', for: '1s' }, work: echo('${ input.of }') },
  edges: [edge('nap', 'work')],
  output: { of: '${ nodes.work.output }', version },
});
const children = {
  id: 'e2e-c-parent',
  nodes: {
    pinned: { type: 'workflow', definition: 'e2e-c-child', version: 1, input: { of: 'pinned' } },
    newest: { type: 'workflow', definition: 'e2e-c-child', version: 'latest', input: { of: 'newest' } },
    apart: { type: 'workflow', definition: 'e2e-c-child', input: { of: 'apart' }, detached: true },
  },
  output: { pinned: '${ nodes.pinned.output }', newest: '${ nodes.newest.output }', apart: '${ nodes.apart.output.instanceId != "" }' },
};
const childrenGive = { pinned: { of: 'pinned', version: 1 }, newest: { of: 'newest', version: 2 }, apart: true };

/** Its parent has long ended when it does. */
const leaving = {
  id: 'e2e-c-leaving',
  nodes: { apart: { ...children.nodes.apart, input: { of: 'left' } }, stuck: never },
  onFailure: 'fail',
  timeout: '500ms',
};
const onTime = { id: 'e2e-c-deadline', deadline: '${ input.by }', nodes: { stuck: never } };

const integer = { type: 'integer' };
const types = {
  id: 'e2e-c-types',
  nodes: {
    takes: { ...echo('${ input.text }'), inputSchema: integer },
    gives: { ...echo('${ input.text }'), outputSchema: integer },
    after_takes: { type: 'transform', output: '${ nodes.takes.error.code }' },
    after_gives: { type: 'transform', output: '${ nodes.gives.error.code }' },
  },
  edges: ['takes', 'gives'].map((id) => ({ from: id, to: `after_${id}`, on: 'failed' })),
  output: '${ [nodes.after_takes.output, nodes.after_gives.output] }',
};

export const secretReference = `\${ secrets.${testSecret.name} }`;
const secrets = {
  id: 'e2e-c-secrets',
  nodes: {
    told: { type: 'task', task: 'e2e.secret', input: { key: secretReference } },
    quotes: { type: 'task', task: 'e2e.secret', input: { key: secretReference, quote: true } },
    asks: {
      type: 'http',
      method: 'POST',
      url: '${ input.base }/charges',
      headers: { authorization: `Bearer ${secretReference}` },
      body: { key: secretReference },
    },
    after: { type: 'transform', output: '${ nodes.quotes.error }' },
  },
  edges: [{ from: 'quotes', to: 'after', on: 'failed' }],
  output: { told: '${ nodes.told.output }', error: '${ nodes.after.output.message }', answer: '${ nodes.asks.output.body }' },
};
const secretsGive = {
  // Which only who has the value can tell.
  told: { key: secretReference, sha256: createHash('sha256').update(testSecret.value).digest('hex') },
  error: `no use of ${secretReference}`,
  answer: { authorization: `Bearer ${secretReference}`, body: JSON.stringify({ key: secretReference }) },
};

const people = {
  id: 'e2e-c-people',
  nodes: {
    sign: {
      type: 'human',
      title: 'Sign',
      assignees: { users: ['ada', 'bob'] },
      outcomes: ['sign', 'refuse'],
      approvals: { atLeast: 2, of: 3, notBy: ['eve'] },
    },
    after: echo('${ nodes.sign.output.votes.map(v, v.by).sort() }'),
  },
  edges: [edge('sign', 'after')],
  output: { outcome: '${ nodes.sign.output.outcome }', by: '${ nodes.after.output }' },
};
const peopleGive = { outcome: 'sign', by: ['ada', 'carol'] };

export type Construct = {
  readonly definition: JsonObject & { readonly id: string };
  /** @param base of the server that `http` nodes ask. */
  input(base: string): JsonObject;
  readonly ends: JsonObject;
};

const completed = (output: Json) => ({ status: 'completed', output, error: null, openCount: 0, awaitedChildren: 0 });
const timedOut = { status: 'failed', output: null, error: { code: 'TIMEOUT' }, openCount: 0, awaitedChildren: 0 };
const DEADLINE_MS = 3_000;

export const constructs: readonly Construct[] = [
  { definition: races, input: () => ({ more: false }), ends: completed(racesGive) },
  { definition: loops, input: () => ({}), ends: completed(loopsGive) },
  { definition: children, input: () => ({}), ends: completed(childrenGive) },
  { definition: leaving, input: () => ({}), ends: timedOut },
  { definition: onTime, input: () => ({ by: new Date(Date.now() + DEADLINE_MS).toISOString() }), ends: timedOut },
  { definition: types, input: () => ({ text: 'no number' }), ends: completed(['INPUT_INVALID', 'OUTPUT_INVALID']) },
  { definition: secrets, input: (base) => ({ base }), ends: completed(secretsGive) },
  { definition: people, input: () => ({}), ends: completed(peopleGive) },
];
