/** The record TaskOutcome: how an attempt ended, from a worker to the orchestrator. */
import { assertNever } from '../../core/assert.ts';
import type { Basis, InstanceId } from '../../core/ids.ts';
import type { DecidedAttempt, TaskOutcome } from '../../core/instance/decide/notification.ts';
import { errorDetailsBytesMax } from '../../core/instance/state/state.ts';
import { isStorable, type Json } from '../../core/json.ts';
import { isReference, type PayloadReference } from '../../core/payload-reference.ts';
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
  /** Completed, and the output was given to the API, since it is too large for a record. */
  | { readonly status: 'kept'; readonly reference: PayloadReference }
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
  const ran = { taskId, instanceId, attempt, basis, worker, startedAt, finishedAt, continuing, outputReference: null };
  const none = { output: null, errorCode: null, errorMessage: null, retryable: null, retryAfterMs: null, errorDetails: null };
  switch (result.status) {
    case 'completed':
      return { ...ran, ...none, status: 'completed', output: result.output };
    case 'kept':
      // Empty is no JSON: who does not know references does not take it for an output.
      return { ...ran, ...none, status: 'completed', output: '', outputReference: result.reference };
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

/** An outcome whose output has to be read by its reference before it can be applied. */
export type ReferringOutcome = Omit<TaskOutcome, 'result' | 'continuing'> & { readonly reference: PayloadReference };

export function isReferring(outcome: TaskOutcome | ReferringOutcome): outcome is ReferringOutcome {
  return 'reference' in outcome;
}

/** @param output JSON; undefined: there is none that the reference names. */
export function withOutput({ reference: _, ...outcome }: ReferringOutcome, output: string | undefined): TaskOutcome {
  return {
    ...outcome,
    result: output === undefined ? outputMissing : (resultOfOutput(output) ?? outputInvalid('The output is not JSON.')),
  };
}

type Result = TaskOutcome['result'];

/** Another attempt gives it anew. */
const outputMissing: Result = {
  status: 'failed',
  error: { code: 'OUTPUT_MISSING', message: 'The output is too large for a record, and what the outcome names is not in the database.' },
  retryable: true,
  retryAfterMs: null,
};

function outputInvalid(message: string): Result {
  return { status: 'failed', error: { code: 'OUTPUT_INVALID', message }, retryable: false, retryAfterMs: null };
}

/** null: it is no JSON at all. */
function resultOfOutput(output: string): Result | null {
  const parsed = parseJsonStrict(output);
  if (parsed.ok) return { status: 'completed', output: parsed.value };
  // Workers of Millrace check their outputs; an invalid output of another client fails the task instead of losing it.
  return parsed.reason === 'syntax' ? null : outputInvalid(`The output cannot be stored (at ${parsed.pointer || '/'}): ${parsed.message}`);
}

export function readOutcomeRecord(value: records.TaskOutcome, instanceId: InstanceId): TaskOutcome | ReferringOutcome | InvalidMessage {
  const path = pathIn(value.taskId, instanceId);
  if (path === null) return invalid('taskId and instanceId do not belong together');
  const attempt = { type: 'TaskOutcome', path, attempt: value.attempt, basis: value.basis as Basis } as const;
  if (value.status === 'completed' && value.outputReference !== null) {
    const { bytes, sha256 } = value.outputReference;
    return isReference({ bytes, sha256 })
      ? { ...attempt, reference: { bytes, sha256 } }
      : invalid('the output has a reference that names nothing');
  }
  const result = resultOf(value);
  if ('code' in result) return result;
  const continuing = continuingOf(value, instanceId);
  const outcome = { ...attempt, result };
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
    case 'completed':
      if (output === null) return { status, output: null };
      return resultOfOutput(output) ?? invalid('the output is not JSON');
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
