/** Runs tasks: the built-in `http` client, or the handlers of a user's module. */
import type { TaskLogger } from '../worker/index.ts';
import type { AttemptResult } from './attempt-result.ts';
import type { ScheduledTask } from './task.ts';

export type AttemptScope = {
  /** Aborts when the attempt's time is over or the process must end. Made when first asked for. */
  readonly signal: AbortSignal;
  /** Lines carry instanceId, taskId and attempt. Made when first asked for. */
  readonly log: TaskLogger;
  /** Waits for what is not the work itself: the time of the attempt stands still meanwhile. */
  untimed<T>(work: () => Promise<T>): Promise<T>;
};

export type Executor = {
  /**
   * Label of the task in metrics: the name of a known handler, or `http`. Never taken from a message, since metrics keep every
   * label for ever.
   */
  label(task: ScheduledTask): string;
  /** Whether there is a handler for it here. */
  canRun(task: ScheduledTask): boolean;
  /** Never throws or rejects for what the task itself did wrong; a throw counts as a bug and is retried. */
  run(task: ScheduledTask, scope: AttemptScope): AttemptResult | Promise<AttemptResult>;
};
