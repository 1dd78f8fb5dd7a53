/**
 * The port to Kafka: a partitioned log. Types only; `kafkajs/` and `memory/` implement it. Delivery is at least once. A partition
 * may have two owners for a moment: correctness rests on the instance database, never on ownership (protocol.md, "A step").
 */

import type { InvalidMessage } from './dead-letter-codes.ts';

export type TopicPartition = { readonly topic: string; readonly partition: number };

export type LogHeader = { readonly key: string; readonly value: Buffer };

export type LogRecord = TopicPartition & {
  readonly offset: bigint;
  /** ms since the epoch, as the producer or the broker says. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: readonly LogHeader[];
  /**
   * Set for a compressed batch that would become too large, or that is broken. This one record stands for all records of the
   * batch, at the offset of the last, and has neither key nor value.
   */
  readonly unreadable?: InvalidMessage;
};

export type LogBatch = TopicPartition & {
  /** Counts this consumer's assignments; `commit` needs it. */
  readonly generation: number;
  /** At least one, by rising offset; there may be gaps between them. */
  readonly records: readonly LogRecord[];
  /** Offset of the next record that will be appended to the partition, as of this fetch. */
  readonly highWatermark: bigint;
};

/** Called one after the other, synchronously: they note what happened and return. */
export type LogConsumerHandlers = {
  /**
   * Takes a batch and returns at once: while it runs, nothing is fetched and no heartbeat is sent. Call `pause` to get no more.
   * The same records may come again: after a rebalance, from the committed offset on.
   */
  onBatch(batch: LogBatch): void;
  /** New partitions. Rebalancing is eager: each one revokes everything and then assigns anew. Drop every cache. */
  onAssigned(partitions: readonly TopicPartition[], generation: number): void;
  /** All assigned partitions are revoked. Work under way may end, but its commits are ignored. Drop every cache. */
  onRevoked(partitions: readonly TopicPartition[], generation: number): void;
  /** The consumer died of an error and starts again after the delay. */
  onCrash?(error: unknown, restartInMs: number): void;
};

export type LogConsumerOptions = {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Where a group without a committed offset begins; default `earliest`. */
  readonly from?: 'earliest' | 'latest';
  /** A member that is silent for so long is out of the group; default 6 000. While the group rebalances, half of it is enough. */
  readonly sessionTimeoutMs?: number;
  /** Most bytes of one partition in one fetch; default 1 MiB. */
  readonly maxBytesPerPartition?: number;
  /** Commits are gathered for so long; default 200. */
  readonly commitIntervalMs?: number;
  readonly handlers: LogConsumerHandlers;
};

/** Below the broker's `offset.metadata.max.bytes`, which is 4,096 unless it is changed. */
export const committedNoteLengthMax = 4_000;

export interface LogConsumer {
  /** Resolves once the first assignment (perhaps an empty one) has arrived, however long the broker is away. */
  start(): Promise<void>;
  /** Stops handing over batches of the partition until `resume`; a rebalance forgets it. */
  pause(partition: TopicPartition): void;
  resume(partition: TopicPartition): void;
  /**
   * Everything below `offset` is done, and is not read again. Commits are gathered, and sent every `commitIntervalMs`, before a
   * rebalance and at stop. Ignored when `generation` is not the present one. Offsets never go back.
   * @param dealtWith everything below it is done, although the next owner of the partition is to read again from `offset`: for
   * `lag`. Default `offset`.
   */
  commit(partition: TopicPartition, offset: bigint, generation: number, dealtWith?: bigint): void;
  /**
   * Keeps a note beside the committed offset of the partition, for whoever owns it after this process has died: `LogAdmin.committedNotes`.
   * It is sent with the next commit, and replaced by an empty one when this consumer leaves the partition to others while it lives.
   * @param note at most `committedNoteLengthMax` characters of ASCII. Ignored when `generation` is not the present one.
   */
  annotate(partition: TopicPartition, note: string, generation: number): void;
  /** Sends the gathered commits now. Rejects with a retryable `MillraceError` when the broker did not accept them. */
  flush(): Promise<void>;
  /** What is assigned now. */
  assignment(): readonly TopicPartition[];
  /** True while the group surely still counts this member: last answered heartbeat plus session timeout, monotonic clock. */
  isMember(): boolean;
  /** Records between what is dealt with and the end of each assigned partition, as of its last fetch. */
  lag(): readonly (TopicPartition & { readonly lag: number })[];
  /**
   * Hands over no further batch, waits for `drained` (whatever the caller still has under way, so that its commits
   * count), commits and leaves the group.
   */
  stop(drained?: Promise<unknown>): Promise<void>;
}

export type OutgoingRecord = {
  readonly topic: string;
  /** Absent: by the key's hash, as `partitionOf`. */
  readonly partition?: number;
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers?: readonly LogHeader[];
};

export interface LogProducer {
  /**
   * Resolves when all records are acknowledged by all in-sync replicas; order within the call, and between calls, is kept. While
   * the broker is unavailable it waits and tries again, so a record may be written twice. Rejects with a `MillraceError`:
   * `MR_RECORD_TOO_LARGE` or `MR_RECORD_REFUSED` (not retryable: the broker refuses it for ever), or `MR_PRODUCER_STOPPED`.
   */
  send(records: readonly OutgoingRecord[]): Promise<void>;
  /** Resolves when there is room for more: await it before taking in new work. */
  ready(): Promise<void>;
  /** Records and bytes that wait for their acknowledgement. */
  pending(): { readonly records: number; readonly bytes: number };
  /** Sends what is pending, for at most `timeoutMs` (default 10 000); what is left is rejected. */
  stop(timeoutMs?: number): Promise<void>;
}

export type TopicSpec = {
  readonly topic: string;
  readonly partitions: number;
  readonly replication: number;
  readonly config: Readonly<Record<string, string>>;
};

export type TopicDescription = {
  readonly topic: string;
  readonly partitions: number;
  /** All settings, the broker's defaults included. */
  readonly config: Readonly<Record<string, string>>;
};

/** Every method rejects with a retryable `MillraceError` while the broker is unavailable. */
export interface LogAdmin {
  /** The topics that exist. */
  describeTopics(topics: readonly string[]): Promise<readonly TopicDescription[]>;
  /** The topics that do not exist, or that this login may not see. */
  missingTopics(topics: readonly string[]): Promise<readonly string[]>;
  /** Existing topics are left as they are. */
  createTopics(topics: readonly TopicSpec[]): Promise<void>;
  setTopicConfig(topic: string, config: Readonly<Record<string, string>>): Promise<void>;
  /** Offset of the next record of each partition. */
  endOffsets(topic: string): Promise<ReadonlyMap<number, bigint>>;
  /** Offset of the first record of each partition that is not older than `timestampMs`; the end when there is none. */
  offsetsAt(topic: string, timestampMs: number): Promise<ReadonlyMap<number, bigint>>;
  /** Partitions for which the group never committed are missing. */
  committedOffsets(groupId: string, topic: string): Promise<ReadonlyMap<number, bigint>>;
  /** Partitions without a note are missing. */
  committedNotes(groupId: string, topic: string): Promise<ReadonlyMap<number, string>>;
  /** A group that does not exist is no error. */
  deleteGroup(groupId: string): Promise<void>;
  /** Resolves when the cluster answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** One cluster. `main.ts` of a process makes it and gives it to its parts. */
export interface Log {
  consumer(options: LogConsumerOptions): LogConsumer;
  producer(): LogProducer;
  admin(): LogAdmin;
}

/** The last header of that name as a string; null when there is none. */
export function headerText(record: { readonly headers: readonly LogHeader[] }, name: string): string | null {
  return record.headers.findLast(({ key }) => key === name)?.value.toString('utf8') ?? null;
}
