/** What declared types show at deploy: members, conditions, literals, and changes that break callers. Only what is certain. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { compileSchema } from '../../schema/index.ts';
import { errorsOf, graphOf, nodeOf, step } from '../testing/documents.ts';
import { breakingChanges } from './breaking.ts';

const closed = (properties: JsonObject): JsonObject => ({ type: 'object', properties, additionalProperties: false });
const task = (input: Json): JsonObject => ({ type: 'task', task: 't', input });
const address = closed({ city: { type: 'string' }, zip: { type: 'string' } });

function toldOf(schema: Json, expression: string): readonly string[] {
  const a = { type: 'task', task: 't', outputSchema: schema };
  return errorsOf(graphOf({ a, b: { ...step, output: `\${ ${expression} }` } }, ['a>b'])).map(({ code, message }) => `${code} ${message}`);
}

describe('A member that an expression asks for', () => {
  it.each<[Json, string, string]>([
    [closed({ id: {} }), 'nodes.a.output.idd', '"nodes.a.output" has no member "idd" by its schema; it has only id. Did you mean "id"?'],
    [
      closed({ address }),
      'nodes.a.output.address.town',
      '"nodes.a.output.address" has no member "town" by its schema; it has only city, zip.',
    ],
    [
      closed({ address }),
      "nodes.a.output['address'].city.name",
      '"nodes.a.output.address.city" is string by its schema, and has no members.',
    ],
    [
      { $defs: { it: closed({}) }, $ref: '#/$defs/it' },
      'nodes.a.output.x',
      '"nodes.a.output" has no member "x" by its schema; it has none.',
    ],
    [{ type: ['array', 'null'] }, 'nodes.a.output.x', '"nodes.a.output" is array or null by its schema, and has no members.'],
    [{ type: 'object', additionalProperties: address }, 'nodes.a.output.any.street', '"nodes.a.output.any" has no member "street"'],
  ])('is refused when %j has none: %s', (schema, expression, sentence) => {
    const told = toldOf(schema, expression);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(sentence);
  });

  it.each<[Json, string]>([
    [closed({ id: {} }), 'nodes.a.output.id.deeper'],
    [closed({ id: {} }), 'nodes.a.output.?other.orValue(null)'],
    [closed({ list: { type: 'array' } }), 'nodes.a.output.list[0].x'],
    [{ type: 'object', properties: { id: {} } }, 'nodes.a.output.other'],
    [{ ...closed({}), patternProperties: { '^x': {} } }, 'nodes.a.output.x1'],
    [{ anyOf: [closed({}), closed({ id: {} })] }, 'nodes.a.output.other'],
    [{ $ref: '#/$defs/it', $defs: { it: { $ref: '#/$defs/it' } } }, 'nodes.a.output.x'],
    [true, 'nodes.a.output.x'],
  ])('is left alone where %j may have it: %s', (schema, expression) => {
    expect(toldOf(schema, expression)).toEqual([]);
  });

  it('is looked for in the input and in forms too, and in bodies of loops', () => {
    const human = { type: 'human', title: 'x', assignees: { users: ['a'] }, form: closed({ approved: { type: 'boolean' } }) };
    const body = { nodes: { inner: { ...step, output: ['${ nodes.ask.output.aproved }', '${ input.amuont }'] } } };
    const document = graphOf({ ask: human, each: { type: 'forEach', items: '${ [1] }', body } }, ['ask>each'], {
      input: closed({ amount: {} }),
    });
    expect(errorsOf(document).map(({ pointer, message }) => `${pointer} ${message}`)).toEqual([
      '/nodes/each/body/nodes/inner/output/0 "nodes.ask.output" has no member "aproved" by its schema; it has only approved. Did you mean "approved"?',
      '/nodes/each/body/nodes/inner/output/1 "input" has no member "amuont" by its schema; it has only amount. Did you mean "amount"?',
    ]);
  });
});

describe('What is written out tells what a value has', () => {
  const http = { type: 'http', method: 'GET', url: 'https://h.example' };
  const list = { type: 'object', properties: { orders: { type: 'array', items: closed({ sku: { type: 'string' } }) } } };
  const told = (document: JsonObject) => errorsOf(document).map(({ code, pointer, message }) => `${code} ${pointer} ${message}`);
  const toldAfter = (node: JsonObject, expression: string) =>
    told(graphOf({ a: node, b: { ...step, output: `\${ ${expression} }` } }, ['a>b'], { input: list }));

  it.each<[string, JsonObject, string, string]>([
    ['an http node', http, 'nodes.a.output.statusCode', '"nodes.a.output" has no member "statusCode"; it has only status, headers, body.'],
    [
      'a transform',
      { ...step, output: { sum: 1 } },
      'nodes.a.output.sun',
      '"nodes.a.output" has no member "sun"; it has only sum. Did you mean "sum"?',
    ],
    ['an event', { type: 'event', event: 'e', key: 'k' }, 'nodes.a.output.payload.x', 'it has only id, type, source, key, time, data.'],
    [
      'several events',
      { type: 'event', event: 'e', key: 'k', count: 2 },
      'nodes.a.output.data',
      '"nodes.a.output" is array, and has no members.',
    ],
    ['a publish', { type: 'publish', event: 'e', key: 'k' }, 'nodes.a.output.id', '"nodes.a.output" is null, and has no members.'],
    ['a detached child', { type: 'workflow', definition: 'c', detached: true }, 'nodes.a.output.result', 'it has only instanceId.'],
    ['an error', http, 'nodes.a.error.reason', '"nodes.a.error" has no member "reason"; it has only code, message, details.'],
    ['a status', http, 'nodes.a.status.code', '"nodes.a.status" is string, and has no members.'],
    [
      'votes',
      { type: 'human', title: 'x', assignees: { users: ['a', 'b'] }, approvals: { atLeast: 2 } },
      'nodes.a.output.vote',
      'it has only outcome, votes. Did you mean "votes"?',
    ],
    [
      'a loop',
      { type: 'forEach', items: [1], body: { nodes: { n: step }, output: { it: 1 } } },
      'nodes.a.output.it',
      '"nodes.a.output" is array, and has no members.',
    ],
    [
      'a repeat',
      { type: 'repeat', until: 'last.done', body: { nodes: { n: step }, output: { done: true } } },
      'nodes.a.output.finished',
      '"nodes.a.output" has no member "finished"; it has only done.',
    ],
  ])('of %s', (_, node, expression, sentence) => {
    const errors = toldAfter(node, expression);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^MR_DEF_(UNKNOWN_MEMBER|TYPE) \/nodes\/b\/output /);
    expect(errors[0]).toContain(sentence);
  });

  it('of items, of rounds, and of what is undone', () => {
    const body = { nodes: { n: { ...step, output: ['${ item.sku }', '${ order.skuu }'] } } };
    expect(told(graphOf({ a: { type: 'forEach', items: '${ input.orders }', as: 'order', body } }, [], { input: list }))).toEqual([
      'MR_DEF_UNKNOWN_MEMBER /nodes/a/body/nodes/n/output/1 "order" has no member "skuu" by its schema; it has only sku. Did you mean "sku"?',
    ]);
    const round = { nodes: { n: { ...step, output: '${ last.m }' } }, output: { n: '${ nodes.n.output }' } };
    expect(told(graphOf({ a: { type: 'repeat', until: 'last.done', body: round } }))).toEqual([
      'MR_DEF_UNKNOWN_MEMBER /nodes/a/until "last" has no member "done"; it has only n.',
      'MR_DEF_UNKNOWN_MEMBER /nodes/a/body/nodes/n/output "last" has no member "m"; it has only n.',
    ]);
    const early = { type: 'forEach', items: [1], until: 'results[0].ok || item.x', body: { nodes: { n: step }, output: 'text' } };
    expect(told(graphOf({ a: early }))).toEqual(['MR_DEF_TYPE /nodes/a/until "item" is integer, and has no members.']);
    const undo = { ...http, method: 'POST', url: 'https://h.example/${ node.output.id }', query: { a: '${ node.input.x }' } };
    expect(told(graphOf({ a: { ...http, compensation: undo } }, [], { onFailure: 'compensate' }))).toEqual([
      'MR_DEF_UNKNOWN_MEMBER /nodes/a/compensation/url "node.output" has no member "id"; it has only status, headers, body.',
    ]);
    expect(
      told(graphOf({ a: { ...task({ amount: 1 }), compensation: { ...task('${ node.input.amout }') } } }, [], { onFailure: 'compensate' })),
    ).toEqual([
      'MR_DEF_UNKNOWN_MEMBER /nodes/a/compensation/input "node.input" has no member "amout"; it has only amount. Did you mean "amount"?',
    ]);
  });

  it('of the event of a trigger and of a wait, and of a number that is asked as a condition', () => {
    const trigger = { name: 't', event: 'e', input: { x: '${ event.detail }' } };
    expect(told(graphOf({ a: step }, [], { triggers: [trigger] }))).toEqual([
      expect.stringContaining('"event" has no member "detail"; it has only'),
    ]);
    expect(told(graphOf({ a: { type: 'event', event: 'e', key: 'k', where: 'event.dat.x' } }))).toEqual([
      expect.stringContaining(
        '/nodes/a/where "event" has no member "dat"; it has only id, type, source, key, time, data. Did you mean "data"?',
      ),
    ]);
    const edges = [
      { from: 'a', to: 'b', when: 'nodes.a.output.n' },
      { from: 'a', to: null, otherwise: true },
    ];
    expect(told(graphOf({ a: { ...step, output: { n: '${ size(input.orders) }' } }, b: step }, edges))).toEqual([
      'MR_DEF_TYPE /edges/0/when A condition must be a boolean, but "nodes.a.output.n" is integer.',
    ]);
  });

  it('and says nothing of what may be there, is asked for by has, or leads back to itself', () => {
    expect(toldAfter({ ...step, output: { sum: 1 } }, 'has(nodes.a.output.sun)')).toEqual([]);
    expect(toldAfter({ ...step, output: { sum: '${ input.any }' } }, 'nodes.a.output.sum.deep')).toEqual([]);
    expect(toldAfter(http, 'nodes.a.output.body.a.b')).toEqual([]);
    const body = { nodes: { n: step }, output: '${ last }' };
    expect(toldAfter({ type: 'repeat', while: 'index < 2', body }, 'nodes.a.output.x.y')).toEqual([]);
    // Far more steps than a shape follows.
    const names = Array.from({ length: 300 }, (_, index) => `n${index}`);
    const nodes = names.map((name, index) => [name, { ...step, output: index === 0 ? { a: 1 } : `\${ nodes.n${index - 1}.output }` }]);
    expect(
      told(
        graphOf(
          Object.fromEntries(nodes.toReversed()),
          names.slice(1).map((name, index) => `n${index}>${name}`),
          { output: '${ nodes.n299.output.b }' },
        ),
      ),
    ).toEqual([]);
  });
});

it('of a person who chooses, or votes with others, is not judged by the form alone', () => {
  const human = { type: 'human', title: 'x', assignees: { users: ['a'] }, form: closed({}), outcomes: ['yes', 'no'] };
  expect(errorsOf(graphOf({ ask: human, b: { ...step, output: '${ nodes.ask.output.outcome }' } }, ['ask>b']))).toEqual([]);
});

describe('What is written out', () => {
  const told = (input: Json, inputSchema: Json) =>
    errorsOf(nodeOf({ type: 'task', task: 't', input, inputSchema })).map(({ pointer, message }) => `${pointer} ${message}`);
  const schema = { type: 'object', properties: { n: { type: 'integer' }, mode: { enum: ['a', 'b'] } }, required: ['n'] };

  it('must fit, around expressions whose value nobody knows', () => {
    expect(told({ n: '${ input.n }', mode: 'c' }, schema)).toEqual([
      '/nodes/n/input/mode This does not fit the schema that the node declares. This must be one of "a", "b".',
    ]);
    expect(told({ mode: '${ input.mode }' }, schema)).toEqual([
      '/nodes/n/input This does not fit the schema that the node declares. The property "n" is missing.',
    ]);
    expect(told({ n: 'one' }, schema)).toHaveLength(1);
    expect(told({ n: '${ input.n }', mode: '${ input.mode }' }, schema)).toEqual([]);
    expect(told('${ input }', schema)).toEqual([]);
    expect(told({ kind: '${ input.kind }' }, { anyOf: [{ required: ['n'] }, { properties: { kind: { const: 'x' } } }] })).toEqual([]);
  });

  it('of a transform too', () => {
    expect(errorsOf(nodeOf({ ...step, output: { x: 'one' }, outputSchema: closed({ x: { type: 'number' } }) }))).toMatchObject([
      { code: 'MR_DEF_TYPE', pointer: '/nodes/n/output/x' },
    ]);
  });
});

describe('A new input schema breaks callers', () => {
  const open = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more });

  it.each<[string, Json | undefined, Json | undefined, readonly string[]]>([
    ['with a new required property', open({}), open({ a: {} }, { required: ['a'] }), ['/input/required The property "a" is required now.']],
    [
      'with a narrower type',
      open({ a: { type: ['string', 'null'] } }),
      open({ a: { type: 'string' } }),
      ['/input/properties/a/type A value of type null is refused now.'],
    ],
    [
      'with a type where there was none',
      undefined,
      { type: 'object' },
      ['/input/type A value of type null or boolean or array or number or string is refused now.'],
    ],
    [
      'without a property that was there',
      closed({ a: {}, b: {} }),
      closed({ a: {} }),
      ['/input/properties The property "b" is refused now.'],
    ],
    ['that is closed now', open({}), closed({}), ['/input/additionalProperties Properties that are not named are refused now.']],
    [
      'with a lower limit',
      open({ n: { type: 'number', maximum: 10 } }),
      open({ n: { type: 'number', maximum: 9 } }),
      ['/input/properties/n/maximum "maximum" refuses values now that were allowed.'],
    ],
    [
      'with a choice of values',
      open({ s: { type: 'string' } }),
      open({ s: { enum: ['a'] } }),
      ['/input/properties/s/enum "enum" refuses values now that were allowed.'],
    ],
    [
      'with narrower items',
      { type: 'array', items: { type: 'number' } },
      { type: 'array', items: { type: 'integer' } },
      ['/input/items/type A value of type number is refused now.'],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(breakingChanges(before, after).map(({ pointer, message }) => `${pointer} ${message}`)).toEqual(expected);
  });

  it.each<[string, Json | undefined, Json | undefined]>([
    ['with a new optional property of a closed object', closed({}), closed({ a: { type: 'string' } })],
    ['with a wider type', open({ a: { type: 'integer' } }), open({ a: { type: 'number' } })],
    ['without a schema', closed({}), undefined],
    ['with a higher limit', { type: 'string', maxLength: 5 }, { type: 'string', maxLength: 6 }],
    ['where the one before has choices', { anyOf: [{ required: ['a'] }] }, { required: ['a'] }],
  ])('not %s', (_, before, after) => expect(breakingChanges(before, after)).toEqual([]));

  it('says nothing of a schema and itself, and never of one that admits all that was admitted', () => {
    const leaf = fc.constantFrom<Json>(
      {},
      { type: 'string' },
      { type: 'integer' },
      { type: 'number', minimum: 1 },
      { type: ['string', 'null'] },
    );
    const schema = fc.record({
      properties: fc.dictionary(fc.constantFrom('a', 'b'), leaf),
      required: fc.subarray(['a', 'b']),
      additionalProperties: fc.boolean(),
    });
    const value = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom<Json>(1, 0, 1.5, 'x', null));
    const admits = (document: Json, given: Json): boolean => {
      const compiled = compileSchema(document);
      return compiled.ok && compiled.value.validate(given).length === 0;
    };
    fc.assert(
      fc.property(schema, schema, fc.array(value, { minLength: 20, maxLength: 20 }), (before, after, values) => {
        const [old, now] = [
          { type: 'object', ...before },
          { type: 'object', ...after },
        ] as unknown as [Json, Json];
        expect(breakingChanges(old, old)).toEqual([]);
        if (!isJsonObject(old) || breakingChanges(old, now).length > 0) return;
        for (const given of values) if (admits(old, given)) expect(admits(now, given)).toBe(true);
      }),
    );
  });
});
