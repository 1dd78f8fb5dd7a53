/**
 * Waiting out faults: whatever needs a broker, a database or the registry that is away tries again for ever, with a
 * growing, jittered delay, until it works or the process is told to end. Never for a poison message: that is no fault.
 */
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { MillraceError } from '../core/error.ts';
import type { Logger } from './logging.ts';

export function isRetryableFault(error: unknown): boolean {
  return error instanceof MillraceError && error.retryable;
}

export type BackoffOptions = {
  /** Default 100. */
  readonly initialMs?: number;
  /** Longest pause between two tries; default 5 000, so that healing is noticed soon. */
  readonly maxMs?: number;
};

/** Runs `work` until it gives a value. `what` completes "Could not …" in the log. */
export type Persistently = <Value>(what: string, work: () => Promise<Value>) => Promise<Value>;

/**
 * @param retryable tells a fault that will pass from anything else, which is thrown at once.
 * @param signal ends the trying: the promise rejects with the signal's reason, without waiting out the delay.
 */
export function retryForever(
  retryable: (error: unknown) => boolean,
  signal: AbortSignal,
  log: Logger,
  { initialMs = 100, maxMs = 5_000 }: BackoffOptions = {},
): Persistently {
  return async (what, work) => {
    const policy = retry(
      handleWhen((error) => !signal.aborted && retryable(error)),
      { maxAttempts: Number.POSITIVE_INFINITY, backoff: new ExponentialBackoff({ initialDelay: initialMs, maxDelay: maxMs }) },
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

/** The delay between two tries cannot be broken off, so the signal overtakes it. */
async function untilAborted<Value>(signal: AbortSignal, start: () => Promise<Value>): Promise<Value> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([start(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
