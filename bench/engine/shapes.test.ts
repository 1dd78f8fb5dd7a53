import { expect, test } from 'vitest';
import { closedLoop, highestRate, openLoop } from './shapes.ts';

const upTo =
  (limit: number, tried: number[] = []) =>
  async (perSecond: number) => {
    tried.push(perSecond);
    return { holds: perSecond <= limit, result: `at ${perSecond}` };
  };

test('the search comes near the highest rate that holds, from below and from above', async () => {
  for (const limit of [1_040, 700, 1_300]) {
    const found = await highestRate(1_000, 8, upTo(limit));
    expect(found?.perSecond).toBeLessThanOrEqual(limit);
    expect(found?.perSecond).toBeGreaterThan(limit * 0.9);
    expect(found?.result).toBe(`at ${found?.perSecond}`);
  }
});

test('the search makes no more trials than it may, and says when no rate held', async () => {
  const tried: number[] = [];
  expect(await highestRate(1_000, 3, upTo(0, tried))).toBeNull();
  expect(tried).toEqual([900, 800, 600]);
});

test('an open loop starts on time although nothing ends, and counts latency from the planned time', async () => {
  const release = Promise.withResolvers<void>();
  const planned: number[] = [];
  const loop = openLoop({
    perSecond: 200,
    seconds: 0.1,
    runOne: async (at) => {
      planned.push(at);
      if (planned.length === 20) release.resolve();
      await release.promise;
      return 1_000;
    },
  });
  const open = await loop;
  expect(open.started).toBe(20);
  expect((planned[19] ?? 0) - (planned[0] ?? 0)).toBeCloseTo(95);
  expect(open.latency).toMatchObject({ count: 20 });
});

test('an open loop stops starting when more are under way than it may have, and then its backlog has no bound', async () => {
  // On a busy machine the loop is behind its plan, and starts 16 before it lets an answer in.
  const open = await openLoop({ perSecond: 1_000, seconds: 0.1, backlogMax: 16, runOne: () => Promise.resolve().then(() => 1) });
  expect(open.backlogGrowth).toBeLessThan(1);
  const release = Promise.withResolvers<number>();
  let count = 0;
  const stuck = await openLoop({
    perSecond: 1_000,
    seconds: 0.1,
    backlogMax: 10,
    runOne: () => {
      if (++count === 11) setImmediate(() => release.resolve(1));
      return release.promise;
    },
  });
  expect(stuck.started).toBeLessThan(100);
  expect(stuck.backlogGrowth).toBe(Number.POSITIVE_INFINITY);
});

test('a start that fails ends the open loop by its error', async () => {
  await expect(openLoop({ perSecond: 100, seconds: 0.05, runOne: () => Promise.reject(new Error('refused')) })).rejects.toThrow('refused');
});

test('instances that never end are an error, or are counted where that is what is measured', async () => {
  const lost = { perSecond: 100, seconds: 0.05, patienceSeconds: 0.01, runOne: () => new Promise<number>(() => undefined) };
  await expect(openLoop(lost)).rejects.toThrow('Waited 0.01 s for the end of all of 5 instances.');
  expect(await openLoop({ ...lost, tolerated: true })).toMatchObject({ started: 5, unfinished: 5, completed: 0 });
});

test('what is refused is counted, and has no latency', async () => {
  const open = await openLoop({ perSecond: 100, seconds: 0.05, runOne: async () => null });
  expect(open).toMatchObject({ started: 5, refused: 5, completed: 0, latency: { count: 0 } });
});

test('a closed loop counts what ends between its two samples', async () => {
  let ended = 0;
  const closed = await closedLoop({
    inFlight: 2,
    warmUp: 0.02,
    seconds: 0.05,
    sample: async () => ended,
    runOne: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      ended++;
      return 1;
    },
  });
  expect(closed.before).toBeGreaterThan(0);
  expect(closed.completed).toBeGreaterThan(0);
  expect(closed.completed).toBeLessThanOrEqual(closed.after - closed.before);
});
