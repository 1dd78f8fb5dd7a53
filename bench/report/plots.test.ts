import { expect, test } from 'vitest';
import type { Cost } from '../engine/cost.ts';
import type { Figure, Report, Run } from './figures.ts';
import { runsTogether } from './figures.ts';
import { plotsOf } from './plots.ts';
import { format, reportText, unitOf } from './table.ts';

const cost: Cost = {
  ...{ steps: 100, cpuSecondsPer1000Steps: 1.5, cpuSecondsPer1000StepsBy: { api: 0.5, kafka: 1 }, cores: 1.9, coresOfOthers: 0 },
  ...{ walBytesPerStep: 5_000, flushesPerStep: 0.2, recordsPerBatch: 12, databaseMsPerBatch: 4, rssMiB: { api: 150 } },
};
const run = (values: Readonly<Record<string, number>>): Run => ({ values, latencyMs: { count: 5, p50: 1, p95: 2, p99: 3, max: 4 }, cost });
const figure = (load: string, variant: string, main: string, ...values: readonly number[]): Figure => ({
  ...{ load, variant, main },
  runs: values.map((value) => run({ [main]: value, cores: 1 })),
});

const report: Report = {
  ...{ at: '2026-11-30T01:00:00.000Z', machine: { cores: 2 }, versions: { kafka: '4' }, settings: { fsync: 'on' }, options: {} },
  sessions: [
    {
      setting: { partitions: 8, isFlushed: false },
      failed: [{ load: 'P7', message: 'a start was answered 503' }],
      figures: [
        figure('P1', '', 'instancesPerSecond', 1_200, 1_500, 1_300),
        figure('P2', '10/s', 'p50Ms', 60),
        figure('P2', '10/s, continued', 'p50Ms', 20),
        figure('P2', '', 'stepsPerSecond', 3_000),
      ],
    },
    { setting: { partitions: 48, isFlushed: true }, failed: [], figures: [figure('P1', '', 'instancesPerSecond', 900)] },
  ],
  floor: [figure('floor P1', '', 'instancesPerSecond', 2_000)],
  beside: [{ name: 'another', note: '', figures: [{ load: 'P1', values: { instancesPerSecond: 600 } }] }],
};

test('a plot has the engine on each stack, the floor and what is beside, and only the load it is about', () => {
  const plots = plotsOf(report);
  expect(Object.keys(plots)).toEqual(['p1.svg', 'p2.svg', 'p2-slow.svg', 'cpu.svg']);
  const labels = (svg = ''): string[] => [...svg.matchAll(/text-anchor="end"[^>]*>([^<]*)</g)].map(([, text = '']) => text);
  expect(labels(plots['p1.svg'])).toEqual(['Millrace', 'Millrace (48 partitions, flushed)', 'floor', 'another']);
  expect(labels(plots['p2-slow.svg'])).toEqual(['Millrace', 'Millrace, continued']);
  expect(labels(plots['p2.svg'])).toEqual(['Millrace']);
});

test('the text has the median with its spread, the costs, and what is not equal to others', () => {
  const text = reportText(report);
  expect(text).toContain('| P1 | 1,300 instances/s | 1,200 to 1,500 | 1 / 2 / 3 / 4 | 1.5 | 5,000 | 0.2 | 12, 4 |');
  expect(text).toContain('| P2, 10/s, continued | 20 p50 ms | one run |');
  expect(text).toContain('## 48 partitions, each record flushed to the disk');
  expect(text).toContain('| P1 | 600 instances/s |');
  expect(text).toContain('fsync on');
  expect(text).toContain('P7 has no figure: a start was answered 503');
});

test('the floor before and after is one figure of all its runs', () => {
  const together = runsTogether([figure('floor P1', '', 'x', 1), figure('floor P2', '', 'x', 9), figure('floor P1', '', 'x', 3)]);
  expect(together.map(({ load, runs }) => [load, runs.map(({ values }) => values.x)])).toEqual([
    ['floor P1', [1, 3]],
    ['floor P2', [9]],
  ]);
});

test('numbers and units are what people read', () => {
  expect([format(1_234.5), format(12.345), format(0.0123), format(null), format(Number.POSITIVE_INFINITY)]).toEqual([
    ...['1,235', '12.3', '0.0123', '–', '–'],
  ]);
  expect(['stepsPerSecond', 'p50Ms', 'msPerStep', 'secondsToOldBacklog', 'latenessP99Ms'].map(unitOf)).toEqual([
    ...['steps/s', 'p50 ms', 'ms a step', 'seconds to old backlog', 'lateness p99 ms'],
  ]);
});
