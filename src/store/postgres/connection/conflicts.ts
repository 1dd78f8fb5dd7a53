/** Runs a transaction again that another one was in the way of: Postgres ends one of two, and nothing of that one is written. */
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { isConflict } from './errors.ts';

/** Each of them loses to somebody who got on, so many are no sign of an error. */
const ATTEMPTS = 12;

/** @param work a whole transaction, or a statement that is one. */
export async function retryingConflicts<T>(work: () => Promise<T>): Promise<T> {
  // With jitter, so that the same two do not meet again.
  const backoff = new ExponentialBackoff({ initialDelay: 5, maxDelay: 500 });
  return await retry(handleWhen(isConflict), { maxAttempts: ATTEMPTS, backoff }).execute(work);
}
