import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json, jsonByteLength, jsonEquals } from './json.ts';

/** What the text holds, as JSON would write it: without a negative zero. */
function written(text: string): Json {
  return JSON.parse(JSON.stringify(JSON.parse(text))) as Json;
}

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

it('The length in bytes is that of the whole text, wherever a long one is cut into pieces', () => {
  fc.assert(
    fc.property(fc.nat(4), fc.constantFrom('a', 'é', '€', '😀', '\ud83d'), fc.nat(9_000), (start, one, count) => {
      const value = 'a'.repeat(start) + one.repeat(count);
      expect(jsonByteLength(value)).toBe(Buffer.byteLength(JSON.stringify(value)));
    }),
  );
});
