/** How an attempt ended, before it becomes a record, with limits on what an error may hold. */
import type { AttemptResult } from '../messaging/records/task-outcome.ts';
import { redactText } from '../service/redact-text.ts';

export type { AttemptResult };

export type FailedAttempt = Extract<AttemptResult, { readonly status: 'failed' | 'timedOut' }>;

/** Characters of an error's message. */
export const errorMessageLengthMax = 500;
const RETRY_AFTER_MS_MAX = 24 * 3_600_000;

/** A failure that is not retried: another attempt would fail too. */
export function failed(code: string, message: string): FailedAttempt {
  return { status: 'failed', code: cleanCode(code), message: cleanMessage(message), retryable: false, retryAfterMs: null };
}

/** @param retryAfterMs earliest next attempt in ms from now; null leaves it to the node's backoff. */
export function failedForNow(code: string, message: string, retryAfterMs: number | null = null): FailedAttempt {
  const capped = retryAfterMs === null || !(retryAfterMs >= 0) ? null : Math.round(Math.min(retryAfterMs, RETRY_AFTER_MS_MAX));
  return { status: 'failed', code: cleanCode(code), message: cleanMessage(message), retryable: true, retryAfterMs: capped };
}

export function timedOut(timeoutMs: number): FailedAttempt {
  return {
    status: 'timedOut',
    code: 'TIMEOUT',
    message: `The attempt took longer than ${timeoutMs} ms.`,
    retryable: true,
    retryAfterMs: null,
  };
}

/** Codes are compared by edges and shown in lists: short, one word. */
function cleanCode(code: string): string {
  const clean = code.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64);
  return clean === '' ? 'ERROR' : clean;
}

function cleanMessage(message: string): string {
  return redactText(message.slice(0, 4 * errorMessageLengthMax).replaceAll('\u0000', '')).slice(0, errorMessageLengthMax);
}
