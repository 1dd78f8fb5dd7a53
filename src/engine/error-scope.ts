/**
 * Tells an error that one message causes from one that every message would meet (docs/decisions/0010). Only the former is isolated
 * and recorded; while a database is unavailable, locked or set up wrongly, everything waits.
 */
import { MillraceError } from '../core/error.ts';
import { blameOf } from '../core/error-codes.ts';
import type { TaskError } from '../core/instance/state/state.ts';

/** Whether other messages are likely to succeed. An error that is not a MillraceError is a bug that this message met. */
export function isCausedByOneMessage(error: unknown): boolean {
  if (!(error instanceof MillraceError)) return true;
  if (error.retryable) return false;
  const blame = blameOf(error.code);
  return blame === 'message' || blame === 'bug';
}

/** For the instance's history and for people. The message of a bug stays in the log, since it may quote data. */
export function describeError(error: unknown): TaskError {
  if (error instanceof MillraceError) return { code: error.code, message: error.message };
  return { code: 'MR_STEP_FAILED', message: 'The engine failed while it decided the next step. Its log says why.' };
}
