import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Attempt } from './attempt.ts';
import type { AttemptResult } from './attempt-result.ts';
import type { AttemptScope } from './executor.ts';
import type { ScheduledTask } from './task.ts';

const DAY_MS = 24 * 3_600_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a timeout may be longer than a timer of Node can be', () => {
  const results: AttemptResult[] = [];
  const task = { taskId: 't', instanceId: 'i', attempt: 1, timeoutMs: 60 * DAY_MS } as unknown as ScheduledTask;
  const attempt = new Attempt(task, pino({ level: 'silent' }), (result) => results.push(result));
  attempt.start({ run: () => new Promise(() => undefined) } as never);
  vi.advanceTimersByTime(60 * DAY_MS - 1);
  expect(results).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(results).toMatchObject([{ status: 'timedOut' }]);
});

test('what is not the work takes none of its time, before it, after it and in between', async () => {
  const results: AttemptResult[] = [];
  const task = { taskId: 't', instanceId: 'i', attempt: 1, timeoutMs: 1_000 } as unknown as ScheduledTask;
  const attempt = new Attempt(task, pino({ level: 'silent' }), (result) => results.push(result));
  const run = async (_: ScheduledTask, scope: AttemptScope): Promise<AttemptResult> => {
    await scope.untimed(() => passed(5_000));
    await passed(600);
    await scope.untimed(() => passed(5_000));
    await passed(600);
    return { status: 'completed', output: '1' };
  };
  attempt.start({ run } as never);
  await vi.advanceTimersByTimeAsync(10_999);
  expect(results).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(results).toMatchObject([{ status: 'timedOut' }]);
  expect(attempt.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(results).toHaveLength(1);
});

test('an attempt that waits when it is told to end is no bug', async () => {
  const lines: unknown[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const results: AttemptResult[] = [];
  const task = { taskId: 't', instanceId: 'i', attempt: 1, timeoutMs: 1_000 } as unknown as ScheduledTask;
  const attempt = new Attempt(task, log, (result) => results.push(result));
  const waits = (_: ScheduledTask, { signal }: AttemptScope): Promise<AttemptResult> =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  attempt.start({ run: waits } as never);
  attempt.abandon(new Error('the end'));
  await vi.advanceTimersByTimeAsync(0);
  expect([results, lines]).toEqual([[], []]);
});

test('an attempt that is over starts no clock any more', async () => {
  const results: AttemptResult[] = [];
  const task = { taskId: 't', instanceId: 'i', attempt: 1, timeoutMs: 1_000 } as unknown as ScheduledTask;
  const attempt = new Attempt(task, pino({ level: 'silent' }), (result) => results.push(result));
  attempt.start({ run: (_: ScheduledTask, scope: AttemptScope) => scope.untimed(() => passed(5_000)) } as never);
  attempt.abandon(new Error('the end'));
  await vi.advanceTimersByTimeAsync(10_000);
  expect([results, vi.getTimerCount()]).toEqual([[], 0]);
});

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
