/** Urls, base64, JSON and hashes: what goes in comes out again, and what does not fit is told. */
import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../json.ts';
import { parseJsonStrict } from '../../strict-json.ts';
import { arbitraryJson } from '../testing/arbitrary-json.ts';
import { errorOf, evaluated } from '../testing/evaluate.ts';

const text = () => fc.string({ unit: 'grapheme', maxLength: 200 });
const json = (): fc.Arbitrary<Json> => arbitraryJson(4);
/** Integers beyond 2^53 are refused when they are read. */
const isExact = (value: Json): boolean => parseJsonStrict(JSON.stringify(value)).ok;

it('base64 gives back what was encoded, in the alphabet of urls too', () => {
  fc.assert(
    fc.property(text(), (input) => {
      expect(evaluated('base64.decode(base64.encode(input))', { input })).toBe(input);
      expect(evaluated('base64.encode(input)', { input })).toBe(Buffer.from(input).toString('base64'));
      expect(evaluated('base64.decode(input)', { input: Buffer.from(input).toString('base64url') })).toBe(input);
    }),
  );
});

it('JSON gives back what was written', () => {
  fc.assert(
    fc.property(json().filter(isExact), (input) => {
      expect(evaluated('json.parse(json.string(input))', { input })).toEqual(input);
      expect(evaluated('json.string(input)', { input })).toBe(JSON.stringify(input));
    }),
  );
});

it('what is encoded for a url decodes to the same, and holds nothing that a url would read', () => {
  fc.assert(
    fc.property(text(), (input) => {
      const encoded = evaluated('url.encode(input)', { input }) as string;
      expect(decodeURIComponent(encoded)).toBe(input);
      expect(encoded).not.toMatch(/[/?#&= ]/);
    }),
  );
});

it('a query reads as what it was made from', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.array(text(), { minLength: 1, maxLength: 3 }), { maxKeys: 4 }), (input) => {
      const query = new URLSearchParams(evaluated('url.query(input)', { input }) as string);
      for (const [name, values] of Object.entries(input)) expect(query.getAll(name)).toEqual(values);
    }),
  );
});

it('hashes are those of everybody else', () => {
  fc.assert(
    fc.property(text(), text(), (key, message) => {
      expect(evaluated('hash.sha256(input)', { input: message })).toBe(createHash('sha256').update(message).digest('hex'));
      const expected = createHmac('sha256', key).update(message).digest('hex');
      expect(evaluated('hash.hmacSha256(input.key, input.message)', { input: { key, message } })).toBe(expected);
    }),
    { numRuns: 50 },
  );
});

describe('What does not fit', () => {
  it.each([
    ['url.encode(null)', '`url.encode` takes a string, a number or a boolean'],
    ["url.query({'a': {'b': 1}})", '`url.query` takes an object of strings, numbers, booleans, null, and arrays of them'],
    ['url.query(1)', '`url.query` takes an object'],
    ["base64.decode('%')", '`base64.decode` takes a string in base64'],
    ["base64.decode('a')", '`base64.decode` takes a string in base64'],
    ["base64.decode('/w==')", '`base64.decode` found bytes that are not UTF-8: use `base64.bytes`, which gives them as they are'],
    ["base64.bytes('/w==')", 'The expression gave bytes (`base64.encode(…)` makes a string of them), which JSON cannot hold'],
    ['json.parse(\'{"secret": \')', '`json.parse` was given a string that is no JSON'],
    ["json.parse('12345678901234567890')", '`json.parse` was given a number that cannot be held exactly'],
    ['json.parse(\'{"a": 1, "a": 2}\')', '`json.parse` was given an object that has a key twice'],
    ['json.string(0.0 / 0.0)', 'The expression gave a number that is infinite or not a number, which JSON cannot hold'],
    ['hash.sha256(1)', '`hash.sha256` takes a string or bytes'],
    ["hash.hmacSha256(1, 'a')", '`hash.hmacSha256` takes a key and a message: strings or bytes'],
  ])('%s', (source, message) => {
    const told = errorOf(source);
    expect(told).toContain(message);
    expect(told).not.toContain('secret');
  });
});
