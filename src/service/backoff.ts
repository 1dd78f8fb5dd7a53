/**
 * Retrying for ever: work that needs a broker, a database or the registry is repeated with a growing, jittered delay
 * while that system is unavailable, until it succeeds or the process is told to end. Never for an invalid message.
 */
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { MillraceError } from '../core/error.ts';
import type { Logger } from './logging.ts';

export function isRetryable(error: unknown): boolean {
  return error instanceof MillraceError && error.retryable;
}

export type BackoffOptions = {
  /** Default 100. */
  readonly initialMs?: number;
  /** Longest delay between two attempts; default 5 000, so that a recovered system is noticed soon. */
  readonly maxMs?: number;
};

/** Runs `work` until it succeeds. `what` completes "Could not …" in the log. */
export type RetryPolicy = <Value>(what: string, work: () => Promise<Value>) => Promise<Value>;

/**
 * @param retryable true for an error that is expected to pass; any other error is thrown at once.
 * @param signal ends the retrying: the promise rejects with the signal's reason, without waiting for the delay to end.
 */
export function retryForever(
  retryable: (error: unknown) => boolean,
  signal: AbortSignal,
  log: Logger,
  { initialMs = 100, maxMs = 5_000 }: BackoffOptions = {},
): RetryPolicy {
  return async (what, work) => {
    const policy = retry(
      handleWhen((error) => !signal.aborted && retryable(error)),
      { maxAttempts: Number.POSITIVE_INFINITY, backoff: new ExponentialBackoff({ initialDelay: initialMs, maxDelay: maxMs }) },
      // The rest of a delay must not keep a process running that was told to end.
    ).dangerouslyUnref();
    policy.onRetry((failure) => {
      const err = 'error' in failure ? failure.error : undefined;
      log.warn({ err, attempt: failure.attempt, retryInMs: Math.round(failure.delay) }, `Could not ${what}; trying again`);
    });
    return await untilAborted(signal, () =>
      policy.execute(async () => {
        signal.throwIfAborted();
        return await work();
      }, signal),
    );
  };
}

/** cockatiel does not interrupt the delay between two attempts, so the promise is rejected beside it. */
async function untilAborted<Value>(signal: AbortSignal, start: () => Promise<Value>): Promise<Value> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  // The timer of a delay is unreferenced. Without this one Node would end a process that does nothing but wait for a retry.
  const alive = setInterval(() => undefined, 60_000);
  try {
    return await Promise.race([start(), aborted.promise]);
  } finally {
    clearInterval(alive);
    signal.removeEventListener('abort', onAbort);
  }
}
