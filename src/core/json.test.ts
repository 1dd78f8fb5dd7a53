import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json, jsonEquals, parseJsonStrict } from './json.ts';

function parsed(text: string): Json {
  const result = parseJsonStrict(text);
  if (!result.ok) throw new Error(result.message);
  return result.value;
}

/** What the text holds, as JSON would write it: without a negative zero. */
function written(text: string): Json {
  return JSON.parse(JSON.stringify(JSON.parse(text))) as Json;
}

describe('Parsing', () => {
  it('gives what was written', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const result = parseJsonStrict(text);
        if (result.ok) expect(result.value).toEqual(written(text));
        else expect(result.reason).toBe('unsafeNumber');
      }),
    );
  });

  it.each(['0.1', '0.10', '-0.5', '1e3', '9007199254740991', '-1.50e-7', '123456789012345.5', '0.000'])('keeps the number %s', (text) => {
    expect(parsed(text)).toBe(Number(text));
  });

  it.each([
    ['9007199254740993', ''],
    ['[1, 12345678901234567890]', '/1'],
    ['{"a/b": {"~": 0.12345678901234567890}}', '/a~1b/~0'],
    ['1e400', ''],
    ['-1e-400', ''],
  ])('refuses the number in %s, and says where it stands', (text, pointer) => {
    expect(parseJsonStrict(text)).toMatchObject({ ok: false, reason: 'unsafeNumber', pointer });
  });

  it.each(['-0', '-0.00', '-0e5', ' -0 '])('makes a zero of %s', (text) => {
    expect(parsed(text)).toBe(0);
    expect(parsed(`{"of": [${text}, "-0"]}`)).toEqual({ of: [0, '-0'] });
  });

  it('says what is no JSON', () => {
    expect(parseJsonStrict('{"a": }')).toMatchObject({ ok: false, reason: 'syntax' });
  });
});

describe('The canonical text', () => {
  it('is the same for equal values, whatever the order of their keys', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true })).toBe('{"a":true,"b":[1,{"c":"x","d":null}]}');
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = written(text);
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
        expect(jsonEquals(value, JSON.parse(text) as Json)).toBe(true);
      }),
    );
  });

  it('differs where values differ', () => {
    expect(jsonEquals({ a: 1 }, { a: '1' })).toBe(false);
    expect(jsonEquals([1, 2], [2, 1])).toBe(false);
    expect(jsonEquals(null, {})).toBe(false);
  });
});
