/** Why a notification changed nothing. A value, never thrown: the state stays as it is. */
import type { ErrorCode } from '../../error-codes.ts';

export const rejectionCodes = [
  /** The task is not open, or another attempt or basis of it is: a late or repeated outcome. Counted and dropped. */
  'MR_OUTCOME_STALE',
  /** The instance has ended. Counted and dropped; a command is answered with it. */
  'MR_INSTANCE_ENDED',
  /** A timer that was disarmed or armed anew meanwhile. */
  'MR_TIMER_STALE',
  /** A command that was applied or refused before. */
  'MR_COMMAND_REPEATED',
  /** A cancel of an instance that is ending or undoing already. */
  'MR_ENDING',
  'MR_ALREADY_PAUSED',
  'MR_NOT_PAUSED',
  'MR_PAUSED',
  'MR_NO_INCIDENT',
  /** A human task that is no longer open, or never was. */
  'MR_TASK_NOT_OPEN',
  /** The node says that this person may not decide. */
  'MR_TASK_EXCLUDED',
  /** This person has voted already. */
  'MR_TASK_VOTED',
  /** The person chose no outcome, or one that the task does not have. */
  'MR_TASK_OUTCOME',
  /** The task has as many comments or delegations as it may have. */
  'MR_TASK_FULL',
  /** The votes together would be larger than an output may be. */
  'MR_PAYLOAD_TOO_LARGE',
  /** No task, or no node, of that path. */
  'MR_TASK_UNKNOWN',
  /** A variable that the definition does not know. */
  'MR_VAR_UNKNOWN',
  /** A node that is open, has run again meanwhile, or behind which something would not wait for it. */
  'MR_RERUN_REFUSED',
  /** The instance does not fit the version that it was to move to; the reason names everything that speaks against it. */
  'MR_MIGRATION_REFUSED',
  /** The wait had ended when its event came: the event goes back to the buffer for this instance. */
  'MR_EVENT_REFUSED',
  /** The wait has taken this very event before. Counted and dropped. */
  'MR_EVENT_REPEATED',
  /** A wish of the parent that was applied before, or the end of a child that was heard before. Counted and dropped. */
  'MR_CHILD_STALE',
] as const satisfies readonly ErrorCode[];

export type RejectionCode = (typeof rejectionCodes)[number];
export type Rejection = { readonly code: RejectionCode; readonly reason: string };
