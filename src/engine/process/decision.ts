/** The types of processing notifications: a batch of one instance, the decision on it, and what could not be applied. */
import type { InstanceId } from '../../core/ids.ts';
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import type { StepResult } from '../../core/instance/step.ts';
import type { HeldTask, StoredInstance, Transition } from '../../store/instance-store.ts';
import type { DirectDispatch, DirectTask } from '../direct/direct-dispatch.ts';

/** The notifications of one instance, in their order. */
export type InstanceBatch<N extends AddressedNotification> = { readonly instanceId: InstanceId; readonly notifications: readonly N[] };

/** A batch that was decided on a state; `transition` is null when nothing has to be written. */
export type Decision<N extends AddressedNotification> = InstanceBatch<N> & {
  readonly stored: StoredInstance;
  readonly result: StepResult;
  readonly transition: Transition | null;
  /** Of the instance after it. */
  readonly held: readonly HeldTask[];
  /** Whether one of them is a worker's that goes on with it, from this step on. */
  readonly isContinued: boolean;
  /** Those of them that are to be sent once this is written. */
  readonly direct: readonly DirectTask[];
  /** Outcomes that continue what the engine has decided otherwise. */
  readonly misfits: number;
};

/** Told of each instance that was dealt with, whatever became of its notifications: its state, and its tasks that are held. */
export type OnSeen = (state: InstanceState, held: readonly HeldTask[]) => void;

/** What a batch is processed with, of its partition and assignment. */
export type Attending = {
  readonly onSeen: OnSeen;
  /** null: every task goes through the outbox. */
  readonly direct: DirectDispatch | null;
};

/** A notification for the dead letters. */
export type Unprocessable<N extends AddressedNotification> = {
  readonly notification: N;
  readonly code: 'MR_INSTANCE_UNKNOWN' | 'MR_STEP_FAILED';
  readonly reason: string;
};

/**
 * How the instance records what could not be applied to it. failedAttempt: the attempt of a task failed. record: an incident, or a
 * refused command. null: not at all, so the dead letter is the only trace.
 */
export type RecordedAs = 'failedAttempt' | 'record' | null;

/** Hooks for metrics and logs. No decision depends on them. */
export type ProcessingObserver<N extends AddressedNotification> = {
  onStatesRead(hits: number, misses: number): void;
  onWritten(ms: number): void;
  /** Writes that lost the compare of an instance's version, and are decided again. */
  onConflicts(count: number): void;
  /** A batch was written, or had nothing to be written; `result.rejected` names what changed nothing. */
  onProcessed(decision: Decision<N>): void;
  /** A child was started, or written as one that never runs. */
  onBorn(notification: N): void;
  /** The end of a child came for a parent that is not there, or a parent's retry for a child that is not. */
  onDropped(notification: N): void;
  onUnapplied(notification: N, error: unknown, recordedAs: RecordedAs): void;
};
