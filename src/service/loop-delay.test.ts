import { expect, it, vi } from 'vitest';
import { createHealth } from './health.ts';
import { LoopDelay } from './loop-delay.ts';
import { createMetrics } from './metrics.ts';

/** A histogram that says what the test says, and nothing more once it is reset. */
function watched() {
  let maxMs = 0;
  const histogram = {
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
  const delay = new LoopDelay({ log, metrics, health }, histogram);
  const holdFor = (ms: number) => {
    maxMs = ms;
    delay.look();
  };
  return { log, metrics, health, holdFor };
}

it('says nothing of a loop that runs', async () => {
  const { log, health, holdFor } = watched();
  holdFor(200);
  expect(log.warn).not.toHaveBeenCalled();
  expect(await health.ready()).toEqual({ ok: true, checks: { 'event loop': 'ok' } });
});

it('logs that the loop was blocked, and stays ready', async () => {
  const { log, health, holdFor } = watched();
  holdFor(700);
  expect(log.warn).toHaveBeenCalledWith({ maxMs: 700, p99Ms: 350 }, 'The event loop was blocked for too long');
  expect((await health.ready()).ok).toBe(true);
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
