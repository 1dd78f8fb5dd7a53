/** What consumers, producers and admins of one log in memory share: its topics and groups, and who waits for records. */
import type { TopicSpec } from '../log.ts';
import { MemoryGroup } from './group.ts';
import { MemoryTopic } from './topic.ts';

export class MemoryCluster {
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #groups = new Map<string, MemoryGroup>();
  readonly #readers = new Set<() => void>();

  topic(name: string): MemoryTopic | undefined {
    return this.#topics.get(name);
  }

  create(spec: TopicSpec): void {
    if (this.#topics.has(spec.topic)) return;
    this.#topics.set(spec.topic, new MemoryTopic(spec));
    for (const group of this.#groups.values()) group.noticeTopic(spec.topic);
  }

  group(groupId: string): MemoryGroup {
    const found = this.#groups.get(groupId) ?? new MemoryGroup(this.#topics);
    this.#groups.set(groupId, found);
    return found;
  }

  findGroup(groupId: string): MemoryGroup | undefined {
    return this.#groups.get(groupId);
  }

  deleteGroup(groupId: string): void {
    this.#groups.delete(groupId);
  }

  /** @param wake called whenever records were appended. @returns what ends it. */
  onAppended(wake: () => void): () => void {
    this.#readers.add(wake);
    return () => this.#readers.delete(wake);
  }

  appended(): void {
    for (const wake of this.#readers) wake();
  }

  /** Lets a partition forget what every group that reads it has committed. */
  forget(topic: MemoryTopic, partition: number): void {
    const readers = [...this.#groups.values()].filter((group) => group.reads(topic.name));
    const needed = readers.map((group) => group.committed(topic.name).get(partition) ?? 0n);
    topic.forget(
      partition,
      needed.reduce<bigint | null>((least, offset) => (least === null || offset < least ? offset : least), null),
    );
  }
}
