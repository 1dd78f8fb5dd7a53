/**
 * Compiling in parts. The expressions and schemas of one definition can take seconds, and compiling is synchronous. So a
 * compilation does a bounded part of them and gives up; begun again, it finds what it has compiled before and comes further. The rest of
 * reading a definition is cheap. Without a compilation everything is compiled at once.
 */

/** Characters of expressions and schemas that one part compiles: about 30 ms of the dearest. */
const PART_MAX = 3_000;
/** Whatever it is compiled from. */
const COST_MIN = 20;

class Unfinished extends Error {}

export class Compilation {
  readonly #made = new Map<unknown, unknown>();
  #left = 0;

  /** @returns null when the part ended before the work: to be called again. */
  go<T>(work: () => T): { readonly done: T } | null {
    const outer = current;
    current = this;
    this.#left = PART_MAX;
    try {
      return { done: work() };
    } catch (error) {
      if (error instanceof Unfinished) return null;
      throw error;
    } finally {
      current = outer;
    }
  }

  /** One that is larger than a part has a part of its own. */
  make<T>(key: unknown, cost: () => number, make: () => T): T {
    if (this.#made.has(key)) return this.#made.get(key) as T;
    if (this.#left <= 0) throw new Unfinished();
    this.#left -= COST_MIN + cost();
    const made = make();
    this.#made.set(key, made);
    return made;
  }
}

let current: Compilation | null = null;

/** @param key equal, or the same object, for what is the same. What `make` throws is not kept. */
export function compiledInParts<T>(key: unknown, cost: () => number, make: () => T): T {
  return current === null ? make() : current.make(key, cost, make);
}
