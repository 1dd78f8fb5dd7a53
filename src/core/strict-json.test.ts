import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from './json.ts';
import { parseJsonStrict } from './strict-json.ts';

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
        else expect(['unsafeNumber', 'duplicateKey']).toContain(result.reason);
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

  it.each([
    ['{"a":1,"a":1}', '/a'],
    ['{"n":{"x":[0,{"id":1,"b":"\\":{","id":2}]}}', '/n/x/1/id'],
    ['{"a/b~":1,"\\u0061/b~":2}', '/a~1b~0'],
    ['{"__proto__":1,"__proto__":2}', '/__proto__'],
    ['[{"":1},{"":1,"":2}]', '/1/'],
  ])('refuses the key that stands twice in %s, with its name', (text, pointer) => {
    const result = parseJsonStrict(text);
    expect(result).toMatchObject({ ok: false, reason: 'duplicateKey', pointer });
  });

  it('names the key that stands twice', () => {
    const result = parseJsonStrict('{"amount":1,"amount":2}');
    expect(result).toMatchObject({ message: 'The object has the key "amount" twice: keep one of them.' });
  });

  it('takes the last of equal keys where that is asked for', () => {
    expect(parseJsonStrict('{"a":1,"a":2}', { duplicateKeys: 'last' })).toEqual({ ok: true, value: { a: 2 } });
    expect(parseJsonStrict('{"a":1,"a":1e400}', { duplicateKeys: 'last' })).toMatchObject({ reason: 'unsafeNumber' });
  });

  it('takes equal keys of different objects, and colons in strings', () => {
    const text = '{"a":{"a":"x:\\":\\\\"},"b":[{"a":1},{"a":1}],"c:d":"::"}';
    expect(parsed(text)).toEqual(JSON.parse(text));
  });

  it('reads past a byte order mark', () => {
    expect(parsed('\ufeff{"a":1}')).toEqual({ a: 1 });
  });

  it.each([
    ['a long string beside a large number', JSON.stringify({ a: 'x'.repeat(20_000_000), b: 1e21 }), 'unsafeNumber'],
    ['thousands of escapes', JSON.stringify({ a: '\\'.repeat(10_000_000), b: 1e21 }), 'unsafeNumber'],
    ['a number of a million digits', '1'.repeat(1_000_000), 'unsafeNumber'],
    ['zeros within a number', `0.1${'0'.repeat(300_000)}1`, 'unsafeNumber'],
    ['a large number deep inside', `${'{"a":'.repeat(100_000)}1e999${'}'.repeat(100_000)}`, 'unsafeNumber'],
    ['equal keys deep inside', `${'['.repeat(100_000)}{"a":1,"a":1}${']'.repeat(100_000)}`, 'duplicateKey'],
  ])('never throws, whatever its size: %s', (_, text, reason) => {
    const result = parseJsonStrict(text);
    expect(result.ok ? null : result.reason).toBe(reason);
  });

  it('makes a zero of a negative zero that is nested without end', () => {
    const result = parseJsonStrict(`${'['.repeat(100_000)}-0${']'.repeat(100_000)}`);
    expect(result.ok).toBe(true);
  });
});
