import { expect, it, vi } from 'vitest';
import { createHealth } from './health.ts';
import { LoopDelay } from './loop-delay.ts';
import { createMetrics } from './metrics.ts';

/** A histogram that says what the test says, and nothing more once it is reset; and a thread that works as long as it says. */
function watched({ tellsCpu = true } = {}) {
  let maxMs = 0;
  let usedMs = 1_000;
  let nowMs = 0;
  const delays = {
    get max() {
      return maxMs * 1_000_000;
    },
    percentile: () => (maxMs * 1_000_000) / 2,
    reset: () => {
      maxMs = 0;
    },
  };
  const log = { warn: vi.fn() };
  const metrics = createMetrics('test');
  const health = createHealth();
  const delay = new LoopDelay({ log, metrics, health }, { delays, cpuMs: () => (tellsCpu ? usedMs : null), wallMs: () => nowMs });
  /** The loop is blocked, of which this thread works `cpuMs`. */
  const blockFor = (ms: number, cpuMs = 0) => {
    maxMs = ms;
    nowMs += ms;
    usedMs += cpuMs;
    delay.turn();
  };
  const holdFor = (ms: number, cpuMs?: number) => {
    blockFor(ms, cpuMs);
    delay.look();
  };
  return { log, metrics, health, blockFor, holdFor };
}

it('says nothing of a loop that runs', async () => {
  const { log, health, holdFor } = watched();
  holdFor(200, 200);
  expect(log.warn).not.toHaveBeenCalled();
  expect(await health.ready()).toEqual({ ok: true, checks: { 'event loop': 'ok' } });
});

it('logs that the loop was blocked, and stays ready', async () => {
  const { log, health, holdFor } = watched();
  holdFor(700, 30);
  expect(log.warn).toHaveBeenCalledWith({ maxMs: 700, p99Ms: 350, heldMs: 30 }, 'The event loop was blocked for too long');
  expect((await health.ready()).ok).toBe(true);
});

it('logs that one turn did more work than any should, though nobody noticed a delay', async () => {
  const { log, holdFor } = watched();
  holdFor(300, 260);
  expect(log.warn).toHaveBeenCalledWith({ maxMs: 300, p99Ms: 150, heldMs: 260 }, 'The event loop was blocked for too long');
});

it('is not ready while the last window had a standstill, and is again after one without', async () => {
  const { health, holdFor } = watched();
  holdFor(3_000);
  expect(await health.ready()).toEqual({ ok: false, checks: { 'event loop': 'was blocked for 3000 ms' } });
  holdFor(10);
  expect((await health.ready()).ok).toBe(true);
});

it('shows the last window as a metric', async () => {
  const { metrics, holdFor } = watched();
  holdFor(800);
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/millrace_event_loop_delay_seconds\{[^}]*quantile="0.99"[^}]*\} 0.4/);
  expect(text).toMatch(/millrace_event_loop_delay_seconds\{[^}]*quantile="1"[^}]*\} 0.8/);
});

it('shows the longest turn of this window and of the one before at once, by the CPU time it took', async () => {
  const { metrics, blockFor, holdFor } = watched();
  const shown = async (): Promise<number> =>
    Number(/millrace_event_loop_held_seconds\{[^}]*\} (\S+)/.exec(await metrics.registry.metrics())?.[1]);
  blockFor(2_000, 120);
  blockFor(30, 20);
  expect(await shown()).toBe(0.12);
  holdFor(30, 30);
  expect(await shown()).toBe(0.12);
  holdFor(30, 25);
  expect(await shown()).toBe(0.025);
});

it('takes the time on the clock for that of the turn where nothing tells the CPU time', async () => {
  const { metrics, blockFor } = watched({ tellsCpu: false });
  blockFor(700, 30);
  expect(await metrics.registry.metrics()).toMatch(/millrace_event_loop_held_seconds\{[^}]*\} 0.7/);
});
