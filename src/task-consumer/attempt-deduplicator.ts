/**
 * The attempts that this worker runs and has run, by (taskId, attempt, basis), so that a record that comes again is not run
 * again (protocol.md, "Continuation" 6): it joins an attempt that runs, and is skipped if the attempt has finished. If it is
 * another record than before, the attempt was dispatched again because its outcome is missing: the outcome is sent again.
 */
import type { OutgoingRecord } from '../messaging/log.ts';
import { type Finished, FinishedAttempts } from './finished-attempts.ts';
import type { RecordPosition } from './record-buffer.ts';
import type { ScheduledTask } from './task.ts';

/** What is kept of outcomes, to be sent again: some fifty thousand small ones. */
const KEPT_BYTES = 32 * 1_048_576;
/** A larger outcome is not kept: its task would run again. */
const KEPT_BYTES_PER_OUTCOME = 65_536;

export type Running = { readonly joined: RecordPosition[] };

export type AttemptKey = string;

export function attemptKeyOf({ taskId, attempt, basis }: ScheduledTask): AttemptKey {
  return `${taskId} ${attempt} ${basis}`;
}

export class AttemptDeduplicator {
  readonly #running = new Map<AttemptKey, Running>();
  readonly #finished = new FinishedAttempts(KEPT_BYTES, KEPT_BYTES_PER_OUTCOME);

  /** Whether it runs, is about to, or has run. */
  knows(key: AttemptKey): boolean {
    return this.#running.has(key) || this.#finished.has(key);
  }

  running(key: AttemptKey): Running | undefined {
    return this.#running.get(key);
  }

  finished(key: AttemptKey): Finished | undefined {
    return this.#finished.get(key);
  }

  begin(key: AttemptKey, running: Running): void {
    this.#running.set(key, running);
  }

  /** Its outcome was acknowledged. */
  finish(key: AttemptKey, position: RecordPosition | null, outcome: OutgoingRecord): void {
    this.#running.delete(key);
    const at =
      position === null ? null : { topic: position.partition.topic, partition: position.partition.partition, offset: position.offset };
    this.#finished.set(key, at, outcome);
  }

  /** It ended without an acknowledged outcome: its record will come again. */
  forget(key: AttemptKey): void {
    this.#running.delete(key);
  }
}
