/**
 * Random definitions, as documents: every node type, join, edge and failure mode, small enough that many of them run in
 * a second. Conditions ask the input's switches, so that each run takes its own ways through the same graph.
 */
import fc from 'fast-check';
import { isJsonObject, type JsonObject } from '../../json.ts';

/** Switches that conditions ask: `input.s0` … */
const SWITCHES = 4;

export const input: fc.Arbitrary<JsonObject> = fc
  .tuple(fc.array(fc.boolean(), { minLength: SWITCHES, maxLength: SWITCHES }), fc.nat({ max: 9 }))
  .map(([switches, n]) => ({ ...Object.fromEntries(switches.map((on, index) => [`s${index}`, on])), n }));

const condition = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: SWITCHES - 1 }).map((index) => `input.s${index}`) },
  { weight: 2, arbitrary: fc.constant('vars.x > 1') },
  // Fails at run time: an incident.
  { weight: 1, arbitrary: fc.constant('input.missing') },
);

const retry = fc.record({
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  backoff: fc.constantFrom('fixed', 'linear', 'exponential'),
  initial: fc.constantFrom('10ms', '1s'),
  on: fc.constantFrom([], ['FATAL']),
  nonRetryable: fc.constantFrom([], ['FATAL']),
});

const value = fc.constantFrom('${ input.n }', '${ vars.x }', 1, 'text', { a: ['${ input.s0 }'] });
const optional = (name: string, values: readonly string[]): fc.Arbitrary<JsonObject> =>
  fc.option(fc.constantFrom(...values)).map((chosen): JsonObject => (chosen === null ? {} : { [name]: chosen }));

/** A reference to a secret beside data that looks like one. */
const withSecret = fc.constant({ key: 'K ${ secrets.KEY } ${ input.n }', said: '$${ secrets.OTHER }' });
/** Declared types that some values do not fit: the node fails before anything is sent, or when its output arrives. */
const declared = fc.oneof(
  { weight: 8, arbitrary: fc.constant<JsonObject>({}) },
  { weight: 1, arbitrary: fc.constant<JsonObject>({ input: '${ input.n }', inputSchema: { type: 'string' } }) },
  { weight: 1, arbitrary: fc.constant<JsonObject>({ outputSchema: { type: ['string', 'number', 'null'] } }) },
);
/** A node, and perhaps how it is undone: what `documentOf` leaves out where nothing is. */
const undoable = (node: fc.Arbitrary<JsonObject>, ...values: readonly string[]): fc.Arbitrary<JsonObject> =>
  fc
    .tuple(node, fc.option(compensation(values), { freq: 2 }))
    .map(([given, undo]) => (undo === null ? given : { ...given, compensation: undo }));
const compensation = (values: readonly string[]): fc.Arbitrary<JsonObject> =>
  fc.tuple(retry, fc.constantFrom('${ node.output }', '${ vars.x }', '${ node.input }', ...values), fc.nat({ max: 3 })).map(
    ([policy, input, kind]): JsonObject =>
      [
        { type: 'task', task: 'undo', input, retry: policy },
        { type: 'http', method: 'DELETE', url: 'http://localhost/', query: { of: 'x' }, headers: { h: '${ instance.id }' }, retry: policy },
        { type: 'publish', event: 'undone', key: 'k', data: { of: input } },
        { type: 'workflow', definition: 'child', input, ...(policy.maxAttempts === 1 ? { timeout: '3h' } : {}) },
      ][kind] ?? {},
  );

const task = fc
  .tuple(retry, fc.oneof(value, withSecret), optional('queueTimeout', ['10m']), declared)
  .map(([policy, given, more, types]): JsonObject => ({ type: 'task', task: 'work', retry: policy, input: given, ...more, ...types }));
const http = fc
  .tuple(retry, fc.oneof(value, withSecret))
  .map(([policy, body]): JsonObject => ({ type: 'http', method: 'POST', url: 'http://localhost/', body, retry: policy }));
const transform = fc
  .oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: fc.constant('${ input.missing }') })
  .map((output): JsonObject => ({ type: 'transform', output }));
const decided = fc.constantFrom<JsonObject>(
  {},
  {},
  { outcomes: ['approve', 'refuse'] },
  { approvals: { atLeast: 2, notBy: ['ada'] } },
  { approvals: { notBy: '${ instance.startedBy }' } },
  { outcomes: ['approve', 'refuse', 'later'], approvals: { atLeast: 2, of: 3 } },
);
const escalate = fc.constantFrom<JsonObject>(
  {},
  { escalate: { after: '20m', to: { roles: ['boss'] } } },
  {
    escalate: [
      { after: '20m', to: { roles: ['boss'] } },
      { after: '40m', to: { users: ['eve'] } },
    ],
  },
);
const human = fc
  .tuple(optional('timeout', ['1h']), fc.constantFrom<JsonObject>({}, { reminder: '10m' }, { reminder: ['10m', '30m'] }), escalate, decided)
  .map(
    ([timeout, reminder, escalation, decision]): JsonObject => ({
      type: 'human',
      title: 'For ${ input.n }',
      assignees: { users: ['ada'], roles: ['team'] },
      ...timeout,
      ...reminder,
      ...escalation,
      ...decision,
    }),
  );
const wait = fc.constantFrom<JsonObject>(
  { type: 'wait', for: '30s' },
  { type: 'wait', for: '0s' },
  { type: 'wait', until: '2026-01-01T00:10:00Z' },
);
const event = fc.tuple(fc.option(fc.integer({ min: 1, max: 3 })), optional('timeout', ['2h']), fc.boolean(), fc.boolean()).map(
  ([count, timeout, any, takes]): JsonObject => ({
    type: 'event',
    ...(any
      ? {
          anyOf: [
            { event: 'paid', key: '${ instance.id }' },
            { event: 'refused', key: 'k' },
          ],
        }
      : { event: 'paid', key: 'k', where: 'event.data.n >= input.n' }),
    ...(count === null ? {} : { count }),
    ...timeout,
    ...(takes && count !== null && 'timeout' in timeout ? { onTimeout: 'take' } : {}),
  }),
);
const publish = value.map((data): JsonObject => ({ type: 'publish', event: 'done', key: 'k', data }));

const child = fc
  .tuple(value, fc.constantFrom<JsonObject>({}, { timeout: '3h' }, { detached: true }), fc.constantFrom(1, 'latest'))
  .map(([given, more, version]): JsonObject => ({ type: 'workflow', definition: 'child', version, input: given, ...more }));

/** What runs in a loop's body: a node alone, or two of which the second may fail. */
const first = fc.oneof(
  { weight: 6, arbitrary: undoable(task, '${ index }', '${ nodes.a.output }') },
  human,
  wait,
  event,
  undoable(transform),
  undoable(child, '${ index }'),
);
const body = fc.tuple(first, fc.boolean(), fc.boolean()).map(
  ([a, hasSecond, hasOutput]): JsonObject => ({
    nodes: { a, ...(hasSecond ? { b: { type: 'task', task: 'work', input: '${ index }', retry: { maxAttempts: 1 } } } : {}) },
    ...(hasSecond ? { edges: [{ from: 'a', to: 'b' }] } : {}),
    ...(hasOutput ? { output: '${ nodes.a.output }' } : {}),
  }),
);
/** The last one fails at run time: an incident. */
const untils = ['index > 0', 'results.filter(each, each != null).size() >= 2', 'results[index] != null && item != 0', 'item.missing'];
const earlyEnd = fc.oneof(
  { weight: 4, arbitrary: fc.constant<JsonObject>({}) },
  { weight: 2, arbitrary: fc.constantFrom(...untils).map((until): JsonObject => ({ until })) },
  { weight: 2, arbitrary: fc.constantFrom(1, 2, 4).map((atLeast): JsonObject => ({ atLeast })) },
);
const loopless = (inner: fc.Arbitrary<JsonObject>) =>
  fc
    .tuple(
      inner,
      fc.constantFrom<JsonValueOfItems>(['x', 'y', 'z'], [], '${ [1, 2].map(each, each + 1) }', '${ input.n }'),
      fc.option(fc.integer({ min: 1, max: 2 })),
      fc.constantFrom(null, 'fail', 'continue', { maxFailures: 1 }),
      earlyEnd,
      optional('timeout', ['3h']),
      fc.nat({ max: 3 }).map((n) => n === 0),
    )
    .map(
      ([graph, items, concurrency, onItemFailure, ending, timeout, hasChildren]): JsonObject => ({
        type: 'forEach',
        items,
        ...(hasChildren ? { workflow: { definition: 'child', input: '${ item }' } } : { body: graph }),
        ...(concurrency === null ? {} : { concurrency }),
        ...(onItemFailure === null ? {} : { onItemFailure }),
        ...ending,
        ...timeout,
      }),
    );
type JsonValueOfItems = string | readonly string[];
const forEach = loopless(
  fc.oneof(
    { weight: 4, arbitrary: body },
    loopless(body).map((inner): JsonObject => ({ nodes: { inner }, output: '${ nodes.inner.output }' })),
  ),
);
const repeat = fc.tuple(body, fc.integer({ min: 0, max: 2 }), fc.boolean(), optional('delay', ['5s']), optional('timeout', ['3h'])).map(
  ([graph, rounds, isWhile, delay, timeout]): JsonObject => ({
    type: 'repeat',
    body: graph,
    max: 3,
    ...(isWhile ? { while: `index < ${rounds}` } : { until: `index >= ${rounds}` }),
    ...delay,
    ...timeout,
  }),
);

export const node = fc.oneof(
  { weight: 3, arbitrary: forEach },
  { weight: 2, arbitrary: repeat },
  { weight: 3, arbitrary: undoable(child) },
  { weight: 8, arbitrary: undoable(task) },
  { weight: 2, arbitrary: undoable(http) },
  { weight: 4, arbitrary: undoable(transform) },
  { weight: 3, arbitrary: undoable(human) },
  { weight: 2, arbitrary: wait },
  { weight: 3, arbitrary: undoable(event) },
  { weight: 1, arbitrary: undoable(publish) },
);

/** The condition of one edge. `plain` stands for a condition or `otherwise`, as fits the others of its node. */
const edgeRule = fc.oneof(
  { weight: 6, arbitrary: fc.constant<JsonObject>({}) },
  { weight: 4, arbitrary: condition.map((when): JsonObject => ({ when })) },
  { weight: 2, arbitrary: fc.record({ on: fc.constantFrom('failed', 'timedOut', 'any') }) },
  { weight: 1, arbitrary: fc.record({ on: fc.constant('failed'), error: fc.constantFrom('FATAL', 'BUSY') }) },
  { weight: 1, arbitrary: condition.map((when): JsonObject => ({ on: 'any', when })) },
);

type Drawn = {
  readonly nodes: readonly JsonObject[];
  readonly joins: readonly number[];
  readonly cancels: readonly boolean[];
  readonly sets: readonly number[];
  readonly edges: readonly { readonly from: number; readonly to: number; readonly rule: JsonObject }[];
  readonly onFailure: string;
  readonly timeout: JsonObject;
  readonly lifecycle: string;
};

const drawn: fc.Arbitrary<Drawn> = fc.integer({ min: 1, max: 9 }).chain((size) => {
  const each = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: size, maxLength: size });
  return fc.record({
    nodes: each(node),
    joins: each(fc.nat({ max: 3 })),
    cancels: each(fc.boolean()),
    sets: each(fc.nat({ max: 3 })),
    edges: fc.array(fc.record({ from: fc.nat({ max: size - 1 }), to: fc.nat({ max: size - 1 }), rule: edgeRule }), { maxLength: size * 2 }),
    onFailure: fc.constantFrom('incident', 'incident', 'fail', 'compensate', 'compensate'),
    timeout: optional('timeout', ['1d']),
    lifecycle: fc.constantFrom('instance', 'starts', 'tasks'),
  });
});

/** A schedule, as `Chance` reads it. */
export function numbers(minLength: number, maxLength: number): fc.Arbitrary<number[]> {
  return fc.array(fc.nat({ max: 1 << 20 }), { minLength, maxLength, size: 'max' });
}

export const document: fc.Arbitrary<JsonObject> = drawn.map(documentOf);

/** Whatever was drawn, made into a document without errors: edges go forward, and none is refused for what it cannot do. */
function documentOf({ nodes, joins, cancels, sets, edges, onFailure, timeout, lifecycle }: Drawn): JsonObject {
  const kept = new Map<string, JsonObject>();
  for (const { from, to, rule: how } of edges) {
    if (from === to) continue;
    const [first, second] = from < to ? [from, to] : [to, from];
    const source = nodes[first] ?? {};
    const usable = 'on' in how && !mayEndSo(source, String(how.on)) ? {} : how;
    const edge = { from: `n${first}`, to: `n${second}`, ...usable };
    kept.set(JSON.stringify(edge), edge);
  }
  const list = [...kept.values()];
  for (const index of nodes.keys()) {
    const plain = list.filter(({ from, on }) => from === `n${index}` && on === undefined);
    if (plain.length > 0 && plain.every(({ when }) => when !== undefined)) list.push({ from: `n${index}`, to: null, otherwise: true });
  }
  const members = nodes.map((given, index): [string, JsonObject] => {
    const arrivals = list.filter(({ to }) => to === `n${index}`).length;
    const join = [{}, {}, { join: 'any' }, { join: { atLeast: Math.min(2, arrivals) } }][arrivals === 0 ? 0 : (joins[index] ?? 0)] ?? {};
    const cancelRest = 'join' in join && cancels[index] === true ? { cancelRest: true } : {};
    const value = [undefined, undefined, index, '${ input.missing }'][sets[index] ?? 0];
    const set = value === undefined ? {} : { set: { x: value } };
    const { compensation: _, ...bare } = given;
    return [`n${index}`, { ...(onFailure === 'compensate' ? given : withoutCompensations(bare)), ...join, ...cancelRest, ...set }];
  });
  return { id: 'random', vars: { x: 0 }, nodes: Object.fromEntries(members), edges: list, onFailure, lifecycle, ...timeout };
}

function withoutCompensations(node: JsonObject): JsonObject {
  const { body: graph } = node;
  if (!isJsonObject(graph) || !isJsonObject(graph.nodes)) return node;
  const nodes = Object.entries(graph.nodes).map(([name, inner]) => {
    const { compensation: _, ...bare } = inner as JsonObject;
    return [name, withoutCompensations(bare)] as const;
  });
  return { ...node, body: { ...graph, nodes: Object.fromEntries(nodes) } };
}

function mayEndSo({ type, timeout, onItemFailure, atLeast, onTimeout, detached }: JsonObject, on: string): boolean {
  if (type === 'task' || type === 'http') return true;
  if (type === 'workflow') return detached === undefined && (on !== 'timedOut' || timeout !== undefined);
  if (type === 'repeat') return on !== 'timedOut' || timeout !== undefined;
  if (type === 'forEach')
    return (on !== 'failed' && timeout !== undefined) || (on !== 'timedOut' && (onItemFailure ?? atLeast) !== undefined);
  if (type === 'human') return on !== 'timedOut' || timeout !== undefined;
  return type === 'event' && on !== 'failed' && timeout !== undefined && onTimeout === undefined;
}
