/** What is as large and as dear as it may be: definitions, and values for their schemas. */
import type { Json, JsonObject } from '../../src/core/json.ts';

const many = (count: number, nodeOf: (n: number) => Json): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`n${n}`, nodeOf(n)]));
const transform = (output: Json): JsonObject => ({ type: 'transform', output });
const chain = (count: number): Json => Array.from({ length: count - 1 }, (_, n) => ({ from: `n${n}`, to: `n${n + 1}` }));

export type Largest = { readonly name: string; readonly document: JsonObject; readonly isRefused?: true };

/** Each with an id of its own. */
export const largestDefinitions: readonly Largest[] = [
  {
    name: 'a chain of 1,000 nodes',
    document: {
      id: 'chain',
      nodes: many(1_000, (n) => transform(n === 0 ? '${ input.a }' : `\${ nodes.n${n - 1}.output }`)),
      edges: chain(1_000),
    },
  },
  {
    name: '4,900 edges between two layers',
    document: {
      id: 'layers',
      nodes: many(1_000, () => transform('${ 1 }')),
      edges: Array.from({ length: 4_900 }, (_, n) => ({ from: `n${n % 70}`, to: `n${70 + Math.floor(n / 70)}` })),
    },
  },
  {
    name: '20 expressions of 9,000 characters',
    document: {
      id: 'long',
      nodes: many(20, (n) =>
        transform(`\${ ${Array.from({ length: 90 }, (_, i) => `'${String.fromCharCode(97 + n).repeat(90)}${i}'`).join(' + ')} }`),
      ),
    },
  },
  {
    name: '200 expressions 180 levels deep',
    document: { id: 'deep', nodes: many(200, (n) => transform(`\${ ${'['.repeat(180)}${n}${']'.repeat(180)} }`)) },
  },
  {
    name: '100 expressions that are too deep',
    document: { id: 'too-deep', nodes: many(100, (n) => transform(`\${ ${'['.repeat(220)}${n}${']'.repeat(220)} }`)) },
    isRefused: true,
  },
  {
    name: 'a schema of 299 properties that 1,800 expressions read',
    document: {
      id: 'typed',
      input: {
        type: 'object',
        properties: Object.fromEntries(Array.from({ length: 299 }, (_, n) => [`p${n}`, { type: 'string', format: 'date', minLength: 1 }])),
      },
      nodes: many(900, (n) => transform([`\${ input.p${n % 299} }`, `\${ input.p${n % 299} + '${n}' }`])),
    },
  },
  {
    name: 'a schema without members that 2,700 expressions ask for',
    document: {
      id: 'untyped',
      input: {
        ...{ type: 'object', additionalProperties: false },
        properties: Object.fromEntries(Array.from({ length: 299 }, (_, n) => [`p${n}`, { type: 'string' }])),
      },
      nodes: many(900, (n) => transform([`\${ input.q${n} }`, `\${ input.qqqq${n} + input.x${n} }`])),
    },
    isRefused: true,
  },
  {
    name: '1,900 patterns of 900 repetitions',
    document: {
      id: 'patterns',
      input: { patternProperties: Object.fromEntries(Array.from({ length: 1_900 }, (_, n) => [`a{900}${n}`, true])) },
      nodes: { a: transform(1) },
    },
    isRefused: true,
  },
  {
    name: '1,900 properties',
    document: {
      id: 'properties',
      input: { properties: Object.fromEntries(Array.from({ length: 1_900 }, (_, n) => [`p${n}`, { type: 'string' }])) },
      nodes: { a: transform(1) },
    },
    isRefused: true,
  },
  {
    name: 'a name that asks for a thousand others',
    document: {
      id: 'dependents',
      input: { dependentRequired: { a: Array.from({ length: 990 }, (_, n) => `r${n}`) } },
      nodes: { a: transform(1) },
    },
    isRefused: true,
  },
  {
    name: 'more keywords than a schema may have',
    document: {
      id: 'keywords',
      input: {
        properties: Object.fromEntries(
          Array.from({ length: 299 }, (_, n) => [
            `p${n}`,
            { ...{ type: 'number', minimum: 1, maximum: 9, enum: [n] }, multipleOf: 3, const: n },
          ]),
        ),
      },
      nodes: { a: transform(1) },
    },
    isRefused: true,
  },
  {
    name: 'circles of 1,000 nodes',
    document: {
      id: 'circles',
      nodes: many(1_000, () => transform(1)),
      edges: Array.from({ length: 4_900 }, (_, n) => ({ from: `n${n % 1_000}`, to: `n${(n * 7 + 1) % 1_000}` })),
    },
    isRefused: true,
  },
  {
    name: '300 forms',
    document: {
      id: 'forms',
      nodes: many(300, (n) => ({
        ...{ type: 'human', title: 'Fill in', assignees: { roles: ['clerk'] } },
        form: { properties: { [`a${n}`]: { type: 'string', pattern: '^a+$' }, b: { type: 'number' } } },
      })),
    },
  },
  {
    name: '4,900 edges between nodes that are not there',
    document: {
      id: 'nowhere',
      nodes: many(1_000, () => transform(1)),
      edges: Array.from({ length: 4_900 }, (_, n) => ({ from: `m${n}`, to: `x${n}` })),
    },
    isRefused: true,
  },
];

const members = (count: number): JsonObject => Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, 'abc']));
const items = <T>(count: number, one: T): readonly T[] => Array.from({ length: count }, () => one);

/** Inputs of about half a megabyte, and schemas that make much of them. */
export const dearValues: readonly {
  readonly name: string;
  readonly schema: JsonObject;
  readonly value: Json;
  readonly isGivenUp?: true;
}[] = [
  {
    name: 'thousands of missing properties in thousands of objects',
    schema: { items: { required: Array.from({ length: 1_000 }, (_, n) => `r${n}`) } },
    value: items(100_000, {}),
  },
  {
    name: 'hundreds of constants against a large object',
    schema: { anyOf: Array.from({ length: 250 }, (_, n) => ({ const: { a: n, b: [n] } })) },
    value: members(30_000),
  },
  {
    name: 'hundreds of schemas that each count the members of a large object',
    schema: { allOf: Array.from({ length: 290 }, (_, n) => ({ maxProperties: 50_000 + n })) },
    value: members(34_000),
    isGivenUp: true,
  },
  {
    name: 'hundreds of schemas that know no member of a large object',
    schema: { anyOf: Array.from({ length: 290 }, () => ({ additionalProperties: false })) },
    value: members(34_000),
    isGivenUp: true,
  },
  {
    name: 'hundreds of schemas that count the characters of a long string',
    schema: { allOf: Array.from({ length: 290 }, (_, n) => ({ maxLength: 600_000 + n })) },
    value: 'x'.repeat(500_000),
    isGivenUp: true,
  },
  {
    name: 'hundreds of formats for long strings',
    schema: { items: { allOf: Array.from({ length: 290 }, () => ({ format: 'uri-reference' })) } },
    value: items(240, `a:${'b'.repeat(2_040)}`),
    isGivenUp: true,
  },
  {
    name: 'hundreds of kinds of items that an array has to contain',
    schema: { allOf: Array.from({ length: 140 }, (_, n) => ({ contains: { const: -n } })) },
    value: Array.from({ length: 160_000 }, (_, n) => -(n % 10)),
    isGivenUp: true,
  },
  {
    name: 'as many keywords as a schema may have, all of them wrong',
    schema: {
      properties: Object.fromEntries(
        Array.from({ length: 298 }, (_, n) => [
          `p${n}`,
          { type: 'string', minLength: 5, maxLength: 9, pattern: '^[a-z]{5,9}$', format: 'date' },
        ]),
      ),
    },
    value: Object.fromEntries(Array.from({ length: 298 }, (_, n) => [`p${n}`, 'X'])),
  },
  {
    name: 'objects against an enum of objects',
    schema: { items: { enum: Array.from({ length: 5_000 }, (_, n) => ({ a: n })) } },
    value: items(40_000, { a: 4_999 }),
  },
  { name: 'many multiples', schema: { items: { multipleOf: 0.01 } }, value: Array.from({ length: 60_000 }, (_, n) => n / 100) },
  { name: 'many different items', schema: { uniqueItems: true }, value: Array.from({ length: 40_000 }, (_, n) => ({ a: n })) },
  {
    name: 'a pattern on one long string',
    schema: { pattern: '^(a|aa|aaa|b{1,200})*$' },
    value: `${'a'.repeat(500_000)}!`,
    isGivenUp: true,
  },
  {
    name: 'a schema that fits in two ways at each level',
    schema: {
      $defs: { n: { anyOf: items(2, { type: 'array', items: { $ref: '#/$defs/n' } }) } },
      $ref: '#/$defs/n',
    },
    value: Array.from({ length: 15 }).reduce<Json>((inner) => [inner, inner], null),
  },
];
