import { afterEach, expect, test } from 'vitest';
import { watchShutdownRequests } from './shutdown.ts';

afterEach(() => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeAllListeners(signal);
});

test('takes the interrupts of one Ctrl-C, which arrive more than once, for one', () => {
  let now = 0;
  const { stop, hurry } = watchShutdownRequests(() => now);
  expect(stop.aborted).toBe(false);
  process.emit('SIGINT');
  expect(stop.aborted).toBe(true);
  now = 1_900;
  process.emit('SIGINT');
  process.emit('SIGTERM');
  expect(hurry.aborted).toBe(false);
});

test('takes a Ctrl-C that comes later for impatience', () => {
  let now = 0;
  const { hurry } = watchShutdownRequests(() => now);
  process.emit('SIGINT');
  now = 2_100;
  process.emit('SIGINT');
  expect(hurry.aborted).toBe(true);
});
