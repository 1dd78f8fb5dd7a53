/** A timer whose time has come, by the clock of the instance database. */
import type { EpochMs, InstanceId, TaskPath } from './ids.ts';
import type { TimerKind } from './instance/state/state.ts';

export type DueTimer = {
  readonly instanceId: InstanceId;
  readonly timerId: string;
  readonly kind: TimerKind;
  readonly path: TaskPath | null;
  readonly attempt: number;
  readonly dueAt: EpochMs;
};
