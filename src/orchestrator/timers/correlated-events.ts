/**
 * Until when events have been correlated, by the instance database's clock: a wait's timeout fires only behind that moment,
 * so that an event which came before the deadline wins, also where the member that would have read it has died. What was
 * published before a moment stands below the ends of the topics that are read after it, and has been correlated once
 * the correlators' groups have committed these ends. Knows nothing of timers.
 */
import type { EpochMs } from '../../core/ids.ts';
import type { LogAdmin } from '../../messaging/log.ts';

/**
 * The slot confirms some seconds late what has long been published. Within this time nothing is waited for; beyond it, what
 * came by the outbox (REST, `publish`) may still be on its way.
 */
const PUBLISHED_MS_MAX = 15_000;

export type CorrelatedEventsOptions = {
  readonly admin: Pick<LogAdmin, 'describeTopics' | 'endOffsets' | 'offsetsAt' | 'committedOffsets'>;
  /** Topics of events, with the groups that correlate them. */
  readonly groups: readonly { readonly topic: string; readonly group: string }[];
  /** All rows of the outbox from before then are records by now; null while that cannot be told. */
  readonly publishedBefore: () => Promise<EpochMs | null>;
};

type Offsets = ReadonlyMap<number, bigint>;
/** What the topics held at a moment. */
type Mark = { readonly at: EpochMs; readonly ends: ReadonlyMap<string, Offsets> };

export class CorrelatedEvents {
  readonly #options: CorrelatedEventsOptions;
  /** The oldest moment that is not reached yet. */
  #mark: Mark | null = null;
  #until: EpochMs = 0;

  constructor(options: CorrelatedEventsOptions) {
    this.#options = options;
  }

  /** Events that came before then are correlated, as far as the last look has shown. */
  get until(): EpochMs {
    return this.#until;
  }

  /** @param now by the database's clock, read before. @returns `until`, after a look at the groups. */
  async look(now: EpochMs): Promise<EpochMs> {
    this.#mark ??= await this.#markAt(now);
    if (this.#mark !== null && (await this.#isReached(this.#mark))) {
      this.#until = this.#mark.at;
      this.#mark = null;
    }
    return this.#until;
  }

  async #markAt(at: EpochMs): Promise<Mark | null> {
    const { admin, groups, publishedBefore } = this.#options;
    const published = await publishedBefore();
    if (published !== null && published < at - PUBLISHED_MS_MAX) return null;
    const ends = new Map<string, Offsets>();
    // A topic of others that is not there has no events.
    for (const { topic } of await admin.describeTopics(groups.map((each) => each.topic))) ends.set(topic, await admin.endOffsets(topic));
    return { at, ends };
  }

  async #isReached({ ends }: Mark): Promise<boolean> {
    for (const { topic, group } of this.#options.groups) {
      const behind = await this.#partitionsBehind(topic, group, ends.get(topic) ?? new Map());
      if (behind.length > 0) return false;
    }
    return true;
  }

  async #partitionsBehind(topic: string, group: string, ends: Offsets): Promise<readonly number[]> {
    const { admin } = this.#options;
    const committed = await admin.committedOffsets(group, topic);
    const behind = [...ends].filter(([partition, end]) => (committed.get(partition) ?? 0n) < end).map(([partition]) => partition);
    if (behind.every((partition) => committed.has(partition))) return behind;
    // Nothing was ever committed where all records had expired before the group began.
    const first = await admin.offsetsAt(topic, 0);
    return behind.filter((partition) => committed.has(partition) || (first.get(partition) ?? 0n) < (ends.get(partition) ?? 0n));
  }
}
