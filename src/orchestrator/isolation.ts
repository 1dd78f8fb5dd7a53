/**
 * Tells what one message is to blame for from what hits them all (docs/decisions/0010). Only the former is looked for
 * alone and taken out of the way; a database that is away, locked, or not set up as it should be makes everything wait.
 */
import { MillraceError } from '../core/error.ts';

/** What the database says of the data that it was given. */
const ofData = new Set([
  'MR_MESSAGE_TOO_LARGE',
  'MR_STATE_TOO_LARGE',
  'MR_OUTBOX_TOPIC_UNKNOWN',
  'MR_DATA_REFUSED',
  'MR_DEFINITION_UNREADABLE',
]);

/** Whether another message may well pass where this one failed. What is no MillraceError is a bug that this one met. */
export function concernsOne(error: unknown): boolean {
  return !(error instanceof MillraceError) || ofData.has(error.code);
}
