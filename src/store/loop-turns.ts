/**
 * What takes time is synchronous: deciding, reading a record. A batch of many would block the event loop for the sum of them. So each
 * waits for its turn: after a while the event loop runs before the next one.
 */
import { setImmediate } from 'node:timers/promises';

const HELD_MS_MAX = 50;

export class LoopTurns {
  #since = performance.now();
  #next: Promise<void> | null = null;

  /** Whether there is time left in this turn of the event loop. */
  get isOver(): boolean {
    return performance.now() - this.#since > HELD_MS_MAX;
  }

  /** Resolves at once while there is time left in this turn of the event loop, else in the next turn. */
  async take(): Promise<void> {
    while (this.isOver) {
      this.#next ??= this.#begin();
      await this.#next;
    }
  }

  async #begin(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
    this.#next = null;
  }
}
