/**
 * Tells an error that one message causes from one that all of them would meet (docs/decisions/0010). Only the former is
 * isolated and recorded; a database that is away, locked, or not set up as it should be makes everything wait.
 */
import { MillraceError } from '../core/error.ts';
import type { TaskError } from '../core/instance/state.ts';

/** What the database says of the data that it was given. */
const ofData = new Set([
  'MR_MESSAGE_TOO_LARGE',
  'MR_STATE_TOO_LARGE',
  'MR_OUTBOX_TOPIC_UNKNOWN',
  'MR_DATA_REFUSED',
  'MR_DEFINITION_UNREADABLE',
]);

/** Whether another message may well pass where this one failed. An error that is no MillraceError is a bug that this one met. */
export function isCausedByOneMessage(error: unknown): boolean {
  return !(error instanceof MillraceError) || ofData.has(error.code);
}

/** For the instance's history and for people: what a bug says stays in the log, since it may quote data. */
export function describeError(error: unknown): TaskError {
  if (error instanceof MillraceError) return { code: error.code, message: error.message };
  return { code: 'MR_STEP_FAILED', message: 'The engine failed at the step that follows. Its log says why.' };
}
