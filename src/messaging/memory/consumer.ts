/**
 * A consumer of the log in memory. Hands batches over asynchronously, one partition after the other; paused partitions wait.
 * Relies on `Assignment` for generations and offsets, exactly as the consumer of Kafka does.
 */

import type { Logger } from '../../core/logger.ts';
import { Assignment } from '../assignment.ts';
import type { LogConsumer, LogConsumerOptions, TopicPartition } from '../log.ts';
import type { MemoryCluster } from './cluster.ts';
import type { GroupMember } from './group.ts';

const RESTART_MS = 250;

export class MemoryConsumer implements LogConsumer {
  readonly #cluster: MemoryCluster;
  readonly #options: LogConsumerOptions;
  readonly #logger: Logger;
  readonly #assignment: Assignment;
  readonly #member: GroupMember;
  readonly #paused = new Set<string>();
  /** Where each partition is read next. */
  readonly #next = new Map<string, bigint>();
  #isMember = false;
  #isStopped = false;
  #turn: NodeJS.Immediate | null = null;
  #commitTimer: NodeJS.Timeout | null = null;
  #restartTimer: NodeJS.Timeout | null = null;
  #stopListening: () => void = () => undefined;

  constructor(cluster: MemoryCluster, options: LogConsumerOptions, logger: Logger) {
    this.#cluster = cluster;
    this.#options = options;
    this.#logger = logger;
    this.#assignment = new Assignment(options.handlers);
    this.#member = {
      topics: options.topics,
      revoke: () => {
        this.#assignment.dropNotes();
        this.#commitNoted();
        this.#guard(() => this.#assignment.revoke());
      },
      assign: (partitions) => this.#assign(partitions),
    };
  }

  async start(): Promise<void> {
    if (this.#isMember || this.#isStopped) return;
    this.#stopListening = this.#cluster.onAppended(() => this.#schedule());
    this.#join();
  }

  pause(partition: TopicPartition): void {
    if (this.#assignment.has(partition)) this.#paused.add(keyOf(partition));
  }

  resume(partition: TopicPartition): void {
    if (this.#paused.delete(keyOf(partition))) this.#schedule();
  }

  commit(partition: TopicPartition, offset: bigint, generation: number, dealtWith = offset): void {
    if (this.#assignment.note(partition, offset, generation, dealtWith)) this.#commitSoon();
  }

  annotate(partition: TopicPartition, note: string, generation: number): void {
    if (this.#assignment.annotate(partition, note, generation)) this.#commitSoon();
  }

  #commitSoon(): void {
    this.#commitTimer ??= setTimeout(() => this.#commitNoted(), this.#options.commitIntervalMs ?? 200);
  }

  async flush(): Promise<void> {
    this.#commitNoted();
  }

  assignment(): readonly TopicPartition[] {
    return this.#assignment.partitions();
  }

  isMember(): boolean {
    return this.#isMember;
  }

  lag(): readonly (TopicPartition & { readonly lag: number })[] {
    return this.#assignment.lag();
  }

  async stop(drained: Promise<unknown> = Promise.resolve()): Promise<void> {
    this.#assignment.close();
    await drained;
    this.#isStopped = true;
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    this.#leave();
    this.#stopListening();
  }

  #join(): void {
    this.#isMember = true;
    this.#cluster.group(this.#options.groupId).join(this.#member);
  }

  #leave(): void {
    if (!this.#isMember) return;
    this.#isMember = false;
    this.#cluster.group(this.#options.groupId).leave(this.#member);
    if (this.#turn !== null) clearImmediate(this.#turn);
    this.#turn = null;
  }

  #assign(partitions: readonly TopicPartition[]): void {
    this.#paused.clear();
    this.#next.clear();
    const group = this.#cluster.group(this.#options.groupId);
    for (const { topic, partition } of partitions) {
      const start = this.#options.from === 'latest' ? (this.#cluster.topic(topic)?.end(partition) ?? 0n) : 0n;
      this.#next.set(keyOf({ topic, partition }), group.committed(topic).get(partition) ?? start);
    }
    // Nothing of an older generation is under way here.
    this.#assignment.trust();
    this.#guard(() => this.#assignment.assign(partitions));
    this.#schedule();
  }

  #schedule(): void {
    if (!this.#isMember || this.#isStopped) return;
    this.#turn ??= setImmediate(() => {
      this.#turn = null;
      this.#guard(() => this.#deliver());
    });
  }

  #deliver(): void {
    let isMore = false;
    for (const at of this.#assignment.partitions()) {
      const topic = this.#cluster.topic(at.topic);
      const from = this.#next.get(keyOf(at));
      if (topic === undefined || from === undefined || this.#paused.has(keyOf(at))) continue;
      const records = topic.read(at.partition, from, this.#options.maxBytesPerPartition ?? 1_048_576);
      const last = records.at(-1);
      if (last === undefined) continue;
      const highWatermark = topic.end(at.partition);
      if (this.#assignment.take(at, records, highWatermark) === 'ignored') continue;
      // A handler may have caused a rebalance: then this offset is of another generation.
      if (this.#next.get(keyOf(at)) === from) this.#next.set(keyOf(at), last.offset + 1n);
      isMore ||= last.offset + 1n < highWatermark;
    }
    if (isMore) this.#schedule();
  }

  #commitNoted(): void {
    if (this.#commitTimer !== null) clearTimeout(this.#commitTimer);
    this.#commitTimer = null;
    const group = this.#cluster.group(this.#options.groupId);
    for (const { topic, partition, offset, note } of this.#assignment.takePending()) {
      group.commit({ topic, partition }, offset, note);
      const written = this.#cluster.topic(topic);
      if (written !== undefined) this.#cluster.forget(written, partition);
    }
  }

  /** A handler that throws ends the membership, not the process, and the consumer joins again. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#logger.warn({ err: error, groupId: this.#options.groupId, restartInMs: RESTART_MS }, 'The consumer crashed; it starts again');
      this.#restartTimer ??= setTimeout(() => {
        this.#restartTimer = null;
        this.#leave();
        if (!this.#isStopped) this.#join();
      }, RESTART_MS);
      this.#options.handlers.onCrash?.(error, RESTART_MS);
    }
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition}/${topic}`;
}
