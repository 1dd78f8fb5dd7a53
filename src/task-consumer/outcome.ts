/** The result of an attempt becomes the record that the orchestrator reads. */

import { assertNever } from '../core/assert.ts';
import type { TaskOutcome } from '../messaging/generated/records.ts';
import { type AttemptResult, failed } from './attempt-result.ts';
import type { ScheduledTask } from './task.ts';

export type RanAttempt = { readonly task: ScheduledTask; readonly startedAt: number; readonly finishedAt: number; readonly worker: string };

export function toOutcome({ task, startedAt, finishedAt, worker }: RanAttempt, result: AttemptResult): TaskOutcome {
  const { taskId, instanceId, attempt, basis } = task;
  const ran = { taskId, instanceId, attempt, basis, worker, startedAt, finishedAt };
  const none = { output: null, errorCode: null, errorMessage: null, retryable: null, retryAfterMs: null };
  switch (result.status) {
    case 'completed':
      return { ...ran, ...none, status: 'completed', output: result.output };
    case 'failed':
    case 'timedOut': {
      const { status, code, message, retryable, retryAfterMs } = result;
      return { ...ran, status, output: null, errorCode: code, errorMessage: message, retryable, retryAfterMs };
    }
    case 'returned':
      return { ...ran, ...none, status: 'returned' };
    default:
      return assertNever(result);
  }
}

/** An output above the limit would be refused by a topic or a database later: the task fails instead, for good. */
export function limitOutput(result: AttemptResult, maxBytes: number): AttemptResult {
  if (result.status !== 'completed' || result.output.length * 3 <= maxBytes) return result;
  const bytes = Buffer.byteLength(result.output);
  if (bytes <= maxBytes) return result;
  return failed(
    'OUTPUT_TOO_LARGE',
    `The output has ${bytes} bytes, where ${maxBytes} are the limit. Keep it elsewhere and give a reference to it.`,
  );
}
