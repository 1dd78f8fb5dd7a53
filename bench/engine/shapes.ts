/**
 * The shapes of load. A closed loop keeps a number of instances under way and shows throughput; an open loop starts at a fixed rate
 * whatever becomes of the starts, so its latencies count from the planned time of each start; a search finds the highest rate
 * at which the backlog stays.
 */
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { Latencies, type LatencySummary, type Point, slopeOf } from '../statistics.ts';

/** How long the end of what was started is waited for: longer than anything takes that is not lost. */
const PATIENCE_SECONDS = 120;

/** Rejects when the promise takes longer. @param what it waits for, in words. */
export async function within<Value>(promise: Promise<Value>, seconds: number, what: string): Promise<Value> {
  const over = new AbortController();
  const tooLong = sleep(seconds * 1_000, undefined, { signal: over.signal }).then(() => {
    throw new Error(`Waited ${seconds} s for the end of ${what}.`);
  });
  try {
    return await Promise.race([promise, tooLong]);
  } finally {
    tooLong.catch(() => undefined);
    over.abort();
  }
}

/** Runs one instance to its end. @param at its planned time, by `performance.now()`. @returns ms since then; null: it was refused. */
export type RunOne = (at: number) => Promise<number | null>;

export type Closed<Sample> = {
  readonly completed: number;
  readonly seconds: number;
  readonly latency: LatencySummary;
  /** Taken at the begin and at the end of what counts. */
  readonly before: Sample;
  readonly after: Sample;
};

/** Keeps `inFlight` instances under way for `seconds`, after `warmUp` seconds that do not count. */
export async function closedLoop<Sample>(options: {
  readonly runOne: RunOne;
  readonly inFlight: number;
  readonly warmUp: number;
  readonly seconds: number;
  readonly sample: () => Promise<Sample>;
}): Promise<Closed<Sample>> {
  const { runOne, inFlight, warmUp, seconds, sample } = options;
  let latencies: Latencies | null = null;
  let isOver = false;
  const lanes = Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (!isOver) {
        const ms = await runOne(performance.now());
        if (ms !== null) latencies?.record(ms);
      }
    }),
  );
  const counted = (async () => {
    await sleep(warmUp * 1_000);
    const before = await sample();
    const counting = new Latencies();
    latencies = counting;
    const began = performance.now();
    await sleep(seconds * 1_000);
    latencies = null;
    const took = (performance.now() - began) / 1_000;
    const after = await sample();
    return { completed: counting.count, seconds: took, latency: counting.summary(), before, after };
  })();
  try {
    return await Promise.race([counted, lanes.then(() => counted)]);
  } finally {
    isOver = true;
    await within(lanes, PATIENCE_SECONDS, `the last of ${inFlight} instances under way`);
  }
}

export type Open = {
  readonly started: number;
  readonly completed: number;
  readonly refused: number;
  /** Had not ended when patience was at its end. */
  readonly unfinished: number;
  readonly seconds: number;
  readonly latency: LatencySummary;
  /** By how much the backlog grew, as a share of the starts. */
  readonly backlogGrowth: number;
  readonly backlogAtEnd: number;
};

/** How often the backlog is looked at. */
const LOOK_MS = 100;

/**
 * Starts at a fixed rate for `seconds`, then waits until all of them have ended; `completed` counts the ends within that time. A
 * start that fails ends the loop by its error, and so do instances that do not end, unless they are `tolerated`.
 */
export async function openLoop(options: {
  readonly runOne: RunOne;
  readonly perSecond: number;
  readonly seconds: number;
  /** Told of the number under way each 100 ms. */
  readonly onBacklog?: (backlog: number, atMs: number) => void;
  /** Ends the starts early once more than this are under way. */
  readonly backlogMax?: number;
  /** Instances that do not end are counted, and are no error. */
  readonly tolerated?: boolean;
  /** How long the end of the last one is waited for. */
  readonly patienceSeconds?: number;
}): Promise<Open> {
  const { runOne, perSecond, seconds, onBacklog, tolerated = false } = options;
  const { backlogMax = Number.POSITIVE_INFINITY, patienceSeconds = PATIENCE_SECONDS } = options;
  const latencies = new Latencies();
  const backlog: Point[] = [];
  let underWay = 0;
  let completed = 0;
  let refused = 0;
  let error: unknown;
  const began = performance.now();
  const until = began + seconds * 1_000;
  const look = setInterval(() => {
    const at = performance.now() - began;
    backlog.push({ x: at / 1_000, y: underWay });
    onBacklog?.(underWay, at);
  }, LOOK_MS);
  const ends: Promise<void>[] = [];
  const planned = Math.round(perSecond * seconds);
  let started = 0;
  while (started < planned && underWay <= backlogMax && error === undefined) {
    const at = began + (started * 1_000) / perSecond;
    const early = at - performance.now();
    if (early > 0) await sleep(early);
    // Behind its plan the loop would never let an answer in.
    else if (started % 16 === 15) await immediate();
    started++;
    underWay++;
    ends.push(
      runOne(at).then(
        (ms) => {
          underWay--;
          if (ms === null) {
            refused++;
            return;
          }
          latencies.record(ms);
          if (performance.now() < until) completed++;
        },
        (cause: unknown) => {
          underWay--;
          error ??= cause;
        },
      ),
    );
  }
  const left = until - performance.now();
  if (left > 0) await sleep(left);
  clearInterval(look);
  const took = (performance.now() - began) / 1_000;
  const backlogAtEnd = underWay;
  const all = within(Promise.all(ends), patienceSeconds, `all of ${started} instances`);
  if (tolerated) await all.catch(() => undefined);
  else await all;
  if (error !== undefined) throw error;
  // The first second fills the way through the system, which is no growth.
  const steady = backlog.filter(({ x }) => x >= Math.min(1, seconds / 4));
  const grown = started < planned ? Number.POSITIVE_INFINITY : slopeOf(steady) * seconds;
  const backlogGrowth = grown / Math.max(1, started);
  return { started, completed, refused, unfinished: underWay, seconds: took, latency: latencies.summary(), backlogGrowth, backlogAtEnd };
}

export type Trial<Result> = { readonly holds: boolean; readonly result: Result };

/**
 * The highest rate that holds, within so many trials. Begins a little below the guess, goes up or down by steps that double, then
 * halves what is between the highest rate that held and the lowest that did not. null: none held.
 */
export async function highestRate<Result>(
  guess: number,
  trials: number,
  tryRate: (perSecond: number) => Promise<Trial<Result>>,
): Promise<{ readonly perSecond: number; readonly result: Result } | null> {
  let best: { readonly perSecond: number; readonly result: Result } | null = null;
  let lowestFailed = Number.POSITIVE_INFINITY;
  let rate = guess * 0.9;
  let stride = guess * 0.1;
  for (let trial = 0; trial < trials; trial++) {
    const perSecond = Math.max(1, Math.round(rate));
    const { holds, result } = await tryRate(perSecond);
    if (holds) best = { perSecond, result };
    else lowestFailed = perSecond;
    if (best !== null && lowestFailed < Number.POSITIVE_INFINITY) rate = (best.perSecond + lowestFailed) / 2;
    else {
      rate = holds ? perSecond + stride : Math.max(1, perSecond - stride);
      stride *= 2;
    }
  }
  return best;
}
