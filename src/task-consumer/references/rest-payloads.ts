/** Inputs and outputs that are too large for a record, from and to the REST API. */
import { handleWhenResult, IterableBackoff, retry } from 'cockatiel';
import { MillraceError } from '../../core/error.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { visibleAfterMs as defaultVisibleAfterMs } from '../../messaging/visible-after.ts';
import { isRetryable, retryForever } from '../../service/backoff.ts';
import type { Logger } from '../../service/logging.ts';
import { type FailedAttempt, failed, failedForNow } from '../attempt-result.ts';
import type { ScheduledTask } from '../task.ts';
import type { TaskPayloads } from './task-payloads.ts';

export type RestPayloadsOptions = {
  /** Where the API is. */
  readonly url: string;
  /** Of the role `worker`. */
  readonly apiKey: string;
  readonly log: Logger;
  /** Default: as for other systems that are away. */
  readonly backoff?: { readonly initialMs: number; readonly maxMs: number };
  /** How long an attempt that is not there is asked for again, in ms; default about 5 s. */
  readonly visibleAfterMs?: readonly number[];
};

/** Of one request, with its body. */
const REQUEST_MS_MAX = 60_000;
const FORBIDDEN: ReadonlySet<number> = new Set([401, 403]);
const MISSING: ReadonlySet<number> = new Set([404, 409]);
/** The API is busy, ends, or lacks something that it needs. */
const isForNow = (status: number): boolean => status >= 500 || status === 429 || status === 408;

type Answer = { readonly status: number; readonly body: string };

export function createRestPayloads(options: RestPayloadsOptions): TaskPayloads {
  const { url, apiKey, log, backoff, visibleAfterMs = defaultVisibleAfterMs } = options;
  const address = (task: ScheduledTask, what: 'input' | 'output', query: Readonly<Record<string, string>>): string =>
    `${url.replace(/\/+$/, '')}/v1/tasks/${encodeURIComponent(task.taskId)}/${what}?${new URLSearchParams(query)}`;

  async function ask(what: string, to: string, init: RequestInit, signal: AbortSignal): Promise<Answer> {
    const again = retryForever(isRetryable, signal, log, backoff);
    const untilVisible = retry(
      handleWhenResult((answer) => MISSING.has((answer as Answer).status)),
      { maxAttempts: visibleAfterMs.length, backoff: new IterableBackoff([...visibleAfterMs]) },
    );
    return await again(what, () => untilVisible.execute(() => send(to, { ...init, headers: headersOf(apiKey, init) }, signal)));
  }

  return {
    async input(task, signal) {
      const to = address(task, 'input', { attempt: String(task.attempt) });
      const answer = await ask('get the input of a task', to, { method: 'GET' }, signal);
      return answer.status === 200 ? ok(answer.body) : err(failureOf(answer));
    },
    async keep(task, output, { sha256 }, signal): Promise<Result<null, FailedAttempt>> {
      const to = address(task, 'output', { attempt: String(task.attempt), basis: task.basis, sha256 });
      const answer = await ask('leave the output of a task', to, { method: 'PUT', body: output }, signal);
      return answer.status === 204 ? ok(null) : err(failureOf(answer));
    },
  };
}

function headersOf(apiKey: string, { body }: RequestInit): Record<string, string> {
  return { authorization: `Bearer ${apiKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
}

async function send(to: string, init: RequestInit, signal: AbortSignal): Promise<Answer> {
  const answer = await fetchText(to, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS_MAX)]) }).catch(
    (cause: unknown) => {
      signal.throwIfAborted();
      throw new MillraceError('MR_API_UNAVAILABLE', `The API at ${new URL(to).origin} cannot be reached.`, { retryable: true, cause });
    },
  );
  if (!isForNow(answer.status)) return answer;
  throw new MillraceError('MR_API_UNAVAILABLE', `The API answered ${answer.status}: ${detailOf(answer)}`, { retryable: true });
}

async function fetchText(to: string, init: RequestInit): Promise<Answer> {
  // A redirect would send the data to another server.
  const response = await fetch(to, { ...init, redirect: 'manual' });
  return { status: response.status, body: await response.text() };
}

function failureOf(answer: Answer): FailedAttempt {
  const { status } = answer;
  if (FORBIDDEN.has(status)) {
    const remedy = 'MILLRACE_WORKER_API_KEY must be a key of the role worker.';
    return failedForNow('WORKER_KEY_REFUSED', `The API refuses the key of this worker: ${detailOf(answer)} ${remedy}`);
  }
  if (MISSING.has(status)) return failedForNow('ATTEMPT_NOT_OPEN', `The API does not know the attempt as open: ${detailOf(answer)}`);
  if (status >= 300 && status < 400)
    return failedForNow('PAYLOAD_REFUSED', `The API answered ${status}, a redirect. MILLRACE_URL must be the address of the API itself.`);
  if (status === 413) return failed('OUTPUT_TOO_LARGE', `The API does not take the output: ${detailOf(answer)}`);
  return failedForNow('PAYLOAD_REFUSED', `The API answered ${status}: ${detailOf(answer)}`);
}

/** Of a problem. Whatever else stands behind the address may answer anything. */
function detailOf({ body }: Answer): string {
  try {
    const { detail } = JSON.parse(body) as { readonly detail?: unknown };
    return typeof detail === 'string' ? detail : 'it gave no reason.';
  } catch {
    return 'it gave no reason.';
  }
}
