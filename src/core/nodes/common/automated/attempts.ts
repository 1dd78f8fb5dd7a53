/** How an attempt of an automated task ends: completed, tried again while its budget lasts, or failed for good. */
import { assertNever, invariant } from '../../../assert.ts';
import type { HttpNode, TaskNode } from '../../../definition/types.ts';
import { taskIdOf } from '../../../ids.ts';
import { retryDelayMs, returnDelayMs } from '../../../instance/attempts/retry-delay.ts';
import type { TaskOutcome } from '../../../instance/decide/notification.ts';
import { taskCompleted, taskFailed } from '../../../instance/history/event-builders.ts';
import { awaitedAt, nodeOf, taskAt } from '../../../instance/state/scopes.ts';
import type { AwaitedWork, OpenTask, TaskError } from '../../../instance/state/state.ts';
import { accepted, type NewEvent, rejected, type Verdict, type View } from '../../../instance/view.ts';
import type { Json } from '../../../json.ts';
import { misfitOf } from '../schemas.ts';

/** Longest delay that a worker, or the server it talked to, can ask for. */
const RETRY_AFTER_MS_MAX = 24 * 3_600_000;

type ScheduledTask = OpenTask & { readonly status: 'scheduled' };
type Failure = {
  readonly status: 'failed' | 'timedOut';
  readonly error: TaskError;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
};

/** A worker reports how an attempt ended. Rejected unless path, attempt and basis are those of the open task. */
export function decideOutcome(view: View, { path, attempt, basis, result }: TaskOutcome): Verdict {
  const task = taskAt(view.state, path);
  if (task?.status !== 'scheduled' || task.attempt !== attempt || task.basis !== basis) {
    const entry = awaitedAt(view.state, path, attempt);
    if (entry?.basis === basis) return accepted(endAwaited(entry, result));
    return rejected('MR_OUTCOME_STALE', `Attempt ${attempt} of ${path} is not the one that is open.`);
  }
  switch (result.status) {
    case 'completed':
      return accepted(completeAttempt(view, task, result.output));
    case 'failed':
    case 'timedOut':
      return accepted(endAttempt(view, task, result));
    case 'returned':
      return accepted({ type: 'AttemptReturned', path, attempt, retryAt: view.now + returnDelayMs(task.returns) });
    default:
      return assertNever(result);
  }
}

/** An output that does not fit the schema of the node would not fit after another attempt either. */
function completeAttempt(view: View, task: ScheduledTask, output: Json): NewEvent {
  const node = nodeOf(view.definition, task.nodeId);
  const error = node.type === 'task' || node.type === 'http' ? misfitOf('OUTPUT_INVALID', node.outputSchema, output) : null;
  if (error === null) return taskCompleted(task, output);
  return endAttempt(view, task, { status: 'failed', error, retryable: false, retryAfterMs: null });
}

/** The node was cancelled, so there is no further attempt. */
function endAwaited({ path, nodeId, attempt, type: kind, openedAt }: AwaitedWork, result: TaskOutcome['result']): NewEvent {
  const output = result.status === 'completed' ? result.output : null;
  const error = 'error' in result ? result.error : null;
  return { type: 'AwaitedTaskEnded', path, nodeId, attempt, kind, openedAt, status: result.status, output, error };
}

/** The next attempt's time has come. */
export function startAttempt(task: OpenTask): NewEvent {
  return { type: 'AttemptStarted', path: task.path, attempt: task.attempt + 1 };
}

/** No outcome came while the task stood in its queue or ran. */
export function timeOutInQueue(view: View, task: OpenTask): NewEvent {
  invariant(task.status === 'scheduled', 'a queue timeout ends with its attempt');
  const error = { code: 'TIMEOUT', message: 'No outcome came within the queue timeout.' };
  return endAttempt(view, task, { status: 'timedOut', error, retryable: true, retryAfterMs: null });
}

function endAttempt(view: View, task: ScheduledTask, { status, error, retryable, retryAfterMs }: Failure): NewEvent {
  const node = nodeOf(view.definition, task.nodeId);
  invariant(node.type === 'task' || node.type === 'http', 'only automated tasks have attempts');
  if (!mayRetry(node, task.failures + 1, error, retryable)) return taskFailed(task, status, error);
  const { path, attempt } = task;
  const asked = Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX);
  const delayMs = Math.max(asked, retryDelayMs(node.retry, task.failures + 1, taskIdOf(view.state.instanceId, path), attempt));
  return { type: 'AttemptFailed', path, attempt, status, error, retryAt: view.now + delayMs };
}

/** The author's lists of codes win over what the worker says of the failure. */
function mayRetry({ retry }: TaskNode | HttpNode, failures: number, { code }: TaskError, retryable: boolean): boolean {
  return failures < retry.maxAttempts && !retry.nonRetryable.includes(code) && (retryable || retry.on.includes(code));
}
