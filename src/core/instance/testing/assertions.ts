/** Assertions that cost nothing while they hold: a property makes millions of them. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';

/** An assertion of vitest costs more than a step of an instance: one is made only to fail. */
export function holds(condition: boolean, message: string): void {
  if (!condition) expect.fail(message);
}

/** Deep equality; the slower comparison, which shows what differs, only when they do. */
export function same(actual: unknown, expected: unknown, message: string): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual, message).toEqual(expected);
}
