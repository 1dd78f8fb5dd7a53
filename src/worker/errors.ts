/**
 * What a handler throws to say what should happen next. Anything else that it throws is retried under the error's `code`
 * where that is a string (`ECONNREFUSED`), else under its name.
 * Told apart by a registered symbol: a handler's module may carry another copy of this package than the worker.
 */

const kind = Symbol.for('millrace.taskError');

type Kind = 'terminal' | 'retryable';

/** The attempt failed for good: no further attempt, whatever the node's `retry` says. */
export class TerminalError extends Error {
  override readonly name: string = 'TerminalError';
  readonly [kind]: Kind = 'terminal';
  readonly code: string;

  /** @param code what `error` of an edge and `nonRetryable` compare with, e.g. `CARD_DECLINED`: letters, digits and `_.-`, at most 64. */
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The attempt failed and may succeed later: the node's `retry` decides. */
export class RetryableError extends Error {
  override readonly name: string = 'RetryableError';
  readonly [kind]: Kind = 'retryable';
  readonly code: string;
  /** The next attempt begins no earlier than so many ms from now; null leaves it to the node's backoff. */
  readonly retryAfterMs: number | null;

  constructor(code: string, message: string, options: ErrorOptions & { readonly retryAfterMs?: number } = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

export function isTerminalError(error: unknown): error is TerminalError {
  return kindOf(error) === 'terminal';
}

export function isRetryableError(error: unknown): error is RetryableError {
  return kindOf(error) === 'retryable';
}

function kindOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && kind in error ? error[kind] : undefined;
}
