/** Runs a transaction again that conflicted with another one: Postgres ends one of the two, and nothing of it is written. */
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { isConflict } from './errors.ts';

/** In each conflict another transaction succeeded, so many attempts are no sign of an error. */
const ATTEMPTS = 12;

/** @param work a whole transaction, or a statement that is one. */
export async function retryingConflicts<T>(work: () => Promise<T>): Promise<T> {
  // With jitter, so that the same two do not conflict again.
  const backoff = new ExponentialBackoff({ initialDelay: 5, maxDelay: 500 });
  return await retry(handleWhen(isConflict), { maxAttempts: ATTEMPTS, backoff }).execute(work);
}
