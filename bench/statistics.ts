/**
 * The statistics of the benchmarks: latencies in an HDR histogram, medians with their spread, slopes by least squares. Pure; no
 * clock and no I/O.
 */
import { build } from 'hdr-histogram-js';

export type LatencySummary = {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
};

/** An hour in microseconds: what takes longer counts as an hour. */
const HIGHEST_MICROSECONDS = 3_600_000_000;

/** Latencies in ms, kept to three significant digits whatever their number. */
export class Latencies {
  readonly #histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_MICROSECONDS,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
  });

  record(ms: number): void {
    this.#histogram.recordValue(Math.min(HIGHEST_MICROSECONDS, Math.max(0, Math.round(ms * 1_000))));
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** @returns ms; 0 when nothing was recorded. */
  quantile(share: number): number {
    return this.count === 0 ? 0 : rounded(this.#histogram.getValueAtPercentile(share * 100) / 1_000);
  }

  summary(): LatencySummary {
    return {
      count: this.count,
      p50: this.quantile(0.5),
      p95: this.quantile(0.95),
      p99: this.quantile(0.99),
      max: this.count === 0 ? 0 : rounded(this.#histogram.maxValue / 1_000),
    };
  }
}

export type Spread = { readonly median: number; readonly lowest: number; readonly highest: number };

/** The median of an even number of values is the mean of the two in the middle. Throws on no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error('There is no median of no values.');
  return rounded((lower + upper) / 2);
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), lowest: rounded(Math.min(...values)), highest: rounded(Math.max(...values)) };
}

export type Point = { readonly x: number; readonly y: number };

/** The slope of the line with the least squared distance in y. 0 when the points have less than two different x. */
export function slopeOf(points: readonly Point[]): number {
  const meanX = meanOf(points.map(({ x }) => x));
  const meanY = meanOf(points.map(({ y }) => y));
  const spreadX = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  if (spreadX === 0) return 0;
  return points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spreadX;
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Three digits behind the point. */
export function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
