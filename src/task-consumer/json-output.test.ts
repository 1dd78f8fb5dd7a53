import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toJsonOutput } from './json-output.ts';

describe('what a handler gives', () => {
  it('is JSON as it is', () => {
    // -0 is the one number that JSON has and JSON.stringify changes.
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const output = toJsonOutput(value);
        if (!output.ok) return JSON.stringify(value).match(/\d{16,}|e\+/) !== null;
        expect(output.value.text).toBe(JSON.stringify(value));
        return true;
      }),
    );
  });

  it('counts as null when there is nothing, and leaves out members that are undefined', () => {
    expect(toJsonOutput(undefined)).toEqual({ ok: true, value: { value: null, text: 'null' } });
    expect(toJsonOutput({ a: 1, b: undefined })).toEqual({ ok: true, value: { value: { a: 1 }, text: '{"a":1}' } });
  });

  const circle: Record<string, unknown> = {};
  circle.self = circle;
  it.each<[string, unknown, string]>([
    ['a number beyond 2^53', { order: { id: 2 ** 53 } }, '/order/id: an integer beyond 2^53'],
    ['NaN', [1, Number.NaN], '/1: NaN'],
    ['an infinite number', { a: Number.POSITIVE_INFINITY }, '/a: Infinity'],
    ['a bigint', { 'a/b': 1n }, '/a~1b: a bigint'],
    ['a function', () => 1, '/: a function'],
    ['a symbol', Symbol('x'), '/: a symbol'],
    ['a date', { at: new Date() }, '/at: a Date'],
    ['a map', new Map(), '/: a Map'],
    ['a buffer', { bytes: Buffer.from('x') }, '/bytes: a Buffer'],
    ['a hole in a list', [undefined], '/0: undefined'],
    ['a circle', circle, 'holds itself'],
  ])('cannot be %s', (_, value, message) => {
    const output = toJsonOutput(value);
    expect(output).toMatchObject({ ok: false, error: expect.stringContaining(message) });
  });
});
