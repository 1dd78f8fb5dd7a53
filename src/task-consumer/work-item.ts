/** What a worker has under way. */
import type { OutgoingRecord } from '../messaging/log.ts';
import type { Attempt } from './attempt.ts';
import type { Claim, Run } from './continuation/claims.ts';
import type { RecordPosition } from './record-buffer.ts';

/**
 * On its way from being read to being committed. `position` is null for a task that was run without a record of it; `run` is null for a
 * dead letter, and for an outcome that is only sent again.
 */
export type WorkItem = { readonly position: RecordPosition | null; readonly run: TaskRun | null };

export type TaskRun = Run & {
  readonly attempt: Attempt;
  /** The broker refused the outcome itself, and a short one was sent in its place. */
  readonly substituted: boolean;
  /** What its outcome says that it goes on with, and the outcome without it. */
  readonly next: { readonly claim: Claim; readonly answer: OutgoingRecord } | null;
};
