/** Operators whose operands can never fit: found at deploy, with a place and a sentence. Only what is certain. */
import { expect, it } from 'vitest';
import type { Json, JsonObject } from '../../json.ts';
import { parseDefinition } from '../parse.ts';
import { errorsOf, graphOf } from '../testing/documents.ts';

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    cents: { type: 'integer' },
    rate: { type: 'number' },
    paid: { type: 'boolean' },
    lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' }, n: { type: 'integer' } } } },
    maybe: { type: ['integer', 'null'] },
    any: {},
  },
};

function told(expression: string, more: JsonObject = {}): readonly string[] {
  const a = { type: 'transform', output: `\${ ${expression} }` };
  return errorsOf(graphOf({ a }, [], { input: schema, ...more })).map(({ code, pointer, message }) => `${code} ${pointer} ${message}`);
}

it.each([
  ['"a" + 1', '`+` cannot be used with a string and an integer: write `string(…)` around the number (at character 8).'],
  ['1.5 + "a"', '`+` cannot be used with a number and a string: write `string(…)` around the number (at character 8).'],
  [
    '"Total: " + size(input.lines)',
    '`+` cannot be used with a string and an integer: write `string(…)` around the number (at character 14).',
  ],
  ['"Total: " + input.cents', '`+` cannot be used with a string and an integer: write `string(…)` around the number (at character 14).'],
  ['"a" + (1 + 2)', '`+` cannot be used with a string and an integer: write `string(…)` around the number (at character 8).'],
  ['1 < "2"', '`<` cannot be used with an integer and a string: write `double(…)` around the string (at character 6).'],
  ['input.name >= 7 || true', '`>=` cannot be used with a string and an integer: write `double(…)` around the string (at character 15).'],
  ['"a" - input.any', '`-` cannot be used with a string (at character 8).'],
  ['input.any * "a"', '`*` cannot be used with a string (at character 14).'],
  ['null + input.any', '`+` cannot be used with null (at character 9).'],
  ['input.paid + 1', '`+` cannot be used with a boolean and an integer (at character 15).'],
  ['[1] + 1', '`+` cannot be used with an array and an integer (at character 8).'],
  ['{"a": 1} + {"b": 2}', '`+` cannot be used with an object and an object (at character 13).'],
  ['!input.name', '`!` cannot be used with a string (at character 4).'],
  ['-"a"', '`-` cannot be used with a string (at character 4).'],
  ['input.name ? 1 : 2', 'The value before `?` must be true or false, and this is a string (at character 4).'],
  ['"a" in input.name', '`in` looks into arrays and objects: a part of a string is found by `text.contains(part)` (at character 8).'],
  [
    'input.lines.map(l, "n" + 1)',
    '`+` cannot be used with a string and an integer: write `string(…)` around the number (at character 27).',
  ],
  ['input.cents.contains("a")', '`contains` cannot be applied to an integer and a string (at character 15).'],
  ['input.name.sum()', '`sum` cannot be applied to a string (at character 14).'],
  ['size(input.cents)', '`size` cannot be applied to an integer (at character 4).'],
  ['input.lines.startsWith(input.any)', '`startsWith` cannot be applied to an array (at character 15).'],
  ['input.name.substring("a")', '`substring` cannot be applied to a string and a string (at character 14).'],
  ['timestamp(input.paid)', '`timestamp` cannot be applied to a boolean (at character 4).'],
  ['input.cents.map(c, c)', 'Only arrays and objects can be iterated, and this is an integer (at character 15).'],
  ['input.lines.map(l, "n".sum())', '`sum` cannot be applied to a string (at character 26).'],
])('refuses %s', (expression, sentence) => {
  expect(told(expression)).toEqual([`MR_DEF_TYPE /nodes/a/output The expression always fails: ${sentence}`]);
});

it.each([
  '1 + 1.5',
  '7 % 2',
  'input.cents + input.rate',
  'input.cents * 2 - 1.5 > 3',
  '"a" + input.name',
  '"a" + string(input.cents)',
  '"a" + input.any',
  'input.maybe + 1',
  'input.maybe == null ? 0 : input.maybe + 1',
  '[1] + input.lines',
  'input.any - input.any',
  'timestamp(now) - duration("1h") > timestamp(input.any)',
  'duration("1h") + duration("1m") > duration("1s")',
  '"1" == 1',
  '"a" in input.any',
  '"a" in {"a": 1}',
  'input.lines.map(input, input + 1)',
  'input.?cents.orValue(0) + 1',
  'vars.n + "a"',
  'input.name < "b" && !input.paid',
  'has(input.cents) ? -input.cents : 1',
  'int(input.name) + 1',
  'timestamp(input.name)',
  'input.name.substring(input.rate)',
  'input.lines.first().orValue({}).sku',
  'input.any.sum()',
  'input.lines.zip(input.any)',
  'input.lines[0].sku.matches("^a+$")',
  'input.lines.map(l, l.n).sum()',
  'string(input.paid) + string(input.cents) + string(input.rate)',
  'url.encode(input.name)',
  'size(input.lines) + size(input.name)',
  'input.lines.filter(l, l.n > 1).size()',
  'input.name.split(",").join(";")',
  '"%s".format([input.name])',
])('takes %s', (expression) => {
  expect(told(expression, { vars: { n: 1 } })).toEqual([]);
});

it('looks at conditions and at each expression in a string, with its place', () => {
  const [a, b] = [
    { type: 'transform', output: { text: 'x ${ input.name } and ${ input.cents + "a" }' } },
    { type: 'transform', output: 1 },
  ];
  const edges: readonly Json[] = [
    { from: 'a', to: 'b', when: 'input.cents > "5"' },
    { from: 'a', to: null, otherwise: true },
  ];
  const errors = errorsOf({ ...graphOf({ a, b }, [], { input: schema }), edges });
  expect(errors.map(({ pointer, message }) => `${pointer} ${message}`)).toEqual([
    '/nodes/a/output/text The expression always fails: `+` cannot be used with an integer and a string: write `string(…)` around the number (at character 38).',
    '/edges/0/when The expression always fails: `>` cannot be used with an integer and a string: write `double(…)` around the string (at character 13).',
  ]);
});

it('leaves definitions alone that are deployed already', () => {
  const document = graphOf({ a: { type: 'transform', output: '${ "a" + 1 }' } });
  expect(parseDefinition(document, { version: 1 }).ok).toBe(false);
  expect(parseDefinition(document, { version: 1, checksTypes: false }).ok).toBe(true);
});
