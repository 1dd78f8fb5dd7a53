/** When the next attempt starts. Deterministic, so that a replay and a second orchestrator agree. */
import type { RetryPolicy } from '../../definition/types.ts';
import { sha256Hex } from '../../hash.ts';
import type { TaskId } from '../../ids.ts';

/** First and longest delay, in ms, after a worker returned a task because it lacks the handler. */
const RETURN_DELAY_MS_MIN = 1_000;
const RETURN_DELAY_MS_MAX = 60_000;
const MAX_DELAY_MS = 365 * 24 * 3_600_000;

/**
 * Delay before the attempt that follows failure number `failures` (counted from 1), in ms: the policy's backoff capped at
 * its `maxMs`, then spread by ±25 % so that tasks that failed together do not come back together. With `jitter: "none"` it is exact.
 */
export function retryDelayMs(policy: RetryPolicy, failures: number, taskId: TaskId, attempt: number): number {
  const capped = Math.min(backoffMs(policy, failures), policy.maxMs);
  if (policy.jitter === 'none') return Math.round(capped);
  return Math.round(capped * (0.75 + 0.5 * fractionOf(taskId, attempt)));
}

function backoffMs(policy: RetryPolicy, failures: number): number {
  switch (policy.backoff) {
    case 'fixed':
      return policy.initialMs;
    case 'linear':
      return policy.initialMs * failures;
    case 'exponential':
      return Math.min(policy.initialMs * 2 ** (failures - 1), MAX_DELAY_MS);
  }
}

/** @param returns how often the task was returned before, from 0. */
export function returnDelayMs(returns: number): number {
  return Math.min(RETURN_DELAY_MS_MIN * 2 ** Math.min(returns, 16), RETURN_DELAY_MS_MAX);
}

/** A number in [0, 1) that depends on task and attempt only. */
function fractionOf(taskId: TaskId, attempt: number): number {
  return Number.parseInt(sha256Hex(`${taskId}#${attempt}`).slice(0, 8), 16) / 2 ** 32;
}
