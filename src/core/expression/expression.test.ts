/** What expressions mean (language, "Expressions"). */
import { describe, expect, it } from 'vitest';
import { compileExpression, evaluateCondition } from './index.ts';
import { errorOf, errorsOf, evaluated, sampleScope } from './testing/evaluate.ts';

describe('Data', () => {
  it.each([
    ['input.amount', 120],
    ['vars.total', 5],
    ['nodes.check.output.x', 5],
    ['nodes.check.status', 'completed'],
    ['nodes.check.attempt', 1],
    ['nodes.later.status', null],
    ['instance.id', 'i-1'],
    ["nodes['a-b'].output", 'dashed'],
    ["input['a-b']", 7],
    ['input.items[1].sku', 'b'],
    ['input.items[index].sku', 'a'],
    ['input.items[vars.total - 4].sku', 'b'],
    ['has(input.nothing)', true],
    ['has(input.missing)', false],
    ["'nothing' in input", true],
    ["'toString' in input", false],
    ["input.nothing in {'a': 1} || [1] in {'a': 1} || {} in {'a': 1} || true in {'a': 1}", false],
    ['has(input.toString)', false],
    ['input.constructor', 'own'],
    ['input.$typeName', undefined],
    ["input['$typeName']", 'google.protobuf.Any'],
  ] as const)('%s', (source, expected) => {
    if (expected === undefined) expect(errorsOf(source)).toHaveLength(1);
    else expect(evaluated(source)).toEqual(expected);
  });

  it('is handed out as it is, without being copied', () => {
    expect(evaluated('input')).toBe(sampleScope.input);
    expect(evaluated('[input.items, input.items]')).toEqual([sampleScope.input, sampleScope.input].map(() => evaluated('input.items')));
  });

  it('has only members of its own', () => {
    for (const name of ['toString', '__proto__', 'hasOwnProperty', '__defineGetter__', 'valueOf'])
      expect(errorOf(`input['${name}']`)).toContain(`There is no member \`${name}\``);
    expect(errorOf("'text'.length")).toContain('There is no member `length`');
    expect(errorOf('input.items.length')).toContain('There is no member `length`');
  });

  it('may have keys that mean something elsewhere', () => {
    const scope = { input: JSON.parse('{"__proto__": {"x": 1}, "hasOwnProperty": 2, "size": 3}') };
    expect(evaluated("input['__proto__'].x", scope)).toBe(1);
    expect(evaluated('input.hasOwnProperty + input.size', scope)).toBe(5);
    const made = evaluated("{'__proto__': {'polluted': true}}", scope);
    expect(Object.keys(made as object)).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('Numbers', () => {
  it.each([
    ['input.amount > 100', true],
    ['input.amount >= 120', true],
    ['input.amount == 120', true],
    ['input.amount != 120u', false],
    ['input.amount + 1', 121],
    ['1 + input.amount', 121],
    ['input.amount - 1', 119],
    ['2 * input.rate', 5],
    ['input.amount / 50', 2.4],
    ['7 / 2', 3],
    ['input.amount % 50', 20],
    ['-input.amount', -120],
    ['0.1 + 0.2', 0.1 + 0.2],
    ['string(input.amount)', '120'],
    ['string(input.rate)', '2.5'],
    ["'abc'.substring(input.items[0].price)", 'bc'],
    ['int(input.rate)', 2],
    ["int('42') + double('0.5')", 42.5],
    ['0.0 * -1', 0],
    ['input.amount in [120, 5]', true],
  ])('%s', (source, expected) => {
    expect(evaluated(source)).toStrictEqual(expected);
  });
});

describe('Unlike types', () => {
  it.each([
    "'1' == 1",
    'null == 0',
    "input.nothing == ''",
    "input.items == 'a'",
    '[1] == {}',
    'true == 1',
    'input.name == input.amount',
    "'a' in [1, null, {}]",
  ])('compare unequal: %s', (source) => {
    expect(evaluated(source)).toBe(false);
    expect(evaluated(`!(${source})`)).toBe(true);
  });

  it('of equal value compare equal all the way down', () => {
    expect(evaluated("{'a': [1, 2.0, {'b': null}]} == {'a': [1.0, 2, {'b': null}]}")).toBe(true);
    expect(evaluated('input.items == [{"sku": "a", "price": 1}, {"sku": "b", "price": 22}]')).toBe(true);
    expect(evaluated('input.items != [{"sku": "a", "price": 1}]')).toBe(true);
  });

  it('cannot be computed or ordered with each other', () => {
    expect(errorOf('input.name + 1')).toBe('MR_EXPRESSION_FAILED `+` cannot be applied to string and number (at character 12).');
    expect(errorOf('input.name < 1')).toContain('`<` cannot be applied to string and number');
    expect(errorOf('!input.amount')).toContain('`!` cannot be applied to number');
  });
});

describe('Lists and maps', () => {
  it.each([
    ['input.items.map(i, i.price)', [1, 22]],
    ['input.items.filter(i, i.price > 1).map(i, i.sku)', ['b']],
    ['input.items.map(i, i.price > 1, i.sku)', ['b']],
    ['input.items.exists(i, i.price == 22)', true],
    ['input.items.all(i, i.price == 22)', false],
    ['input.items.exists_one(i, i.price == 22)', true],
    ['size(input.items)', 2],
    ['[1, 2] + [3]', [1, 2, 3]],
    ["{'a': 1, 'b': [input.amount]}", { a: 1, b: [120] }],
    ['nodes.check.output.map(k, k)', ['ok', 'x']],
    ['input.items.map(input, input.sku)', ['a', 'b']],
    [
      'input.items.map(x, input.items.map(y, x.price + y.price))',
      [
        [2, 23],
        [23, 44],
      ],
    ],
    ['input.yes ? "x" : "y"', 'x'],
    ["has({'a': null}.a) && 'a' in {'a': null} && !('b' in {'a': null}) && !('a' in {})", true],
    ["{'a': input.nothing}.a == null", true],
  ])('%s', (source, expected) => {
    expect(evaluated(source)).toEqual(expected);
  });

  it('grow without changing what they grew from', () => {
    expect(evaluated('[[1, 2].map(x, x)].map(l, [l + [3], l + [4], l])[0]')).toEqual([
      [1, 2, 3],
      [1, 2, 4],
      [1, 2],
    ]);
  });

  it('of thousands of elements are gone through', () => {
    const scope = { input: Array.from({ length: 10_000 }, (_, index) => index) };
    expect(evaluated('size(input.map(x, x + 1).filter(x, x % 2 == 0))', scope)).toBe(5_000);
  });
});

describe('Texts', () => {
  it.each([
    ["['a', 'b'].join('-')", 'a-b'],
    ["'a,b,c'.split(',')", ['a', 'b', 'c']],
    ["'a,b,c'.split(',', 2)", ['a', 'b,c']],
    ["'a,b,c'.split(',', 0)", []],
    ["'a,b,c'.split(',', -1)", ['a', 'b', 'c']],
    ["'a👍'.split('')", ['a', '👍']],
    ["'banana'.replace('a', 'o')", 'bonono'],
    ["'banana'.replace('a', 'o', 2)", 'bonona'],
    ["'banana'.replace('a', 'o', 0)", 'banana'],
    ["'abc'.replace('', '-')", '-a-b-c-'],
    ["'Ada'.upperAscii() + 'Ada'.lowerAscii()", 'ADAada'],
    ["' x '.trim()", 'x'],
    ["'abc'.contains('b') && 'abc'.startsWith('a') && 'abc'.endsWith('c')", true],
    ["'abcabc'.indexOf('c') + 'abcabc'.lastIndexOf('c')", 7],
    ["'%s is %d'.format(['x', 7])", 'x is 7'],
    [
      "'%d|%x|%X|%o|%b|%s|%.1f'.format([input.amount, input.amount, input.amount, 8, 5, input.amount, input.amount])",
      '120|78|78|10|101|120|120.0',
    ],
    ["'100%% of %d'.format([input.amount])", '100% of 120'],
    ["strings.quote('a\"b')", '"a\\"b"'],
    ["input.name.matches('^A.a$')", true],
    ["input.name.matches('^' + 'B')", false],
    ["size('👍')", 1],
  ])('%s', (source, expected) => {
    expect(evaluated(source)).toEqual(expected);
  });
});

describe('Times', () => {
  it.each([
    ["timestamp('2026-01-31T09:00:00+01:00')", '2026-01-31T08:00:00Z'],
    ["timestamp(instance.startedAt) + duration('36h')", '2026-02-01T21:00:00Z'],
    ["string(timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00Z'))", '86400s'],
    ['timestamp(86400)', '1970-01-02T00:00:00Z'],
    ["int(timestamp('1970-01-02T00:00:00Z'))", 86_400],
    ["duration('90m').getMinutes()", 90],
    // An hour that clocks in Berlin skip: whoever runs this there must not see another.
    ["timestamp('2026-03-29T02:30:00Z').getHours()", 2],
    ["timestamp('2026-03-29T02:30:00Z').getHours('Europe/Berlin')", 4],
    ["timestamp('2026-03-29T02:30:00Z').getHours('-03:30')", 23],
    ["timestamp('2026-12-31T00:00:00Z').getDayOfYear()", 364],
    ["timestamp('2026-02-28T23:00:00Z').getMonth('+02:00')", 2],
    ["timestamp('2026-02-28T23:00:00Z').getDayOfMonth('Asia/Tokyo')", 0],
    ["timestamp('2026-02-28T23:00:00Z').getDate() + timestamp('2026-02-28T23:00:00Z').getDayOfWeek()", 34],
    ["timestamp('2026-02-28T23:00:00.125Z').getMilliseconds() + timestamp('2026-02-28T23:00:01Z').getSeconds()", 126],
    ["timestamp('2026-02-28T23:59:00Z').getMinutes() + timestamp('2026-02-28T23:59:00Z').getFullYear()", 2_085],
  ])('%s', (source, expected) => {
    expect(evaluated(source)).toEqual(expected);
  });

  it('know no zone that does not exist', () => {
    expect(errorOf("timestamp(0).getHours('Mars/Base')")).toContain('unknown time zone');
  });
});

describe('A result', () => {
  it.each([
    ['9007199254740992', 'beyond 2^53'],
    ['-9007199254740992', 'beyond 2^53'],
    ['9007199254740993u', 'beyond 2^53'],
    ['1.0 / 0.0', 'infinite or not a number'],
    ['0.0 / 0.0', 'infinite or not a number'],
    ["[b'a']", 'bytes'],
    ['int', 'a type'],
    ["duration('1h')", 'a duration'],
    // Doubles too: a message with such a number could be read by nobody.
    ['4e9 * 4e9', 'an integer beyond 2^53'],
    ["{'a': [1e300]}", 'an integer beyond 2^53'],
    ['-9007199254740992.0', 'an integer beyond 2^53'],
    ['{1: 2}', 'a key that is not a string'],
    ['{true: 2}', 'a key that is not a string'],
  ])('that JSON cannot hold is an error: %s', (source, what) => {
    const error = errorOf(source);
    expect(error).toContain('MR_EXPRESSION_RESULT');
    expect(error).toContain(what);
  });

  it('of 2^53 - 1 is a number like any other', () => {
    expect(evaluated('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
    expect(evaluated('-9007199254740991')).toBe(Number.MIN_SAFE_INTEGER);
  });
});

describe('An error', () => {
  it.each([
    ['input.missing', 'There is no member `missing` (at character 6).'],
    ['input.missing.deeper', 'There is no member `missing` (at character 6).'],
    ['nodes.later.output.x', 'There is no member `x` (at character 19).'],
    ["input['missing']", 'There is no member `missing` (at character 6).'],
    ['input[input.name]', 'There is no member of this key (at character 6).'],
    ['input.items[2]', 'There is no element at this index (at character 12).'],
    ['input.items[0.5]', 'There is no element at this index (at character 12).'],
    ['1 / 0', 'A division by zero (at character 3).'],
    ['1 % 0', 'A division by zero (at character 3).'],
    ['9223372036854775807 + 1', '`+` gave a number that is too large (at character 21).'],
    ['input.amount ? 1 : 2', 'The value before `?` must be true or false (at character 1).'],
    ['input.name && true', '`&&` and `||` take only true and false (at character 1).'],
    ['input.amount.map(x, x)', 'Only arrays and objects can be iterated (at character 13).'],
    ["{'a': 1, 'a': 2}", 'A map has the same key twice (at character 1).'],
    ["int('x')", '`int` was given a string that is no number (at character 1).'],
    ["double('')", '`double` was given a string that is no number (at character 1).'],
    ["timestamp('yesterday')", '`timestamp` does not take this value (at character 1).'],
    ["'a'.substring(9)", '`substring` was given a position outside of the string (at character 4).'],
    ['item.x', '`item` has no value here (at character 1).'],
  ])('says what is wrong, and where: %s', (source, message) => {
    expect(errorOf(source)).toBe(`MR_EXPRESSION_FAILED ${message}`);
  });

  it('is forgiven where the rest decides, as CEL wants it', () => {
    expect(evaluated('input.missing || true')).toBe(true);
    expect(evaluated('false && input.missing')).toBe(false);
    expect(evaluated('input.items.exists(i, i.missing || i.price == 1)')).toBe(true);
  });

  it('never quotes data', () => {
    const secret = 'hunter2';
    const scope = { input: { secret, list: [secret], map: { [secret]: 1 } } };
    for (const source of [
      'int(input.secret)',
      'timestamp(input.secret)',
      'duration(input.secret)',
      'bool(input.secret)',
      'input.secret + 1',
      'input[input.secret]',
      "{input.secret: 1, 'hunter2': 2}",
      'input.secret.matches(input.secret + "(")',
      "'%d'.format([input.secret])",
      'timestamp(0).getHours(input.secret)',
      'input.list[input.secret]',
      'input.map[input.secret].x',
    ]) {
      const error = errorOf(source, scope);
      expect(error).toContain('MR_EXPRESSION_FAILED');
      expect(error).not.toContain(secret);
    }
  });

  it('has a message of 500 characters at most', () => {
    const name = 'x'.repeat(2_000);
    expect(errorOf(`input.${name}`).length).toBeLessThanOrEqual('MR_EXPRESSION_FAILED '.length + 500);
  });
});

describe('A source is refused', () => {
  it.each([
    ['', 'The expression is empty.'],
    ['  ', 'The expression is empty.'],
    ['1 + }', 'was not expected here'],
    ['input.amount >', 'not a CEL expression'],
    ['foo.bar', 'There is nothing called `foo` here, only `input`, `vars`'],
    ['x', 'There is nothing called `x` here'],
    ['input.items.map(x, x) == x', 'There is nothing called `x` here'],
    ['foo(1)', 'There is no function `foo`.'],
    ['now()', 'There is no function `now`. `now` is a value: leave out the brackets.'],
    ['nodes.send-mail.output', 'There is nothing called `mail` here, only `input`, `vars`'],
    ['nodes.send-mail.output', "A name with a dash stands in brackets: `nodes['a-b']`."],
    ["input.a = 'b'", '`=` was not expected here. Compare with `==`.'],
    ['input.a === 1', '`=` was not expected here. Compare with `==`.'],
    ['input.a and input.b', '`and` was not expected here. Write `&&`.'],
    ['input.a or input.b', '`or` was not expected here. Write `||`.'],
    ['input.a.map(x => x.b)', 'Functions take a name and an expression: `list.map(x, x.name)`.'],
    ['input.a ?? 1', 'A value that may be missing is `input.?name.orValue(0)`.'],
    ['input.name.foo()', 'There is no function `foo`.'],
    ['size()', 'The function `size` cannot be called with 0 arguments and no value before it.'],
    ["contains('a', 'b')", 'cannot be called with 2 arguments and no value before it'],
    ["'a'.contains('b', 'c')", 'cannot be called with 2 arguments after a value'],
    ['has(input)', '`has` is written like `has(input.name)`.'],
    ['input.items.map(1, 2)', '`map` is written like `list.map(x, x + 1)`.'],
    ['99999999999999999999', 'must fit in 64 bits'],
    ['google.protobuf.Int64Value{value: 1}', 'cannot make a message'],
    ["'a'.matches('(?=a)')", 'is not a regular expression of RE2'],
    ["'a'.matches('[')", 'is not a regular expression of RE2'],
    [`'${'a'.repeat(10_000)}'`, 'at most 10000'],
    [`${'['.repeat(201)}${']'.repeat(201)}`, 'deeper than 200 levels'],
    [`${'('.repeat(4_000)}1${')'.repeat(4_000)}`, 'nested too deeply'],
    [`input${'.a'.repeat(300)}`, 'deeper than 200 levels'],
  ])('%s', (source, message) => {
    expect(errorsOf(source)[0]).toContain(message);
  });

  it('with all errors at once, and their places', () => {
    const compiled = compileExpression('foo + bar.baz(1)');
    expect(compiled).toMatchObject({ ok: false, error: [{ offset: 0 }, { offset: 9 }, { offset: 6 }] });
  });

  it('when it names a root that its place does not have', () => {
    expect(compileExpression('event.data', { roots: ['input'] })).toMatchObject({ ok: false });
    expect(compileExpression('event.data', { roots: ['event'] })).toMatchObject({ ok: true });
  });
});

describe('A condition', () => {
  it('gives true or false', () => {
    const compiled = compileExpression('input.amount > 100');
    if (!compiled.ok) throw new Error('it does not compile');
    expect(evaluateCondition(compiled.value, sampleScope)).toBe(true);
    expect(evaluateCondition(compiled.value, { input: { amount: 1 } })).toBe(false);
  });

  it('is an error when it gives anything else', () => {
    const compiled = compileExpression('input.amount');
    if (!compiled.ok) throw new Error('it does not compile');
    expect(() => evaluateCondition(compiled.value, sampleScope)).toThrow(
      expect.objectContaining({ code: 'MR_EXPRESSION_FAILED', source: 'input.amount' }),
    );
  });
});

describe('References', () => {
  const referencesOf = (source: string): readonly string[] => {
    const compiled = compileExpression(source);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
    return compiled.value.references.map(({ root, path, offset }) => `${[root, ...path].join('/')}@${offset}`);
  };

  it.each([
    ['nodes.approve.output.x', ['nodes/approve/output/x@0']],
    ["nodes['a-b'].output", ['nodes/a-b/output@0']],
    ['nodes[input.name].output', ['nodes@0', 'input/name@6']],
    ['nodes.a.output[0].x', ['nodes/a/output@0']],
    ['has(input.a.b) && input.c', ['input/a/b@4', 'input/c@18']],
    ['input.items.map(i, i.price + vars.total)', ['input/items@0', 'vars/total@29']],
    ['input.items.all(input, input.ok)', ['input/items@0']],
    ['(input.a ? nodes.a : nodes.b).status', ['input/a@1', 'nodes/a@11', 'nodes/b@21']],
    ['input == input', ['input@0', 'input@9']],
    ["{'a': input.a}", ['input/a@6']],
    ['[1, 2]', []],
  ])('of %s', (source, expected) => {
    expect(referencesOf(source)).toEqual(expected);
  });
});
