/**
 * Long work in parts: a generator that yields where it may rest for a while. It is written once and stays pure; who needs the result
 * at once runs it to its end, and a process lets its event loop run in between (`store/in-turns.ts`).
 */

export type InParts<T> = Generator<undefined, T, undefined>;

/** How many entries, effects or rows are one part: 1 to 10 ms of work. */
const PART = 200;

/** Whether a part ends before the item of this index. Never before the first, so that short work is one part. */
export function endsPart(index: number): boolean {
  return index > 0 && index % PART === 0;
}

export function toEnd<T>(work: InParts<T>): T {
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
  }
}
