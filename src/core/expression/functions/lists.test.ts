/** Functions of lists: what they give, what they refuse, and the laws they keep. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../json.ts';
import { arbitraryJson } from '../testing/arbitrary-json.ts';
import { errorOf, errorsOf, evaluated } from '../testing/evaluate.ts';

const numbers = () => fc.array(fc.integer({ min: -1_000, max: 1_000 }), { maxLength: 20 });
const texts = () => fc.array(fc.string({ maxLength: 4 }), { maxLength: 20 });
const json = (): fc.Arbitrary<Json> => arbitraryJson(2);

describe('Sums and extremes', () => {
  it.each([
    ['[].sum()', 0],
    ['[1, 2].sum()', 3],
    ['[1, 0.5].sum()', 1.5],
    ['[1, 2].avg()', 1.5],
    ["['b', 'a'].min()", 'a'],
    ['[false, true].max()', true],
    ['[2.5, 2].max()', 2.5],
  ])('%s', (source, expected) => expect(evaluated(source)).toBe(expected));

  it.each([
    ["[1, 'a'].sum()", '`sum` takes an array of numbers, but element 1 is of type string (at character 9).'],
    ['[9223372036854775807, 1].sum()', '`sum` gave a number that is too large (at character 25).'],
    ['[].avg()', '`avg` has no value for an empty array (at character 3).'],
    ['[].min()', '`min` has no value for an empty array (at character 3).'],
    ["[1, 'a'].max()", '`max` takes values of one type to order by, but found number and string (at character 9).'],
    ["'text'.sum()", '`sum` cannot be applied to string (at character 7).'],
  ])('%s fails', (source, message) => expect(errorOf(source)).toBe(`MR_EXPRESSION_FAILED ${message}`));
});

describe('Order', () => {
  it('is the same when it is sorted again, and keeps every element', () => {
    fc.assert(
      fc.property(fc.oneof(numbers(), texts()), (list) => {
        const sorted = evaluated('input.sort()', { input: list }) as readonly (number | string)[];
        expect(evaluated('input.sort().sort()', { input: list })).toEqual(sorted);
        expect(evaluated('input.sortBy(x, x)', { input: list })).toEqual(sorted);
        expect([...sorted].sort()).toEqual([...list].sort());
        for (const [index, value] of sorted.slice(1).entries()) expect(value >= (sorted[index] ?? value)).toBe(true);
      }),
    );
  });

  it('by a key leaves elements of the same key as they stand', () => {
    const input = ['b2', 'a1', 'b1', 'a2'];
    expect(evaluated('input.sortBy(x, x.substring(0, 1))', { input })).toEqual(['a1', 'a2', 'b2', 'b1']);
  });

  it.each([
    ['[1, null].sort()', '`sort` takes numbers, strings or booleans to order by, but found a value of type null (at character 10).'],
    ["[1, 'a'].sort()", '`sort` takes values of one type to order by, but found number and string (at character 9).'],
    [
      'input.items.sortBy(i, i)',
      '`sortBy` takes numbers, strings or booleans to order by, but found a value of type object (at character 12).',
    ],
  ])('%s fails', (source, message) => expect(errorOf(source)).toBe(`MR_EXPRESSION_FAILED ${message}`));

  it('by a key needs a variable and a key', () => {
    expect(errorsOf('input.items.sortBy(1)')).toEqual(['`sortBy` is written like `list.sortBy(x, x.name)`.']);
    expect(errorsOf('input.items.groupBy(1, 2)')).toEqual(['`groupBy` is written like `list.groupBy(x, x.name)`.']);
    expect(errorsOf('input.items.groupBy(x, y)')[0]).toContain('There is nothing called `y` here');
  });
});

describe('Equal elements', () => {
  it('are one in `distinct`, whatever kind of number they are', () => {
    expect(evaluated("[1, 1.0, 1u, '1', [1], [1.0], {'a': null}, {'a': null}, null, null].distinct()")).toEqual([
      1,
      '1',
      [1],
      { a: null },
      null,
    ]);
  });

  it('are kept once, in the order in which they stand', () => {
    fc.assert(
      fc.property(fc.array(json(), { maxLength: 8 }), (list) => {
        const once = evaluated('input.distinct()', { input: list }) as Json[];
        expect(evaluated('input.distinct().distinct()', { input: list })).toEqual(once);
        expect(evaluated('input.all(x, x in input.distinct())', { input: list })).toBe(true);
        expect(evaluated('input + input', { input: list })).toHaveLength(2 * list.length);
        expect(evaluated('(input + input).distinct()', { input: list })).toEqual(once);
      }),
    );
  });

  it('are one group, and no element is lost', () => {
    fc.assert(
      fc.property(fc.array(json(), { maxLength: 8 }), (list) => {
        const groups = evaluated('input.groupBy(x, x)', { input: list }) as { key: Json; items: Json[] }[];
        expect(groups.map(({ key }) => key)).toEqual(evaluated('input.distinct()', { input: list }));
        expect(groups.flatMap(({ items }) => items)).toHaveLength(list.length);
      }),
    );
  });
});

describe('Lists of lists', () => {
  it('zip to pairs that open again', () => {
    fc.assert(
      fc.property(numbers(), (list) => {
        expect(evaluated('input.zip(input).flatten()', { input: list })).toEqual(list.flatMap((value) => [value, value]));
      }),
    );
  });

  it.each([
    ['[1].zip([])', '`zip` needs two arrays of the same length (at character 4).'],
    ['[1].zip(1)', '`zip` takes an array (at character 4).'],
    ['[1].flatten(-1)', '`flatten` takes an integer from 0 to 100: how many levels it opens (at character 4).'],
  ])('%s fails', (source, message) => expect(errorOf(source)).toContain(message));
});
