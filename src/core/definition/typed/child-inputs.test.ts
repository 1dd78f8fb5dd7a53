/** What a deploy says when a node does not fit the definition of its child: what it sends, and what it reads. */
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../json.ts';
import { compileSchema } from '../../schema/index.ts';
import { childrenNamedIn, parseDefinition } from '../index.ts';
import { errorsOf, graphOf, step } from '../testing/documents.ts';
import { ofMembers, ofType } from './shape.ts';

const closed = (properties: JsonObject, required: readonly string[] = []): JsonObject => ({
  ...{ type: 'object', properties, additionalProperties: false },
  required,
});
const order = closed({ sku: { type: 'string' }, count: { type: 'integer' }, note: { type: ['string', 'null'] } }, ['sku']);
const output = ofMembers({ parcel: ofType('string') });

/** Errors of a document whose children take that input, as version 3. */
function told(document: Json, input: Json = order): readonly string[] {
  const compiled = compileSchema(input);
  if (!compiled.ok) throw new Error('the schema of this test is wrong');
  const known = { version: 3, input: { document: input, compiled: compiled.value }, output, isMarked: false };
  const parsed = parseDefinition(document, { version: 1, children: ({ definition }) => (definition === 'ship' ? known : null) });
  return parsed.ok ? [] : parsed.error.map(({ code, pointer, message }) => `${code} ${pointer} ${message}`);
}

const ship = (input: Json): JsonObject => ({ type: 'workflow', definition: 'ship', input });
const sends = (input: Json, more: JsonObject = {}) => graphOf({ s: ship(input) }, [], more);
const fails = (pointer: string, sentence: string) =>
  `MR_DEF_TYPE ${pointer} This does not fit the input of "ship" (version 3). ${sentence}`;

describe('What a node sends to its child is refused', () => {
  const declared = { input: { type: 'object', properties: { n: { type: 'integer' }, o: closed({ count: {} }) } } };
  it.each<[string, JsonObject, string]>([
    ['when a required property is not given', sends({ count: 1 }), fails('/nodes/s/input', 'The property "sku" is missing.')],
    [
      'when nothing is given and something is required',
      graphOf({ s: { type: 'workflow', definition: 'ship' } }),
      fails('/nodes/s', 'The property "sku" is missing.'),
    ],
    ['when a constant has the wrong type', sends({ sku: 1 }), fails('/nodes/s/input/sku', 'This must be a string.')],
    [
      'when the child does not know a property',
      sends({ sku: 'a', cuont: '${ now }' }),
      fails('/nodes/s/input/cuont', 'The property "cuont" is not known here.'),
    ],
    [
      'when an expression has another type',
      sends({ sku: '${ input.n }' }, declared),
      fails('/nodes/s/input/sku', 'This is integer, but must be string.'),
    ],
    [
      'when what it passes on can never have what is required',
      sends('${ input.o }', declared),
      fails('/nodes/s/input', 'The property "sku" is missing.'),
    ],
    [
      'in the child of each item',
      graphOf({ s: { type: 'forEach', items: [1], workflow: { definition: 'ship', input: { sku: '${ item }' } } } }),
      fails('/nodes/s/workflow/input/sku', 'This is integer, but must be string.'),
    ],
    [
      'in the child that undoes a node',
      graphOf({ s: { type: 'task', task: 't', compensation: ship({ sku: '${ [1].size() }' }) } }, [], { onFailure: 'compensate' }),
      fails('/nodes/s/compensation/input/sku', 'This is integer, but must be string.'),
    ],
  ])('%s', (_, document, sentence) => {
    expect(told(document)).toEqual([sentence]);
  });

  it('where an object that it passes on has a member of another type, and names the member', () => {
    const input = { type: 'object', properties: { o: { ...order, properties: { sku: { type: 'integer' } } } } };
    expect(told(sends('${ input.o }', { input }))).toEqual([fails('/nodes/s/input', '"sku" is integer, but must be string.')]);
  });

  it('also behind references of the schema, whatever else is not known', () => {
    const schema = { $defs: { order }, $ref: '#/$defs/order' };
    expect(told(sends({ sku: '${ now.x }' }), schema)).toHaveLength(1);
    expect(told(sends({ count: '${ now }' }), schema)).toEqual([
      fails('/nodes/s/input', 'The property "sku" is missing.'),
      fails('/nodes/s/input/count', 'This is string, but must be integer.'),
    ]);
  });

  it('when it is a child of the definition itself', () => {
    const again = { type: 'workflow', definition: 'test', input: { depth: 'deep' } };
    const document = graphOf(
      { a: step, again },
      [
        { from: 'a', to: 'again', when: 'input.depth > 0' },
        { from: 'a', to: null, otherwise: true },
      ],
      {
        input: closed({ depth: { type: 'integer' } }),
      },
    );
    expect(errorsOf(document)).toEqual([
      {
        pointer: '/nodes/again/input/depth',
        code: 'MR_DEF_TYPE',
        message: 'This does not fit the input of "test". This must be an integer.',
      },
    ]);
  });
});

it.each<[string, JsonObject, Json?]>([
  ['what fits', sends({ sku: 'a', count: 2, note: null })],
  ['what may fit', sends({ sku: '${ input.sku }', note: '${ input.note }' })],
  ['an input of which nothing is known', sends('${ input }')],
  ['anything where the child takes anything', sends({ a: 1 }), true],
  ['an open object that may have the property', sends('${ input.o }', { input: { properties: { o: { type: 'object' } } } })],
  ['a number that may be whole', sends({ sku: 'a', count: '${ input.n }' }, { input: { properties: { n: { type: 'number' } } } })],
  [
    'schemas that lead back to themselves',
    sends('${ input }', { input: { type: 'object', required: ['a', 'b'], properties: { a: { $ref: '#' }, b: { $ref: '#' } } } }),
    { type: 'object', required: ['a', 'b'], properties: { a: { $ref: '#' }, b: { $ref: '#' } } },
  ],
  ['a child of which nothing is known', graphOf({ s: { type: 'workflow', definition: 'other', input: 1 } })],
])('A node may send %s', (_, document, input) => {
  expect(told(document, input)).toEqual([]);
});

describe('What an expression reads of a child', () => {
  const missing = (pointer: string) =>
    `MR_DEF_UNKNOWN_MEMBER ${pointer} "nodes.s.output" has no member "parcle"; it has only parcel. Did you mean "parcel"?`;
  it('must be in its output', () => {
    const reads = graphOf({ s: ship({ sku: 'a' }), r: { ...step, output: '${ nodes.s.output.parcle }' } }, ['s>r']);
    expect(told(reads)).toEqual([missing('/nodes/r/output')]);
    expect(told(graphOf({ s: ship({ sku: 'a' }), r: { ...step, output: '${ nodes.s.output.parcel }' } }, ['s>r']))).toEqual([]);
  });
});

it('finds what a document names as children before it is read, however deep or wrong it is', () => {
  const names = (document: Json) => childrenNamedIn(document).map(({ id, version }) => `${id} ${version}`);
  const child = (definition: Json, version?: Json): JsonObject => ({
    type: 'workflow',
    definition,
    ...(version === undefined ? {} : { version }),
  });
  const body = { nodes: { c: child('c', 'latest'), d: child('1d'), e: child(5) } };
  const each = { type: 'forEach', workflow: { definition: 'w' }, compensation: child('u', 2) };
  expect(names({ nodes: { a: child('a', 3), a2: child('a', 3), loop: { type: 'repeat', body }, each, x: null } })).toEqual([
    'a 3',
    'w null',
    'u 2',
    'c null',
  ]);
  let deep: JsonObject = { nodes: { c: child('deep') } };
  for (let depth = 0; depth < 20_000; depth++) deep = { nodes: { n: { body: deep } } };
  expect(names(deep)).toEqual(['deep null']);
  for (const nothing of [null, [], 'x', { nodes: [] }, { nodes: { a: [] } }]) expect(names(nothing)).toEqual([]);
});
