import { describe, expect, it } from 'vitest';
import type { EpochMs } from '../../core/ids.ts';
import { T0 } from '../testing/fixture.ts';
import { CorrelatedEvents } from './correlated-events.ts';

type Partition = { first?: bigint; end: bigint; committed: bigint | null };

/** The present offsets of the topics, which tests change. */
class Topics {
  readonly partitions = new Map<string, Partition[]>();
  published: EpochMs | null = T0;
  readonly events = new CorrelatedEvents({
    groups: [
      { topic: 'events', group: 'correlator' },
      { topic: 'theirs', group: 'correlator.theirs' },
    ],
    publishedBefore: async () => this.published,
    admin: {
      describeTopics: async (topics) =>
        topics.filter((topic) => this.partitions.has(topic)).map((topic) => ({ topic, partitions: 2, config: {} })),
      endOffsets: async (topic) => this.#of(topic, ({ end }) => end),
      offsetsAt: async (topic) => this.#of(topic, ({ first }) => first ?? 0n),
      committedOffsets: async (_, topic) => this.#of(topic, ({ committed }) => committed),
    },
  });

  #of(topic: string, offset: (partition: Partition) => bigint | null): ReadonlyMap<number, bigint> {
    const all = this.partitions.get(topic) ?? [];
    return new Map(
      all.flatMap((partition, number) => {
        const found = offset(partition);
        return found === null ? [] : [[number, found] as const];
      }),
    );
  }
}

function topics(...events: readonly Partition[]): Topics {
  const made = new Topics();
  made.partitions.set('events', [...events]);
  return made;
}

describe('Events are correlated until', () => {
  it('the moment of the look where every partition is read', async () => {
    expect(await topics({ end: 7n, committed: 7n }, { end: 0n, committed: null }).events.look(T0)).toBe(T0);
  });

  it('the moment whose ends are committed, whatever has come since', async () => {
    const behind: Partition = { end: 7n, committed: 5n };
    const { events } = topics({ end: 3n, committed: 3n }, behind);
    expect(await events.look(T0)).toBe(0);
    Object.assign(behind, { end: 20n, committed: 7n });
    expect(await events.look(T0 + 100)).toBe(T0);
    expect(events.until).toBe(T0);
    expect(await events.look(T0 + 200)).toBe(T0);
    behind.committed = 20n;
    expect(await events.look(T0 + 300)).toBe(T0 + 200);
  });

  it('the first commit of a group in a partition that has records', async () => {
    const partition: Partition = { end: 2n, committed: null };
    const { events } = topics(partition);
    expect(await events.look(T0)).toBe(0);
    partition.committed = 2n;
    expect(await events.look(T0)).toBe(T0);
  });

  it('now where all records of a partition had expired before anybody read it', async () => {
    expect(await topics({ first: 9n, end: 9n, committed: null }).events.look(T0)).toBe(T0);
  });

  it('the topics of others are read too', async () => {
    const made = topics({ end: 1n, committed: 1n });
    made.partitions.set('theirs', [{ end: 4n, committed: 3n }]);
    expect(await made.events.look(T0)).toBe(0);
    made.partitions.set('theirs', [{ end: 4n, committed: 4n }]);
    expect(await made.events.look(T0)).toBe(T0);
  });

  it('the outbox is published again, where it is not', async () => {
    const made = topics({ end: 1n, committed: 1n });
    made.published = T0 - 60_000;
    expect(await made.events.look(T0)).toBe(0);
    made.published = T0 + 1;
    expect(await made.events.look(T0 + 1)).toBe(T0 + 1);
  });

  it('now where nobody can tell what is published', async () => {
    const made = topics({ end: 1n, committed: 1n });
    made.published = null;
    expect(await made.events.look(T0)).toBe(T0);
  });
});
