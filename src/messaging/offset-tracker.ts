/**
 * Tells how far a partition may be committed while its records are dealt with in any order: up to the first one that is
 * still under way. One tracker for each partition and generation.
 */
export class OffsetTracker {
  /** Offsets that were added and are not behind the committable one, in their order. */
  readonly #open: bigint[] = [];
  /** Index of the first open offset: taking from the front of an array would move all the others. */
  #head = 0;
  readonly #done = new Set<bigint>();
  #last = -1n;
  #committable: bigint | null = null;

  /** A record was taken. Offsets must rise; gaps are allowed. */
  add(offset: bigint): void {
    if (offset <= this.#last) throw new Error(`Bug: offset ${offset} was added after ${this.#last}`);
    this.#last = offset;
    this.#open.push(offset);
  }

  /** A record is dealt with. Telling twice is allowed. */
  done(offset: bigint): void {
    if (offset > this.#last) throw new Error(`Bug: offset ${offset} is done and was never added`);
    const first = this.#open[this.#head];
    if (first === undefined || offset < first) return;
    this.#done.add(offset);
    for (let next = this.#open[this.#head]; next !== undefined && this.#done.delete(next); next = this.#open[this.#head]) {
      this.#head++;
      this.#committable = next + 1n;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#open.length) {
      this.#open.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Everything below this offset is dealt with; null while nothing is. */
  get committable(): bigint | null {
    return this.#committable;
  }

  /** Records that are under way or wait for one before them. */
  get open(): number {
    return this.#open.length - this.#head;
  }
}
