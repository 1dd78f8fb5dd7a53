import { expect, it } from 'vitest';
import {
  holdsTooManyValues,
  isNamedBy,
  isReference,
  needsReference,
  referencedBytesMax,
  referencedValuesMax,
  referenceTo,
} from './payload-reference.ts';

it('names a payload by the bytes of its JSON', () => {
  const reference = referenceTo('"ü"');
  expect(reference).toEqual({ bytes: 4, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect([isNamedBy('"ü"', reference), isNamedBy('"u"', reference), isNamedBy('"ü"', { ...reference, bytes: 3 })]).toEqual([
    true,
    false,
    false,
  ]);
  expect(isReference(reference)).toBe(true);
  for (const wrong of [{ bytes: 0 }, { bytes: 4_194_305 }, { sha256: '' }, { sha256: 'G'.repeat(64) }])
    expect(isReference({ ...reference, ...wrong })).toBe(false);
});

it('is needed above a number of bytes, whatever the number of characters, and never where that is 0', () => {
  const text = '€'.repeat(10);
  expect([29, 30, 31, 10, 9, 0].map((bytes) => needsReference(text, bytes))).toEqual([true, false, false, true, true, false]);
  const most = 'x'.repeat(referencedBytesMax);
  expect([most, `${most}x`, `€${most.slice(3)}`, `€${most.slice(2)}`].map((each) => needsReference(each, 1))).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

it('counts values, and no characters of strings', () => {
  const most = `[${'1,'.repeat(referencedValuesMax - 2)}1]`;
  expect([holdsTooManyValues(most), holdsTooManyValues(`[${most}]`), holdsTooManyValues(most.replace(']', ',1]'))]).toEqual([
    false,
    true,
    true,
  ]);
  const members = (count: number): string => `{${'"a":1,'.repeat(count - 1)}"a":1}`;
  expect([holdsTooManyValues(members(referencedValuesMax / 4 - 1)), holdsTooManyValues(members(referencedValuesMax / 4))]).toEqual([
    false,
    true,
  ]);
  expect(holdsTooManyValues(JSON.stringify('\\",[{'.repeat(referencedValuesMax)))).toBe(false);
  expect(holdsTooManyValues(`[${'{},'.repeat(referencedValuesMax / 2)}{}]`)).toBe(true);
});
