/** A worker reports how an attempt ended. Rejected unless path, attempt and basis are those of the open task. */

import { invariant } from '../assert.ts';
import type { HttpNode, TaskNode } from '../definition/types.ts';
import { taskIdOf } from '../ids.ts';
import type { TaskOutcome } from './notification.ts';
import type { Rejection } from './rejection.ts';
import { retryDelayMs, returnDelayMs } from './retry.ts';
import type { Run } from './run.ts';
import type { OpenTask, TaskError } from './state.ts';

/** Longest delay that a worker, or the server it talked to, can ask for. */
const RETRY_AFTER_MS_MAX = 24 * 3_600_000;

type ScheduledTask = OpenTask & { readonly status: 'scheduled' };

export function decideOutcome(run: Run, outcome: TaskOutcome): Rejection | null {
  const task = run.task(outcome.path);
  if (task?.status !== 'scheduled' || task.attempt !== outcome.attempt || task.basis !== outcome.basis) {
    return { code: 'MR_OUTCOME_STALE', reason: `Attempt ${outcome.attempt} of ${outcome.path} is not the one that is open.` };
  }
  const { path, nodeId, attempt, basis, type: kind } = task;
  const { result } = outcome;
  switch (result.status) {
    case 'completed':
      run.emit({ type: 'TaskCompleted', path, nodeId, attempt, basis, kind, output: result.output, by: null, commandId: null });
      run.later({ leave: path });
      return null;
    case 'failed':
    case 'timedOut':
      failAttempt(run, task, result.status, result.error, result.retryable, result.retryAfterMs);
      return null;
    case 'returned':
      run.emit({ type: 'AttemptReturned', path, attempt, retryAt: run.now + returnDelayMs(task.returns) });
      return null;
  }
}

/** Another attempt while the budget lasts, otherwise the node has failed. */
export function failAttempt(
  run: Run,
  task: ScheduledTask,
  status: 'failed' | 'timedOut',
  error: TaskError,
  retryable: boolean,
  retryAfterMs: number | null,
): void {
  const node = run.node(task.nodeId);
  invariant(node.type === 'task' || node.type === 'http', 'only automated tasks have attempts');
  const { path, nodeId, attempt, basis, type: kind } = task;
  if (retryable && mayRetry(node, task.failures + 1, error)) {
    const asked = Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX);
    const delayMs = Math.max(asked, retryDelayMs(node.retry, task.failures + 1, taskIdOf(run.state.instanceId, path), attempt));
    run.emit({ type: 'AttemptFailed', path, attempt, status, error, retryAt: run.now + delayMs });
    return;
  }
  run.emit({ type: 'TaskFailed', path, nodeId, attempt, basis, kind, status, error, by: null, commandId: null });
  run.later({ leave: path });
}

function mayRetry(node: TaskNode | HttpNode, failures: number, error: TaskError): boolean {
  return failures < node.retry.maxAttempts && !node.retry.nonRetryable.includes(error.code);
}
