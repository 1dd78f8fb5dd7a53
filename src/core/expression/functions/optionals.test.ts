/** Optional values: what may be missing. */
import { describe, expect, it } from 'vitest';
import { compileExpression } from '../index.ts';
import { errorOf, errorsOf, evaluated } from '../testing/evaluate.ts';

describe('An optional member', () => {
  it.each([
    ['input.?amount.orValue(0)', 120],
    ['input.?missing.orValue(0)', 0],
    ["input.?missing.deeper['still'][0].orValue('-')", '-'],
    ["input[?'a-b'].orValue(0)", 7],
    ['input . ? amount.orValue(0)', 120],
    ['input.items[?1].sku.value()', 'b'],
    ['input.items[?index].sku.value()', 'a'],
    ['input.items[?-1].hasValue()', false],
    ['nodes.later.output.?total.orValue(5)', 5],
    ['input.?nothing.orValue(5)', null],
    ['optional.none().or(input.?amount).value()', 120],
    ['input.items.map(i, i.?weight.orValue(1))', [1, 1]],
    ['\'a.?b\' + "[?0]"', 'a.?b[?0]'],
    ['input.yes ? 1 : 2', 1],
    ['optional.of(1) == optional.of(1.0) && optional.none() == optional.none() && optional.of(1) != optional.none()', true],
  ])('%s', (source, expected) => expect(evaluated(source)).toEqual(expected));

  it.each([
    ['input.?missing.value()', 'MR_EXPRESSION_FAILED There is no value: use `orValue(…)` to give another in its place (at character 15).'],
    [
      'input.?amount',
      'MR_EXPRESSION_RESULT The expression gave an optional value (`orValue(…)` gives another in its place), which JSON cannot hold.',
    ],
    ['input.name.?x', 'MR_EXPRESSION_FAILED Only objects and arrays have members that `.?` can ask for (at character 11).'],
    ['input.?amount + 1', 'MR_EXPRESSION_FAILED `+` cannot be applied to optional value and number (at character 15).'],
    ["'%s'.format([input.?amount])", 'MR_EXPRESSION_FAILED `format` cannot be applied to optional value (at character 5).'],
    ['input.?items.map(x, x)', 'MR_EXPRESSION_FAILED Only arrays and objects can be iterated (at character 6).'],
    ['input.?yes && true', 'MR_EXPRESSION_FAILED `&&` and `||` take only true and false (at character 1).'],
    ['optional.none().or(1)', 'MR_EXPRESSION_FAILED `or` takes an optional value (at character 16).'],
  ])('%s fails', (source, message) => expect(errorOf(source)).toBe(message));

  it('is refused where it would mean something else', () => {
    expect(errorsOf('has(input.?x)')).toEqual([
      'This `?` does not belong to a member: write `input.?name` or `list[?0]`, and not inside of `has(…)`.',
    ]);
    expect(errorsOf('has(input.?a.b)')).toEqual(['`has(…)` cannot take an optional value: write `input.?a.?b.hasValue()`.']);
    expect(errorsOf('[?input.x]')).toHaveLength(1);
  });

  it('leaves places of the source as they are', () => {
    expect(errorsOf('input.?a.orValue(1) + nope(2)')).toEqual(['There is no function `nope`.']);
    const compiled = compileExpression('nodes.check.output.?x.orValue(nodes.check.status)');
    expect(compiled.ok && compiled.value.references).toEqual([
      { root: 'nodes', path: ['check', 'output'], offset: 0 },
      { root: 'nodes', path: ['check', 'status'], offset: 30 },
    ]);
  });
});
