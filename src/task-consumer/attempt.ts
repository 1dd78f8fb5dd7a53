/**
 * One attempt: runs the executor under the attempt's timeout, counted from here. A handler that ignores its abort signal does not
 * delay the outcome: the timeout is reported when it passes, and a later result is ignored. There may be tens of thousands of
 * attempts a second, so promises, signals and child loggers are made only when they are needed.
 */
import { type Logger, taskFields } from '../service/logging.ts';
import type { TaskLogger } from '../worker/index.ts';
import { type AttemptResult, failedForNow, timedOut } from './attempt-result.ts';
import type { AttemptScope, Executor } from './executor.ts';
import type { ScheduledTask } from './task.ts';

/** The longest delay that a timer of Node can hold, about 24.8 days. */
const TIMER_MS_MAX = 2_147_483_647;

export class Attempt implements AttemptScope {
  readonly task: ScheduledTask;
  readonly startedAt = Date.now();
  readonly #log: Logger;
  #controller: AbortController | undefined;
  #childLog: TaskLogger | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What is left of the timeout when the clock starts next, and since when it runs; null: it stands still. */
  #leftMs: number;
  #since: number | null = null;
  #isUntimed = false;
  /** Undefined once a result was reported. */
  #report: ((result: AttemptResult, attempt: Attempt) => void) | undefined;
  #abortReason: Error | undefined;

  constructor(task: ScheduledTask, log: Logger, report: (result: AttemptResult, attempt: Attempt) => void) {
    this.task = task;
    this.#leftMs = task.timeoutMs;
    this.#log = log;
    this.#report = report;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    return this.#controller.signal;
  }

  get log(): TaskLogger {
    this.#childLog ??= this.#log.child(taskFields(this.task));
    return this.#childLog;
  }

  /** Calls `report` once: at once when the executor answers at once. */
  start(executor: Executor): void {
    let result: AttemptResult | Promise<AttemptResult>;
    try {
      result = executor.run(this.task, this);
    } catch (error) {
      this.#reportBug(error);
      return;
    }
    if (!(result instanceof Promise)) {
      this.#settle(result);
      return;
    }
    this.#startClock();
    result.then(
      (settled) => this.#settle(settled),
      (error: unknown) => this.#reportBug(error),
    );
  }

  async untimed<T>(work: () => Promise<T>): Promise<T> {
    this.#isUntimed = true;
    clearTimeout(this.#timer);
    if (this.#since !== null) this.#leftMs -= performance.now() - this.#since;
    this.#since = null;
    try {
      return await work();
    } finally {
      this.#isUntimed = false;
      this.#startClock();
    }
  }

  #startClock(): void {
    if (this.#isUntimed || this.#report === undefined) return;
    this.#since = performance.now();
    this.#expireIn(Math.max(0, this.#leftMs));
  }

  #expireIn(ms: number): void {
    const rest = ms - TIMER_MS_MAX;
    this.#timer = setTimeout(() => (rest > 0 ? this.#expireIn(rest) : this.#expire()), Math.min(ms, TIMER_MS_MAX));
  }

  /** The process must end: the signal aborts and no result is reported, so the task runs again elsewhere. */
  abandon(reason: Error): void {
    this.#report = undefined;
    clearTimeout(this.#timer);
    this.#abort(reason);
  }

  #expire(): void {
    this.#settle(timedOut(this.task.timeoutMs));
    this.#abort(new DOMException(`The attempt took longer than ${this.task.timeoutMs} ms.`, 'TimeoutError'));
  }

  #reportBug(error: unknown): void {
    // It waited for something when it was told to end.
    if (error === this.#abortReason) return;
    this.log.error({ err: error }, 'The executor failed, not the task');
    this.#settle(failedForNow('INTERNAL', error instanceof Error ? error.message : 'The executor failed.'));
  }

  #settle(result: AttemptResult): void {
    clearTimeout(this.#timer);
    const report = this.#report;
    this.#report = undefined;
    report?.(result, this);
  }

  #abort(reason: Error): void {
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }
}
