import { describe, expect, test } from 'vitest';
import { Latencies, median, slopeOf, spreadOf } from './statistics.ts';

describe('latencies', () => {
  test('have quantiles to three significant digits, and the largest one', () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 1_000; ms++) latencies.record(ms);
    const { count, p50, p95, p99, max } = latencies.summary();
    expect(count).toBe(1_000);
    for (const [found, exact] of [
      [p50, 500],
      [p95, 950],
      [p99, 990],
      [max, 1_000],
    ] as const)
      expect(Math.abs(found - exact) / exact).toBeLessThan(0.002);
  });

  test('below a millisecond are told apart', () => {
    const latencies = new Latencies();
    for (const ms of [0.25, 0.5, 0.75]) latencies.record(ms);
    expect(latencies.quantile(0.5)).toBeCloseTo(0.5, 2);
  });

  test('that are longer than an hour count as an hour, and those before their planned time as 0', () => {
    const latencies = new Latencies();
    latencies.record(Number.MAX_SAFE_INTEGER);
    expect(latencies.summary().max / 3_600_000).toBeCloseTo(1, 2);
    const early = new Latencies();
    early.record(-3);
    expect(early.summary()).toEqual({ count: 1, p50: 0, p95: 0, p99: 0, max: 0 });
  });

  test('are 0 when there are none', () => {
    expect(new Latencies().summary()).toEqual({ count: 0, p50: 0, p95: 0, p99: 0, max: 0 });
  });
});

describe('runs', () => {
  test('are told by their median, the lowest and the highest', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, lowest: 1, highest: 3 });
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  test('without a value have no median', () => {
    expect(() => median([])).toThrow('There is no median of no values.');
  });
});

describe('a slope', () => {
  test('is exact on a line, and that of the nearest line beside it', () => {
    expect(slopeOf([1, 2, 3].map((x) => ({ x, y: 5 - 2 * x })))).toBe(-2);
    expect(
      slopeOf([
        { x: 0, y: 0 },
        { x: 1, y: 3 },
        { x: 2, y: 0 },
        { x: 3, y: 3 },
      ]),
    ).toBeCloseTo(0.6);
  });

  test('of one point, or of none, is 0', () => {
    expect(slopeOf([{ x: 1, y: 9 }])).toBe(0);
    expect(slopeOf([])).toBe(0);
  });
});
