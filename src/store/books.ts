/** The books of parents, as they are stored: children whose end was not heard are asked after. */
import type { InstanceId } from '../core/ids.ts';
import type { ChildRequest } from '../core/instance/children/messages.ts';

/** A child in the books, and what is wanted of it. */
export type ChildRow = { readonly childId: InstanceId; readonly request: ChildRequest };

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** First wait before a child is asked after; each is twice as long as the one before. */
export const ASK_MS_MIN = 5 * MINUTE_MS;
export const ASK_MS_MAX = DAY_MS;

/** A child that has ended is kept for so long at least: until its start cannot come back any more (`CHILD_AGE_MS_MAX`). */
export const ENDED_CHILD_MS_MIN = 30 * DAY_MS;

/** @param asked how often it was before; -1: a wish that was not said yet. */
export function askAgainMs(asked: number): number {
  return Math.min(ASK_MS_MIN * 2 ** (asked + 1), ASK_MS_MAX);
}
