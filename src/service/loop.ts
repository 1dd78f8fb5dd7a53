/** Work that is done again and again until the process ends. A fault makes it try again by itself, and is logged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isRetryable, retryForever } from './backoff.ts';
import type { Logger } from './logging.ts';

export type LoopOptions = {
  /** Completes "Could not …" in the log. */
  readonly what: string;
  /** @returns ms to wait before the next turn; 0 for at once. */
  readonly turn: () => Promise<number>;
  /** Ends the loop; the turn under way is not broken off. */
  readonly signal: AbortSignal;
  readonly log: Logger;
};

export type Loop = {
  /** Resolves when the last turn has ended, some time after the signal. */
  readonly ended: Promise<void>;
};

export function startLoop(options: LoopOptions): Loop {
  return { ended: run(options) };
}

async function run({ what, turn, signal, log }: LoopOptions): Promise<void> {
  const retry = retryForever(
    (error) => {
      if (!isRetryable(error)) log.error({ err: error }, `Could not ${what}, and that is no fault that passes by itself`);
      return true;
    },
    signal,
    log,
  );
  let underWay: Promise<number> = Promise.resolve(0);
  try {
    while (!signal.aborted) {
      const pauseMs = await retry(what, () => {
        underWay = turn();
        return underWay;
      });
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal, ref: false });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    // The signal overtakes a turn; what it holds open is closed only after it.
    await Promise.allSettled([underWay]);
  }
}
