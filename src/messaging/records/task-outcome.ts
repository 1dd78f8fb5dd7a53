/** The record TaskOutcome: how an attempt ended, from a worker to the orchestrator. */
import { assertNever } from '../../core/assert.ts';
import type { Basis, InstanceId } from '../../core/ids.ts';
import type { DecidedAttempt, TaskOutcome } from '../../core/instance/decide/notification.ts';
import { errorDetailsBytesMax } from '../../core/instance/state/state.ts';
import { isStorable, type Json } from '../../core/json.ts';
import { parseJsonStrict } from '../../core/strict-json.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type * as records from '../generated/records.ts';
import { invalid, pathIn } from './invalid.ts';
import type { ScheduledTask } from './task-scheduled.ts';

/** An attempt that was run, when and by whom. */
export type RanAttempt = { readonly task: ScheduledTask; readonly startedAt: number; readonly finishedAt: number; readonly worker: string };

/** How it ended. `output` is JSON already: a worker has written it once to know its size. */
export type AttemptResult =
  | { readonly status: 'completed'; readonly output: string }
  | {
      readonly status: 'failed' | 'timedOut';
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
      readonly retryAfterMs: number | null;
      /** Response of the called service; absent: there was none. */
      readonly details?: Json;
    }
  /** This worker has no handler for the task: the task is returned, and no retry is counted. */
  | { readonly status: 'returned' };

/** @param next what the worker goes on with by itself; null: nothing. */
export function toOutcomeRecord(
  { task, startedAt, finishedAt, worker }: RanAttempt,
  result: AttemptResult,
  next: ScheduledTask | null = null,
): records.TaskOutcome {
  const { taskId, instanceId, attempt, basis } = task;
  const continuing = next === null ? null : { taskId: next.taskId, attempt: next.attempt, basis: next.basis };
  const ran = { taskId, instanceId, attempt, basis, worker, startedAt, finishedAt, continuing };
  const none = { output: null, errorCode: null, errorMessage: null, retryable: null, retryAfterMs: null, errorDetails: null };
  switch (result.status) {
    case 'completed':
      return { ...ran, ...none, status: 'completed', output: result.output };
    case 'failed':
    case 'timedOut': {
      const { status, code, message, retryable, retryAfterMs, details } = result;
      const errorDetails = details === undefined ? null : JSON.stringify(details);
      return { ...ran, status, output: null, errorCode: code, errorMessage: message, retryable, retryAfterMs, errorDetails };
    }
    case 'returned':
      return { ...ran, ...none, status: 'returned' };
    default:
      return assertNever(result);
  }
}

export function readOutcomeRecord(value: records.TaskOutcome, instanceId: InstanceId): TaskOutcome | InvalidMessage {
  const path = pathIn(value.taskId, instanceId);
  if (path === null) return invalid('taskId and instanceId do not belong together');
  const result = resultOf(value);
  if ('code' in result) return result;
  const continuing = continuingOf(value, instanceId);
  const outcome = { type: 'TaskOutcome', path, attempt: value.attempt, basis: value.basis as Basis, result } as const;
  return continuing === null ? outcome : { ...outcome, continuing };
}

/** One that cannot be read is no reason to refuse the outcome: the next task is dispatched as ever. */
function continuingOf({ continuing }: records.TaskOutcome, instanceId: InstanceId): DecidedAttempt | null {
  const path = continuing === null ? null : pathIn(continuing.taskId, instanceId);
  if (continuing === null || path === null) return null;
  return { path, attempt: continuing.attempt, basis: continuing.basis as Basis };
}

function resultOf({
  status,
  output,
  errorCode,
  errorMessage,
  retryable,
  retryAfterMs,
  errorDetails,
}: records.TaskOutcome): TaskOutcome['result'] | InvalidMessage {
  switch (status) {
    case 'completed': {
      if (output === null) return { status, output: null };
      const parsed = parseJsonStrict(output);
      if (parsed.ok) return { status, output: parsed.value };
      if (parsed.reason === 'syntax') return invalid('the output is not JSON');
      // Workers of Millrace check their outputs; an invalid output of another client fails the task instead of losing it.
      const message = `The output cannot be stored (at ${parsed.pointer || '/'}): ${parsed.message}`;
      return { status: 'failed', error: { code: 'OUTPUT_INVALID', message }, retryable: false, retryAfterMs: null };
    }
    case 'failed':
    case 'timedOut': {
      if (errorCode === null) return invalid('a failure without an error code');
      const wait = retryAfterMs === null || retryAfterMs <= 0 ? null : retryAfterMs;
      const error = { code: cut(errorCode, 100), message: cut(errorMessage ?? '', 2_000), ...detailsOf(errorDetails) };
      return { status, error, retryable: retryable ?? true, retryAfterMs: wait };
    }
    case 'returned':
      return { status };
    default:
      return invalid('this version does not know the status');
  }
}

/** Our own workers say less. The states of instances hold it, and every list that shows the task. */
function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax).toWellFormed()}…`;
}

/** Details only explain: details of another client that are too long or not storable are left out, and the outcome counts. */
function detailsOf(text: string | null): { readonly details?: Json } {
  if (text === null || Buffer.byteLength(text) > errorDetailsBytesMax) return {};
  const parsed = parseJsonStrict(text);
  return parsed.ok && isStorableJson(parsed.value) ? { details: parsed.value } : {};
}

/** In JSON text half surrogate pairs and NUL are escapes, so the strings themselves are checked. */
function isStorableJson(value: Json): boolean {
  if (typeof value === 'string') return isStorable(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value as { readonly [key: string]: Json }).every(([key, member]) => isStorable(key) && isStorableJson(member));
}
