/**
 * Tells an error that one message causes from one that all of them would meet (docs/decisions/0010). Only the former is
 * isolated and recorded; a database that is away, locked, or not set up as it should be makes everything wait.
 */
import { MillraceError } from '../core/error.ts';
import { blameOf } from '../core/error-codes.ts';
import type { TaskError } from '../core/instance/state/state.ts';

/** Whether another message may well pass where this one failed. An error that is no MillraceError is a bug that this one met. */
export function isCausedByOneMessage(error: unknown): boolean {
  if (!(error instanceof MillraceError)) return true;
  if (error.retryable) return false;
  const blame = blameOf(error.code);
  return blame === 'message' || blame === 'bug';
}

/** For the instance's history and for people: what a bug says stays in the log, since it may quote data. */
export function describeError(error: unknown): TaskError {
  if (error instanceof MillraceError) return { code: error.code, message: error.message };
  return { code: 'MR_STEP_FAILED', message: 'The engine failed at the step that follows. Its log says why.' };
}
