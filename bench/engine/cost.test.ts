import { expect, test } from 'vitest';
import { costOf, type Sample, sumOfMetric } from './cost.ts';

const sample = (more: Partial<Sample>): Sample => ({
  ...{ atMs: 0, usage: {}, walBytes: 0, flushes: 0, busyCoreSeconds: 0, batches: { count: 0, records: 0, seconds: 0 } },
  ...more,
});

test('the cost is what came between two samples, for a step, a thousand steps or a batch', () => {
  const before = sample({ usage: { api: { cpuSeconds: 1, rssMiB: 100 } }, walBytes: 500, batches: { count: 10, records: 50, seconds: 1 } });
  const after = sample({
    ...{ atMs: 2_000, walBytes: 4_500, flushes: 20, busyCoreSeconds: 3.5 },
    usage: { api: { cpuSeconds: 3, rssMiB: 120 }, kafka: { cpuSeconds: 1, rssMiB: 700 } },
    batches: { count: 20, records: 150, seconds: 1.05 },
  });
  expect(costOf(before, after, 200)).toEqual({
    ...{ steps: 200, cpuSecondsPer1000Steps: 15, cpuSecondsPer1000StepsBy: { api: 10, kafka: 5 }, cores: 1.5, coresOfOthers: 0.25 },
    ...{ walBytesPerStep: 20, flushesPerStep: 0.1, recordsPerBatch: 10, databaseMsPerBatch: 5, rssMiB: { api: 120, kafka: 700 } },
  });
});

test('work without a step or a batch costs nothing for each', () => {
  expect(costOf(sample({}), sample({ atMs: 1_000, walBytes: 100 }), 0)).toMatchObject({
    ...{ cpuSecondsPer1000Steps: 0, walBytesPerStep: 0, recordsPerBatch: 0 },
  });
});

test('a metric is summed over its labels and processes, and not mixed up with one whose name begins the same', () => {
  const text = 'a_sum{p="1"} 2\na_sum{p="2"} 3.5\na_sum_total{p="1"} 100\na_sum 1\n# HELP a_sum 7';
  expect(sumOfMetric(text, 'a_sum')).toBe(6.5);
});
