/** What goes through the processing of notifications: a batch of one instance, what was decided on it, and what could not be applied. */
import type { InstanceId } from '../../core/ids.ts';
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import type { StepResult } from '../../core/instance/step.ts';
import type { StoredInstance, Transition } from '../../store/instance-store.ts';

/** What came for one instance, in its order. */
export type InstanceBatch<N extends AddressedNotification> = { readonly instanceId: InstanceId; readonly notifications: readonly N[] };

/** A batch that was decided on a state; `transition` is null when nothing has to be written. */
export type Decision<N extends AddressedNotification> = InstanceBatch<N> & {
  readonly stored: StoredInstance;
  readonly result: StepResult;
  readonly transition: Transition | null;
};

/** A notification for the dead letters. */
export type Unprocessable<N extends AddressedNotification> = {
  readonly notification: N;
  readonly code: 'MR_INSTANCE_UNKNOWN' | 'MR_STEP_FAILED';
  readonly reason: string;
};

/**
 * How an instance was told what could not be applied to it: the attempt of a task failed; an incident or a refused command;
 * null: not at all, so the dead letter is all there is.
 */
export type RecordedAs = 'failedAttempt' | 'record' | null;

/** What processing tells whoever counts and logs. Nothing that is decided depends on it. */
export type ProcessingObserver<N extends AddressedNotification> = {
  onStatesRead(hits: number, misses: number): void;
  onWritten(ms: number): void;
  /** Writes that lost the compare of an instance's version, and are decided again. */
  onConflicts(count: number): void;
  /** A batch was written, or had nothing to be written; `result.rejected` names what changed nothing. */
  onProcessed(decision: Decision<N>): void;
  onUnapplied(notification: N, error: unknown, recordedAs: RecordedAs): void;
};
