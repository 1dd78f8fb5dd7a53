import { expect, test } from 'vitest';
import { busyCoreSeconds, diskFlushes, type ProcessReading, postgresKind, usageOf } from './resources.ts';

const process = (pid: number, parent: number, more: Partial<ProcessReading> = {}): ProcessReading => ({
  ...{ pid, parent, ticks: 100, endedTicks: 0, rssPages: 256, title: '' },
  ...more,
});

test('a process counts with its descendants, but not with those that have a line of their own', () => {
  const usage = usageOf(
    [
      { name: 'load', pid: 1 },
      { name: 'api', pid: 2 },
    ],
    [process(1, 0), process(2, 1, { rssPages: 512 }), process(3, 2), process(4, 1), process(9, 0)],
  );
  expect(usage).toEqual({ load: { cpuSeconds: 2, rssMiB: 1 }, api: { cpuSeconds: 2, rssMiB: 2 } });
});

test('the children of Postgres are told apart, and connections that ended count as backends', () => {
  const usage = usageOf(
    [{ name: 'postgres', pid: 1, isPostgres: true }],
    [
      process(1, 0, { endedTicks: 50, title: 'postgres -D data' }),
      process(2, 1, { title: 'postgres: walsender millrace_connect 127.0.0.1(1) streaming' }),
      process(3, 1, { title: 'postgres: millrace millrace_instances 127.0.0.1(2) idle' }),
      process(4, 1, { title: 'postgres: checkpointer ' }),
    ],
  );
  expect(Object.fromEntries(Object.entries(usage).map(([name, { cpuSeconds }]) => [name, cpuSeconds]))).toEqual({
    'postgres others': 1,
    'postgres backends': 1.5,
    'postgres WAL sender': 1,
    'postgres checkpointer': 1,
  });
});

test('a backend of a user who is called like a part of Postgres is a backend', () => {
  expect(postgresKind('postgres: checkpointer_user db idle')).not.toBe('postgres others');
  expect(postgresKind('postgres: autovacuum launcher ')).toBe('postgres others');
});

test('flushes are those of whole disks, not of their partitions', () => {
  const line = (device: string, flushes: number): string => `254 0 ${device} ${'1 '.repeat(15)}${flushes} 9`;
  expect(diskFlushes([line('vda', 7), line('vda1', 5), line('loop0', 3)].join('\n'))).toBe(7);
});

test('idle time and waiting for disks keep no core busy', () => {
  expect(busyCoreSeconds('cpu  100 0 100 5000 700 0 0 0 0 0\ncpu0 1')).toBe(2);
});
