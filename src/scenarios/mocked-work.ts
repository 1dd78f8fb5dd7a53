/** The outcome of an attempt, by the mocks of the scenario. */
import { parseDuration } from '../core/duration.ts';
import type { ChildResult } from '../core/instance/children/messages.ts';
import type { TaskOutcome } from '../core/instance/decide/notification.ts';
import type { TaskState } from '../core/instance/state/state.ts';
import type { JsonObject } from '../core/json.ts';
import { isForLater } from '../core/nodes/http/answer-rules.ts';
import { own } from '../core/record.ts';
import type { Mocks, Outcome } from './format.ts';

export type ScheduledTask = TaskState & { readonly status: 'scheduled' };
export type MockedEnd = { readonly afterMs: number; readonly result: ChildResult };
export type MockedOutcome = { readonly afterMs: number; readonly result: TaskOutcome['result'] };

/** @returns null when the mock says that no outcome comes; undefined when there is no mock for the task. */
export function mockedOutcome(mocks: Mocks, task: ScheduledTask): MockedOutcome | null | undefined {
  const mock = mockOf(mocks, task);
  if (mock === undefined) return undefined;
  if (mock.never === true) return null;
  const afterMs = mock.after === undefined ? 0 : msOf(mock.after);
  if (mock.timesOut === true) {
    const error = { code: 'TIMEOUT', message: `The attempt took longer than ${task.payload.timeoutMs} ms.` };
    return { afterMs: task.payload.timeoutMs, result: { status: 'timedOut', error, retryable: true, retryAfterMs: null } };
  }
  return { afterMs, result: resultOf(mock, task) };
}

/** What the child of a task comes to. @returns as `mockedOutcome` does. */
export function mockedEnd(mocks: Mocks, task: Pick<TaskState, 'path' | 'nodeId' | 'attempt'>): MockedEnd | null | undefined {
  const mock = mockOf(mocks, task);
  if (mock === undefined) return undefined;
  if (mock.never === true) return null;
  const afterMs = mock.after === undefined ? 0 : msOf(mock.after);
  if (mock.fails === undefined) return { afterMs, result: { status: 'completed', output: mock.output ?? null } };
  const { code, message = `${code} happened.` } = mock.fails;
  return { afterMs, result: { status: 'failed', error: { code, message } } };
}

function mockOf(mocks: Mocks, { path, nodeId, attempt }: Pick<TaskState, 'path' | 'nodeId' | 'attempt'>): Outcome | undefined {
  const outcomes = own(mocks, path) ?? own(mocks, nodeId);
  return outcomes?.[attempt - 1] ?? outcomes?.at(-1);
}

function resultOf({ output, answers, fails }: Outcome, task: ScheduledTask): TaskOutcome['result'] {
  if (answers !== undefined) return answerOf(answers, task);
  if (fails === undefined) return { status: 'completed', output: output ?? null };
  const { code, message = `${code} happened.`, details, retryable = true, retryAfter } = fails;
  return {
    status: 'failed',
    error: { code, message, ...(details === undefined ? {} : { details }) },
    retryable,
    retryAfterMs: retryAfter === undefined ? null : msOf(retryAfter),
  };
}

/** The result as the built-in worker makes it of a response. */
function answerOf({ status, headers = {}, body = null }: NonNullable<Outcome['answers']>, task: ScheduledTask): TaskOutcome['result'] {
  if (status >= 200 && status <= 299) return { status: 'completed', output: { status, headers, body } };
  const retryAfter = own(headers, 'retry-after');
  const shown: JsonObject = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  return {
    status: 'failed',
    error: { code: `HTTP_${status}`, message: `The server answered ${status}.`, details: { status, headers: shown, body } },
    retryable: isForLater(status, retryAfter !== undefined) || (status === 409 && task.attempt > 1),
    retryAfterMs: retryAfter !== undefined && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : null,
  };
}

/** The durations of a file were checked when it was read. */
function msOf(duration: string): number {
  return parseDuration(duration) ?? 0;
}
