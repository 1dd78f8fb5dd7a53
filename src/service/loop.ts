/** Work that is repeated until the process ends. If a round fails, the error is logged and the round is repeated after a delay. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isRetryable, retryForever } from './backoff.ts';
import type { Logger } from './logging.ts';

export type LoopOptions = {
  /** Completes "Could not …" in the log. */
  readonly what: string;
  /** Does one round. @returns ms to wait before the next round. */
  readonly round: () => Promise<number>;
  /** Ends the loop; the current round is not interrupted. */
  readonly signal: AbortSignal;
  readonly log: Logger;
};

export type Loop = {
  /** Resolves when the last round has ended, which may be some time after the signal. */
  readonly ended: Promise<void>;
};

export function startLoop(options: LoopOptions): Loop {
  return { ended: run(options) };
}

async function run({ what, round, signal, log }: LoopOptions): Promise<void> {
  const retry = retryForever(
    (error) => {
      if (!isRetryable(error)) log.error({ err: error }, `Could not ${what}; the error does not pass by itself`);
      return true;
    },
    signal,
    log,
  );
  let current: Promise<number> = Promise.resolve(0);
  try {
    while (!signal.aborted) {
      const pauseMs = await retry(what, () => {
        current = round();
        return current;
      });
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal, ref: false });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    // The signal does not wait for the current round, but what the round uses must be closed only after it.
    await Promise.allSettled([current]);
  }
}
