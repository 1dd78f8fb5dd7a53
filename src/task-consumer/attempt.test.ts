import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Attempt } from './attempt.ts';
import type { AttemptResult } from './attempt-result.ts';
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
