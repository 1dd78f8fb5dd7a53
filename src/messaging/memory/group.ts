/**
 * A consumer group in memory: its members share the partitions of their topics, and every join, leave or new topic
 * revokes everything and assigns anew, as eager rebalancing does. Holds the committed offsets, also when nobody is left.
 */
import type { TopicPartition } from '../log.ts';
import type { MemoryTopic } from './topic.ts';

export type GroupMember = {
  readonly topics: readonly string[];
  /** Commits what is noted, then gives everything up. */
  revoke(): void;
  assign(partitions: readonly TopicPartition[]): void;
};

export class MemoryGroup {
  readonly #topics: ReadonlyMap<string, MemoryTopic>;
  readonly #committed = new Map<string, Map<number, bigint>>();
  readonly #notes = new Map<string, Map<number, string>>();
  #members: readonly GroupMember[] = [];

  constructor(topics: ReadonlyMap<string, MemoryTopic>) {
    this.#topics = topics;
  }

  join(member: GroupMember): void {
    this.#rebalance([...this.#members, member]);
  }

  leave(member: GroupMember): void {
    if (this.#members.includes(member)) this.#rebalance(this.#members.filter((each) => each !== member));
  }

  /** A topic was made: whoever waits for it gets its partitions. */
  noticeTopic(topic: string): void {
    if (this.#members.some(({ topics }) => topics.includes(topic))) this.#rebalance(this.#members);
  }

  get isEmpty(): boolean {
    return this.#members.length === 0;
  }

  commit({ topic, partition }: TopicPartition, offset: bigint, note: string): void {
    const offsets = this.#committed.get(topic) ?? new Map<number, bigint>();
    offsets.set(partition, offset);
    this.#committed.set(topic, offsets);
    const notes = this.#notes.get(topic) ?? new Map<number, string>();
    if (note === '') notes.delete(partition);
    else notes.set(partition, note);
    this.#notes.set(topic, notes);
  }

  notes(topic: string): ReadonlyMap<number, string> {
    return this.#notes.get(topic) ?? new Map();
  }

  committed(topic: string): ReadonlyMap<number, bigint> {
    return this.#committed.get(topic) ?? new Map();
  }

  reads(topic: string): boolean {
    return this.#committed.has(topic) || this.#members.some(({ topics }) => topics.includes(topic));
  }

  #rebalance(members: readonly GroupMember[]): void {
    for (const member of this.#members) member.revoke();
    this.#members = members;
    const shares = new Map<GroupMember, TopicPartition[]>(members.map((member) => [member, []]));
    for (const topic of this.#topics.values()) {
      const readers = members.filter(({ topics }) => topics.includes(topic.name));
      for (let partition = 0; partition < topic.partitions && readers.length > 0; partition++) {
        const reader = readers[partition % readers.length];
        if (reader !== undefined) shares.get(reader)?.push({ topic: topic.name, partition });
      }
    }
    for (const [member, partitions] of shares) member.assign(partitions);
  }
}
