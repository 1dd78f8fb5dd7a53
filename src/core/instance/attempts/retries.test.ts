/** Attempts, backoff and what is retried (language, "Time and retries"; protocol, "A step"). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';
import type { RetryPolicy } from '../../definition/types.ts';
import type { TaskId } from '../../ids.ts';
import type { JsonObject } from '../../json.ts';
import { retryDelayMs, returnDelayMs } from './retry-delay.ts';

const task = { type: 'task', task: 'work' };
const n = (retry: JsonObject) => nodeOf({ ...task, retry });

describe('A failed attempt', () => {
  it('is followed by the next after a delay, which is a timer', () => {
    const scenario = new Scenario(nodeOf(task)).fails('n', 'BUSY');
    expect(scenario.task('n')).toMatchObject({ status: 'retrying', attempt: 1, lastError: { code: 'BUSY' } });
    expect(scenario.effectsOf('armTimer')).toMatchObject([{ timerId: 'n#retry', kind: 'retry', attempt: 1 }]);
    expect(scenario.dispatched).toEqual([]);
    scenario.timer('n#retry');
    expect(scenario.task('n')).toMatchObject({ status: 'scheduled', attempt: 2, lastError: { code: 'BUSY' } });
    expect(scenario.dispatched).toEqual(['n']);
    expect(scenario.completes('n').status).toBe('completed');
  });

  it('says "retrying", apart from "running", with attempt and last error', () => {
    const scenario = new Scenario(nodeOf(task)).fails('n', 'BUSY');
    expect(scenario.status).toBe('running');
    expect(scenario.task('n')).toMatchObject({ status: 'retrying', attempt: 1, lastError: { code: 'BUSY', message: 'BUSY happened' } });
  });

  it('is retried like one that timed out', () => {
    expect(new Scenario(nodeOf(task)).timesOut('n').task('n').status).toBe('retrying');
  });

  it('ends the node when maxAttempts, the first counted, are used up', () => {
    const scenario = new Scenario(n({ maxAttempts: 3 }));
    scenario.fails('n').timer('n#retry').timesOut('n').timer('n#retry').fails('n', 'LAST');
    expect(scenario.task('n')).toMatchObject({ status: 'failed', attempt: 3, error: { code: 'LAST' } });
    expect(scenario.status).toBe('incident');
  });

  it('is the only one with maxAttempts 1', () => {
    expect(new Scenario(n({ maxAttempts: 1 })).fails('n').task('n').status).toBe('failed');
  });

  it('is not repeated for a code that is named as nonRetryable', () => {
    const document = n({ maxAttempts: 5, nonRetryable: ['CARD_REFUSED'] });
    expect(new Scenario(document).fails('n', 'CARD_REFUSED').task('n').status).toBe('failed');
    expect(new Scenario(document).fails('n', 'BUSY').task('n').status).toBe('retrying');
  });

  it('is repeated for a code that is named in `on`, whatever the worker says, unless `nonRetryable` names it too', () => {
    const document = n({ maxAttempts: 2, on: ['HTTP_423', 'GONE'], nonRetryable: ['GONE'] });
    const scenario = new Scenario(document).fails('n', 'HTTP_423', { retryable: false });
    expect(scenario.task('n').status).toBe('retrying');
    expect(scenario.timer('n#retry').fails('n', 'HTTP_423', { retryable: false }).task('n').status).toBe('failed');
    expect(new Scenario(document).fails('n', 'GONE').task('n').status).toBe('failed');
    expect(new Scenario(document).fails('n', 'OTHER', { retryable: false }).task('n').status).toBe('failed');
  });

  it('is not repeated when the worker says that it cannot get better', () => {
    expect(new Scenario(nodeOf(task)).fails('n', 'INPUT_INVALID', { retryable: false }).task('n').status).toBe('failed');
  });

  it('is repeated no sooner than the worker asks for, within a day', () => {
    const asked = new Scenario(nodeOf(task)).fails('n', 'HTTP_429', { retryAfterMs: 120_000 });
    expect(asked.task('n')).toMatchObject({ retryAt: asked.now + 120_000 });
    const absurd = new Scenario(nodeOf(task)).fails('n', 'HTTP_429', { retryAfterMs: 400 * 86_400_000 });
    expect(absurd.task('n')).toMatchObject({ retryAt: absurd.now + 86_400_000 });
  });

  it.each([
    ['fixed', [10, 10, 10]],
    ['linear', [10, 20, 30]],
    ['exponential', [10, 20, 40]],
  ])('comes again by the %s backoff of its node, which begins anew after an incident', (backoff, seconds) => {
    const scenario = new Scenario(n({ maxAttempts: 4, initial: '10s', max: '1h', backoff }));
    const expectDelays = () => {
      for (const each of seconds) {
        const before = scenario.now;
        scenario.fails('n').timer('n#retry');
        // Spread by a quarter.
        expect(Math.abs((scenario.now - before) / (each * 1_000) - 1)).toBeLessThanOrEqual(0.25);
      }
    };
    expectDelays();
    scenario.fails('n').command({ type: 'retry', path: null });
    expect(scenario.task('n')).toMatchObject({ attempt: 5 });
    expectDelays();
  });

  it('that timed out is not repeated where TIMEOUT is named as nonRetryable', () => {
    const document = nodeOf({ ...task, timeout: '1s', queueTimeout: '1m', retry: { maxAttempts: 5, nonRetryable: ['TIMEOUT'] } });
    expect(new Scenario(document).timesOut('n').task('n').status).toBe('timedOut');
    expect(new Scenario(document).timer('n#queueTimeout').task('n').status).toBe('timedOut');
  });

  it('keeps input and basis for all that follow, and with them the idempotency key', () => {
    const scenario = new Scenario(nodeOf({ ...task, input: { x: '${ input.x }' } }), { x: 1 });
    const first = scenario.task('n');
    scenario.fails('n').timer('n#retry');
    expect(scenario.task('n')).toMatchObject({ basis: first.basis, payload: { input: { x: 1 } } });
  });

  it('is retried in one branch while another goes on', () => {
    const scenario = new Scenario(graphOf({ a: task, b: task, j: task }, ['a>j', 'b>j'])).fails('a').completes('b');
    expect(scenario.statuses).toEqual({ a: 'retrying', b: 'completed' });
    expect(scenario.timer('a#retry').completes('a').open).toEqual(['j']);
  });
});

describe('An attempt that a worker without its handler gives back', () => {
  it('comes again under the next number, charged to no budget, with a growing delay, and says so', () => {
    const scenario = new Scenario(n({ maxAttempts: 1 }));
    const delays = [];
    for (let attempt = 1; attempt <= 8; attempt++) {
      expect(scenario.task('n')).toMatchObject({ status: 'scheduled', attempt });
      const at = scenario.now;
      scenario.send(scenario.outcome('n', { status: 'returned' }));
      const returned = scenario.task('n');
      expect(returned).toMatchObject({ status: 'retrying', lastError: { code: 'HANDLER_MISSING' } });
      delays.push('retryAt' in returned ? returned.retryAt - at : 0);
      scenario.timer('n#retry');
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(scenario.completes('n').status).toBe('completed');
  });
});

describe('The delay', () => {
  const policy = (backoff: RetryPolicy['backoff']): RetryPolicy => ({
    backoff,
    jitter: 'spread',
    initialMs: 1_000,
    maxMs: 60_000,
    maxAttempts: 100,
    on: [],
    nonRetryable: [],
  });
  const anyTask = fc.string({ minLength: 1 }).map((text) => text as TaskId);

  it('is fixed, linear or exponential, capped, and within a quarter of that', () => {
    fc.assert(
      fc.property(anyTask, fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 2_000 }), (taskId, failures, attempt) => {
        const expected = { fixed: 1_000, linear: 1_000 * failures, exponential: 1_000 * 2 ** (failures - 1) };
        for (const backoff of ['fixed', 'linear', 'exponential'] as const) {
          const capped = Math.min(expected[backoff], 60_000);
          const delay = retryDelayMs(policy(backoff), failures, taskId, attempt);
          expect(delay).toBeGreaterThanOrEqual(capped * 0.75 - 1);
          expect(delay).toBeLessThanOrEqual(capped * 1.25 + 1);
        }
      }),
    );
  });

  it('is exact without jitter, so that it can be counted on', () => {
    for (const backoff of ['fixed', 'linear', 'exponential'] as const) {
      const exact = { ...policy(backoff), jitter: 'none' as const };
      const delays = [1, 2, 3].map((failures) => retryDelayMs(exact, failures, 'i.n' as TaskId, failures));
      const { initialMs } = exact;
      expect(delays).toEqual({ fixed: [1, 1, 1], linear: [1, 2, 3], exponential: [1, 2, 4] }[backoff].map((factor) => factor * initialMs));
    }
    const scenario = new Scenario(n({ initial: '7s', jitter: 'none' }));
    const before = scenario.now;
    expect(scenario.fails('n').effectsOf('armTimer')).toMatchObject([{ kind: 'retry', dueAt: before + 7_000 }]);
  });

  it('follows from task and attempt, so that whoever decides it agrees', () => {
    const delay = (taskId: string, attempt: number) => retryDelayMs(policy('fixed'), 1, taskId as TaskId, attempt);
    expect(delay('a', 1)).toBe(delay('a', 1));
    expect(new Set(['a', 'b', 'c', 'd', 'e'].map((taskId) => delay(taskId, 1))).size).toBeGreaterThan(1);
    expect(new Set([1, 2, 3, 4, 5].map((attempt) => delay('a', attempt))).size).toBeGreaterThan(1);
  });

  it('after a return grows to a minute, without end', () => {
    expect([0, 1, 2, 6, 7, 1_000].map(returnDelayMs)).toEqual([1_000, 2_000, 4_000, 60_000, 60_000, 60_000]);
  });
});
