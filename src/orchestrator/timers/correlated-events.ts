/**
 * The instant before which all events are correlated, by the instance database's clock. The timeout of a wait fires only after it,
 * so that an event which came before the deadline wins, even if the process that would have read it has died. Events that were
 * published before an instant are below the end offsets that are read after it, and are correlated once the correlators' groups
 * have committed these offsets. Knows nothing of timers.
 */
import type { EpochMs } from '../../core/ids.ts';
import type { LogAdmin } from '../../messaging/log.ts';

/**
 * The slot confirms rows some seconds after they were published, so a delay below this is not waited for. Above it, events from
 * the outbox (REST, `publish`) may still be on their way.
 */
const PUBLISHED_MS_MAX = 15_000;

export type CorrelatedEventsOptions = {
  readonly admin: Pick<LogAdmin, 'describeTopics' | 'endOffsets' | 'offsetsAt' | 'committedOffsets'>;
  /** Topics of events, with the groups that correlate them. */
  readonly groups: readonly { readonly topic: string; readonly group: string }[];
  /** All rows of the outbox from before then are published; null while that is not known. */
  readonly publishedBefore: () => Promise<EpochMs | null>;
};

type Offsets = ReadonlyMap<number, bigint>;
/** The end offsets of the topics at an instant. */
type Mark = { readonly at: EpochMs; readonly ends: ReadonlyMap<string, Offsets> };

export class CorrelatedEvents {
  readonly #options: CorrelatedEventsOptions;
  /** The mark that the groups have not reached yet. */
  #mark: Mark | null = null;
  #until: EpochMs = 0;

  constructor(options: CorrelatedEventsOptions) {
    this.#options = options;
  }

  /** All events that came before then are correlated, as of the last look. */
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
    // A foreign topic that does not exist has no events.
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
    // A group has no commit in a partition whose records had all expired before it began.
    const first = await admin.offsetsAt(topic, 0);
    return behind.filter((partition) => committed.has(partition) || (first.get(partition) ?? 0n) < (ends.get(partition) ?? 0n));
  }
}
