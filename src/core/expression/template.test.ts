/** JSON with expressions in its strings (language, "Expressions"). */
import { describe, expect, it } from 'vitest';
import type { Json } from '../json.ts';
import { compileTemplate, ExpressionError } from './index.ts';
import { filled, sampleScope } from './testing/evaluate.ts';

describe('A string', () => {
  it.each([
    ['${ input.amount }', 120],
    [
      '${input.items}',
      [
        { sku: 'a', price: 1 },
        { sku: 'b', price: 22 },
      ],
    ],
    ['${ input.nothing }', null],
    ['${ input.yes }', true],
    ["${ nodes['a-b'].output }", 'dashed'],
  ])('that is one whole expression keeps its type: %s', (template, expected) => {
    expect(filled(template)).toEqual(expected);
  });

  it.each([
    ['Approve ${ input.amount } for ${ input.name }', 'Approve 120 for Ada'],
    [' ${ input.amount }', ' 120'],
    ['${ input.amount }${ input.rate }', '1202.5'],
    ['${ input.amount + 1 }!', '121!'],
    ['item ${ index }', 'item 0'],
    ['${ input.nothing }/${ input.yes }', 'null/true'],
    ['${ input.items[0] }.', '{"sku":"a","price":1}.'],
    ["${ ['a', 1, null] }.", '["a",1,null].'],
    ["${ timestamp('2026-01-31T09:00:00+01:00') }.", '2026-01-31T08:00:00Z.'],
  ])('is interpolated otherwise: %s', (template, expected) => {
    expect(filled(template)).toBe(expected);
  });

  it.each([
    ["${ '}' }", '}'],
    ["${ {'a': {'b': 1}} }", { a: { b: 1 } }],
    ["x${ {'a': '}'}.a }y", 'x}y'],
    ['${ "a\\"}" }', 'a"}'],
    ["${ r'\\' }", '\\'],
    ["${ '''it's }''' }", "it's }"],
    ['${ """a"}""" }', 'a"}'],
    ["${ 'a' // with a } in a comment\n }", 'a'],
    ["${ 'http://x' }", 'http://x'],
    ["${ 'r' + r'}' }", 'r}'],
  ])('ends its expression at its own brace: %s', (template, expected) => {
    expect(filled(template)).toEqual(expected);
  });

  it.each([
    ['', ''],
    ['$', '$'],
    ['$ {x}', '$ {x}'],
    ['costs $5', 'costs $5'],
    ['$${ input.amount }', '${ input.amount }'],
    ['a $${b} c $${d}', 'a ${b} c ${d}'],
    ["$${ ${ 'x' }", '${ x'],
    ["${ '$' }${ input.amount }", '$120'],
    ['{{ mustache }}', '{{ mustache }}'],
  ])('holds everything else as it is: %s', (template, expected) => {
    expect(filled(template)).toBe(expected);
  });
});

describe('A template', () => {
  it('is evaluated in all its values, and in no key', () => {
    const template = { '${ input.amount }': ['${ input.amount }', { deep: 'n ${ vars.total }' }], fixed: [1, null, false, 'x'] };
    expect(filled(template)).toEqual({ '${ input.amount }': [120, { deep: 'n 5' }], fixed: [1, null, false, 'x'] });
  });

  it('takes any key', () => {
    const template = JSON.parse('{"__proto__": "${ input.amount }", "constructor": {"__proto__": 1}}') as Json;
    const value = filled(template);
    expect(JSON.stringify(value)).toBe('{"__proto__":120,"constructor":{"__proto__":1}}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('knows whether it is constant', () => {
    const isConstant = (template: Json) => {
      const compiled = compileTemplate(template);
      return compiled.ok && compiled.value.isConstant;
    };
    expect(isConstant({ a: [1, 'x', '$${ y }'] })).toBe(true);
    expect(isConstant({ a: [1, '${ 1 }'] })).toBe(false);
    expect(filled({ a: '$${ y }' }, {})).toEqual({ a: '${ y }' });
  });

  it('knows what it refers to, with places in each text', () => {
    const compiled = compileTemplate({ a: 'x ${ input.a }', b: ['${ nodes.n.output }', 3] });
    expect(compiled).toMatchObject({
      ok: true,
      value: {
        references: [
          { root: 'input', path: ['a'], offset: 5 },
          { root: 'nodes', path: ['n', 'output'], offset: 3 },
        ],
      },
    });
  });

  it('tells all its errors, each with its place', () => {
    const compiled = compileTemplate({ 'a/b~c': '${ 1 + ) }', list: [1, 'x ${ foo } ${ bar }'], open: 'a ${ input', empty: '${ }' });
    expect(compiled.ok ? [] : compiled.error.map(({ pointer, offset }) => `${pointer} ${offset}`)).toEqual([
      '/a~1b~0c 5',
      '/list/1 5',
      '/list/1 14',
      '/open 2',
      '/empty 2',
    ]);
  });

  it('ends with the error of the expression that failed', () => {
    const compiled = compileTemplate({ a: 'x ${ input.missing } y' });
    if (!compiled.ok) throw new Error('it does not compile');
    expect(() => compiled.value.evaluate(sampleScope)).toThrow(ExpressionError);
    expect(() => compiled.value.evaluate(sampleScope)).toThrow(
      expect.objectContaining({ code: 'MR_EXPRESSION_FAILED', source: ' input.missing ' }),
    );
  });

  it('has one budget for all its expressions', () => {
    const list = Array.from({ length: 500 }, (_, index) => index);
    const compiled = compileTemplate(Array.from({ length: 100 }, () => '${ input.map(x, x + 1) }'));
    if (!compiled.ok) throw new Error('it does not compile');
    expect(() => compiled.value.evaluate({ input: list })).toThrow(expect.objectContaining({ code: 'MR_EXPRESSION_FUEL' }));
    expect(compiled.value.evaluate({ input: list.slice(0, 10) })).toHaveLength(100);
  });

  it('that is nested without end is refused', () => {
    let template: Json = '${ 1 }';
    for (let level = 0; level < 10_000; level++) template = [template];
    expect(compileTemplate(template).ok).toBe(false);
  });
});
