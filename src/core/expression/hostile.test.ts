/** Expressions that mean harm: each ends by itself, with an error, an error or a value, within its budget. */
import { describe, expect, it } from 'vitest';
import type { Json } from '../json.ts';
import { compileExpression, ExpressionError, type Scope } from './index.ts';
import { errorOf, evaluated } from './testing/evaluate.ts';
import type { Meter } from './types.ts';

function nested(levels: number): Json {
  let value: Json = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

const scope: Scope = {
  input: {
    big: 'a'.repeat(1_000_000),
    text: 'a'.repeat(5_000),
    list: Array.from({ length: 20_000 }, (_, index) => index),
    texts: Array.from({ length: 5_000 }, (_, index) => 'x'.repeat(60) + index),
    objects: Array.from({ length: 3_000 }, (_, index) => ({ a: { b: { c: index } } })),
    map: Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, index])),
    deep: nested(20_000),
  },
};

const tens = 'x,x,x,x,x,x,x,x,x,x';
const bombs: readonly string[] = [
  'input.list.all(a, input.list.all(b, input.list.all(c, true)))',
  'input.list.map(a, input.list.map(b, input.list))',
  "input.texts.exists(a, input.texts.exists(b, a == b + 'z'))",
  "input.texts.map(a, 'zz' in input.texts)",
  "input.texts.all(a, !(a + 'z' in input.texts))",
  'input.list.all(a, !(-1 in input.list))',
  'input.list.all(a, input.list.exists(b, true))',
  'input.list.all(a, input.objects == input.objects)',
  "input.list.all(a, !({'a': 1} in input.objects))",
  'input.list.map(a, input.map == input.map)',
  'input.map.map(k, input.map.map(j, j))',
  'input.list.map(a, input.map)',
  'input.list.all(a, size(input.list + input.list) > 0)',
  `input.list.map(x, [${tens},${tens},${tens}])`,
  `[1].map(x, [${tens}])${`.map(x, [${tens}])`.repeat(6)}`,
  `["${'a'.repeat(100)}"]${'.map(x, x + x)'.repeat(40)}`,
  `${'[1,2].map(x,'.repeat(40)}1${')'.repeat(40)}`,
  `${'[1,2].all(x,'.repeat(40)}true${')'.repeat(40)}`,
  "input.big.replace('a', input.big)",
  "input.big.replace('', input.big)",
  "input.text.replace('', input.text)",
  "input.big.split('').join(input.big)",
  "input.text.split('').join(input.text)",
  `${`'${'%s'.repeat(500)}'`}.format([${Array(500).fill('input.big').join(',')}])`,
  "input.list.map(x, '%.20f %e'.format([1.5, 1.5]))",
  "input.big.contains('b' + input.big)",
  "input.big.indexOf('b' + input.text)",
  "(input.big + input.big).lastIndexOf('b' + input.text)",
  "input.big.matches('(a?){300}a{300}b')",
  "input.big.matches('(a|a)*(a|a)*b')",
  "input.text.matches('((a{0,30}){0,30})*b')",
  "input.list.all(x, 'a'.matches(input.text + '(') || true)",
  "input.list.all(x, 'a'.matches('a{1000}a{1000}a{1000}a{1000}' + string(x)) || true)",
  'input.list.all(x, size(input.big) > 0)',
  "input.list.all(x, input.big == input.big + '')",
  "input.list.all(x, input.big.upperAscii() != '')",
  "input.list.all(x, strings.quote(input.big) != '')",
  "input.list.all(x, bytes(input.big) != b'')",
  'input.list.all(x, int(input.big) == 1 || true)',
  "input.list.all(x, timestamp('2026-01-01T00:00:00Z').getHours('E/' + string(x)) >= 0 || true)",
  'input.list.all(x, input.list.sum() > 0)',
  'input.list.all(x, input.list.sort().size() > 0)',
  "input.texts.map(a, {'t': a}).distinct()",
  "input.texts.groupBy(a, {'t': a})",
  'input.list.all(x, input.list.zip(input.list).flatten().size() > 0)',
  "input.list.all(x, hash.sha256('') != '')",
  "input.list.all(x, time.format('2026-01-01', 'yyyy') != '')",
  'input.list.all(x, json.string(input.texts).size() > 0)',
  "input.list.all(x, json.parse('[' + input.text + ']') == 1 || true)",
  'input.list.all(x, url.encode(input.big).size() > 0)',
  "input.list.all(x, base64.encode(input.big) != '')",
  'input.list.all(x, input.?missing.?deeper.orValue(true))',
  '[input.map, input.map, input.map, input.map, input.map, input.map]',
];

describe('A bomb', { timeout: 60_000 }, () => {
  it.each(bombs)('runs out of fuel: %s', (source) => {
    expect(errorOf(source, scope)).toBe(
      'MR_EXPRESSION_FUEL The expression did more work than one evaluation may do: make it simpler, or give it less data.',
    );
  });

  it('takes no stack trace of errors that it swallows, and leaves the limit of traces as it was', () => {
    const { stackTraceLimit } = Error;
    const traces: unknown[] = [];
    const prepare = Error.prepareStackTrace;
    Error.prepareStackTrace = (_, frames) => traces.push(...frames);
    try {
      expect(errorOf('input.texts.exists(a, input.texts.exists(b, input.nope))', scope)).toContain('MR_EXPRESSION_FUEL');
    } finally {
      Error.prepareStackTrace = prepare;
    }
    expect(traces).toEqual([]);
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
  });

  it.each(['input.list.exists(a, input.nope == a)', 'input.list.exists(a, int(a) / 0 == a)', "input.list.exists(a, a + 'x' == a)"])(
    'pays for errors that it swallows: %s',
    (source) => {
      const meterOf = (expression: string): number => {
        const meter: Meter = { units: 0 };
        errorOf(expression, { input: { list: Array.from({ length: 100 }, (_, index) => index) } }, { meter });
        return meter.units;
      };
      expect(meterOf(source) - meterOf('input.list.exists(a, a == -1)')).toBeGreaterThanOrEqual(300);
    },
  );

  it('cannot hide its error behind ||', () => {
    expect(errorOf('input.list.all(a, input.list.all(b, true)) || true', scope)).toContain('MR_EXPRESSION_FUEL');
  });

  it('of data nested without end is no end of the process', () => {
    for (const source of ['input.deep', 'input.deep == input.deep', '[input.deep] == [input.deep]', 'input.deep in [input.deep]'])
      expect(errorOf(source, scope)).toContain('nested deeper than 1000 levels');
  });
});

it.each([
  `[${'1,'.repeat(4_990)}1]`,
  `${'1+'.repeat(4_990)}1`,
  `${'true&&'.repeat(1_600)}true`,
  `${'true?1:'.repeat(1_400)}1`,
  `${'!'.repeat(5_000)}true`,
  `${'('.repeat(4_000)}1${')'.repeat(4_000)}`,
  `${'['.repeat(4_000)}${']'.repeat(4_000)}`,
  `${'{"a":'.repeat(1_500)}1${'}'.repeat(1_500)}`,
  `${'size('.repeat(1_600)}''${')'.repeat(1_600)}`,
  `${'[1].map(x,'.repeat(190)}1${')'.repeat(190)}`,
  `'a'.matches('${'(a?)'.repeat(2_000)}')`,
  `'a'.matches('${'a{1000}'.repeat(1_000)}')`,
  `input${'[0]'.repeat(3_000)}`,
  '9'.repeat(9_999),
  `1e${'9'.repeat(9_000)}`,
  'input.constructor.constructor("return process")',
  '\u0000',
  '"\\uD800"',
])('A source of any shape gives a value, an error or an error: %#', { timeout: 60_000 }, (source) => {
  const compiled = compileExpression(source);
  if (!compiled.ok) {
    expect(compiled.error.length).toBeGreaterThan(0);
    return;
  }
  try {
    expect(compiled.value.evaluate(scope)).toBeDefined();
  } catch (error) {
    expect(error).toBeInstanceOf(ExpressionError);
  }
});

describe('The budget', { timeout: 60_000 }, () => {
  it('is what the caller grants', () => {
    const input = Array.from({ length: 100 }, (_, index) => index);
    expect(evaluated('input.all(x, x >= 0)', { input }, { fuel: 1_000 })).toBe(true);
    expect(errorOf('input.all(x, x >= 0)', { input }, { fuel: 50 })).toContain('MR_EXPRESSION_FUEL');
  });

  it('is the same each time, whatever was evaluated before', () => {
    const input = { list: Array.from({ length: 50 }, (_, index) => ({ index })), text: 'ab'.repeat(100) };
    const source = "input.list == input.list && input.text.matches('(ab)*' + '$')";
    const enough = (fuel: number): boolean => !errorOf(source, { input: structuredClone(input) }, { fuel }).includes('MR_EXPRESSION_FUEL');
    let least = 1;
    while (!enough(least)) least++;
    for (let repeat = 0; repeat < 3; repeat++) {
      expect(enough(least)).toBe(true);
      expect(enough(least - 1)).toBe(false);
    }
  });

  it('leaves room for what people write', () => {
    const order = {
      items: Array.from({ length: 1_000 }, (_, index) => ({ sku: `sku-${index}`, price: index, email: `p${index}@example.com` })),
    };
    expect(
      evaluated("input.items.filter(i, i.price >= 10 && i.sku.startsWith('sku-')).map(i, {'sku': i.sku, 'cents': i.price * 100}).size()", {
        input: order,
      }),
    ).toBe(990);
    expect(evaluated("input.items.all(i, i.email.matches('^[a-z0-9]+@[a-z]+[.]com$'))", { input: order })).toBe(true);
    expect(evaluated('input', { input: order })).toBe(order);
  });
});
