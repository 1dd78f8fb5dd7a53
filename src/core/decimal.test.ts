import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isMultipleOf } from './decimal.ts';

it.each([
  [19.99, 0.01],
  [4.35, 0.01],
  [0.07, 0.01],
  [1.1, 0.1],
  [0.3, 0.1],
  [1e-7, 1e-9],
  [123456789.12, 0.01],
  [-19.99, 0.01],
  [0, 0.01],
  [7.5, 2.5],
  [1e300, 0.01],
  [9, 3],
])('%d is a multiple of %d', (value, divisor) => {
  expect(isMultipleOf(value, divisor)).toBe(true);
});

it.each([
  [19.999, 0.01],
  [0.075, 0.01],
  [1, 0.3],
  [10, 3],
  [5e-324, 0.01],
])('%d is no multiple of %d', (value, divisor) => {
  expect(isMultipleOf(value, divisor)).toBe(false);
});

it('any amount of cents is a multiple of 0.01', () => {
  // Fifteen digits are what every double keeps.
  fc.assert(fc.property(fc.integer({ min: 0, max: 1e15 - 1 }), (cents) => isMultipleOf(Number(`${cents}e-2`), 0.01)));
});
