import { expect, test } from 'vitest';
import { slopesOf } from './p10.ts';

test('slopes are of each value by itself, for an hour, and a value that came later counts from there', () => {
  const readings = [0, 1, 2, 3].map((n) => ({
    atHours: n / 4,
    values: { 'api MiB': 100 + n, 'p99 ms': 20, ...(n < 2 ? {} : { 'late MiB': 10 * n }) },
  }));
  expect(slopesOf(readings)).toEqual({ 'api MiB slope an hour': 4, 'p99 ms slope an hour': 0, 'late MiB slope an hour': 40 });
});
