/** Where workers get inputs and leave outputs that are too large for a record: the port. */
import type { PayloadReference } from '../../core/payload-reference.ts';
import type { Result } from '../../core/result.ts';
import type { FailedAttempt } from '../attempt-result.ts';
import type { ScheduledTask } from '../task.ts';

export type TaskPayloads = {
  /**
   * The input of an open attempt, as JSON. Waits while the other side is away.
   * @param signal ends the waiting: rejects with its reason.
   * @returns why the attempt fails: it is not open any more, or this worker may not have it.
   */
  input(task: ScheduledTask, signal: AbortSignal): Promise<Result<string, FailedAttempt>>;
  /**
   * Leaves the output of an open attempt, which the orchestrator reads when it applies the outcome. As `input`.
   * @param output JSON, which the reference names.
   */
  keep(task: ScheduledTask, output: string, reference: PayloadReference, signal: AbortSignal): Promise<Result<null, FailedAttempt>>;
};
