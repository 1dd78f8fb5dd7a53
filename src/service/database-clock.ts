/**
 * The instance database's clock without a query for each reading: it is sampled from time to time and continued with the
 * monotonic clock of this machine. A wrong wall clock of this machine has no effect.
 */
import type { EpochMs } from '../core/ids.ts';
import type { RetryPolicy } from './backoff.ts';
import type { Service } from './process.ts';

const SAMPLE_MS = 5_000;

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
      // The database read its clock at some moment between the query and the answer.
      offset = at - (before + monotonic()) / 2;
    },
  };
}

/** Waits for the first sample, however long the database is unavailable, and then takes samples until the process ends. */
export async function keepDatabaseClock(
  ask: () => Promise<EpochMs>,
  retry: RetryPolicy,
  { repeat }: Pick<Service, 'repeat'>,
): Promise<DatabaseClock['now']> {
  const clock = createDatabaseClock(ask);
  await retry('read the database clock', () => clock.sample());
  repeat('read the database clock', async () => {
    await clock.sample();
    return SAMPLE_MS;
  });
  return clock.now;
}
