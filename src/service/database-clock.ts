/**
 * The instance database's clock without a round trip for each question: sampled from time to time and carried on by this
 * machine's monotonic clock, so that a wrong wall clock here changes nothing.
 */
import type { EpochMs } from '../core/ids.ts';

export type DatabaseClock = { readonly now: () => EpochMs; sample(): Promise<void> };

export function createDatabaseClock(ask: () => Promise<EpochMs>, monotonic: () => number = () => performance.now()): DatabaseClock {
  let offset: number | null = null;
  return {
    now() {
      if (offset === null) throw new Error('Bug: the clock was asked before its first sample');
      return Math.floor(monotonic() + offset);
    },
    async sample() {
      const before = monotonic();
      const at = await ask();
      // Read somewhere between the question and the answer.
      offset = at - (before + monotonic()) / 2;
    },
  };
}
