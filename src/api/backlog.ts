/**
 * How long what was accepted needs to get through the orchestrators: the records that they have not dealt with, by the rate at which
 * they do. Looked at now and then, so it is known within seconds.
 */

/** Sums over all partitions of the topic of notifications. */
export type Positions = { readonly end: bigint; readonly dealtWith: bigint };

/** Fewer are no backlog: they are on their way. */
const RECORDS_MIN = 1_000;
/** Of the newest look. */
const RATE_WEIGHT = 0.4;

export class Backlog {
  readonly #monotonic: () => number;
  #seconds = 0;
  #perSecond = 0;
  #last: { readonly dealtWith: bigint; readonly at: number } | null = null;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** 0 as long as no rate is known. */
  get seconds(): number {
    return this.#seconds;
  }

  look({ end, dealtWith }: Positions): void {
    const at = this.#monotonic();
    const records = Number(end - dealtWith);
    if (this.#last !== null && at > this.#last.at) {
      const perSecond = (Number(dealtWith - this.#last.dealtWith) / (at - this.#last.at)) * 1_000;
      // A rate counts only while there is enough to do; a restored topic begins anew.
      if (perSecond > 0 && records >= RECORDS_MIN)
        this.#perSecond = this.#perSecond === 0 ? perSecond : this.#perSecond + (perSecond - this.#perSecond) * RATE_WEIGHT;
    }
    this.#last = { dealtWith, at };
    this.#seconds = records < RECORDS_MIN || this.#perSecond === 0 ? 0 : records / this.#perSecond;
  }
}
