/** One life of a kafkajs consumer: joins the group, hands over what it fetches, and ends at the first error that kafkajs gives up on. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer, EachBatchPayload, IHeaders, Kafka, KafkaMessage } from 'kafkajs';
import type { Assignment, OffsetToCommit } from '../assignment.ts';
import type { LogConsumerOptions, LogHeader, LogRecord, TopicPartition } from '../log.ts';
import type { FetchedMessage } from './record-batch.ts';

export type ConsumerOptions = LogConsumerOptions & { readonly fetchWaitMs: number; readonly metadataMaxAgeMs: number };

const disconnectMs = 5_000;

export interface Session {
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  commit(offsets: readonly OffsetToCommit[]): Promise<void>;
  isMember(): boolean;
}

export type SessionEvents = {
  opened(session: Session): void;
  /** The first assignment has arrived. */
  joined(): void;
  /** A range of offsets without records for consumers, e.g. the marker at a transaction's end. */
  skipped(partition: TopicPartition, from: bigint, to: bigint, highWatermark: bigint): void;
  /** The group rebalances: the last moment for commits of this generation. */
  leaving(): void;
};

/** Exported for its test. */
export function groupTimes(sessionTimeout: number): { readonly rebalanceTimeout: number; readonly heartbeatInterval: number } {
  return {
    // While a group rebalances, all of it stands still until the last member has joined: also one that has just died, whose
    // replacement began the rebalance. A live member joins at its next heartbeat, since it never waits for work.
    rebalanceTimeout: sessionTimeout / 2,
    // Often, because a heartbeat is also how a member learns of a rebalance.
    heartbeatInterval: Math.min(500, sessionTimeout / 12),
  };
}

/** Resolves when `signal` ends it, rejects when it died. Either way it has left the group. */
export async function runSession(
  kafka: Kafka,
  options: ConsumerOptions,
  assignment: Assignment,
  signal: AbortSignal,
  events: SessionEvents,
): Promise<void> {
  const sessionTimeout = options.sessionTimeoutMs ?? 6_000;
  const consumer = kafka.consumer({
    groupId: options.groupId,
    sessionTimeout,
    ...groupTimes(sessionTimeout),
    minBytes: 1,
    maxWaitTimeInMs: options.fetchWaitMs,
    maxBytesPerPartition: options.maxBytesPerPartition ?? 1_048_576,
    allowAutoTopicCreation: false,
    metadataMaxAge: options.metadataMaxAgeMs,
    // `consumer.ts` opens a new session, with a new connection, so kafkajs must not restart this one.
    retry: { restartOnFailure: async () => false },
  });
  const ended = Promise.withResolvers<void>();
  let aliveAt = performance.now();
  let isJoining = false;
  /** kafkajs calls this from its own promises: an error must end the session, not the process. */
  const guard = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      ended.reject(error);
    }
  };

  consumer.on(consumer.events.CRASH, ({ payload }) => ended.reject(payload.error));
  consumer.on(consumer.events.HEARTBEAT, () => {
    aliveAt = performance.now();
  });
  consumer.on(consumer.events.REBALANCING, () => {
    isJoining = true;
    guard(() => {
      events.leaving();
      assignment.revoke();
    });
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    isJoining = false;
    guard(() => {
      aliveAt = performance.now();
      consumer.resume(consumer.paused());
      const partitions = Object.entries(payload.memberAssignment).flatMap(([topic, numbers]) =>
        numbers.map((partition) => ({ topic, partition })),
      );
      assignment.assign(partitions);
      if (assignment.closed) consumer.pause(byTopic(partitions));
      events.joined();
    });
  });
  // A restarted broker may refuse the join and still know the member: then kafkajs fetches on in the generation of before, and tells of
  // no assignment any more.
  consumer.on(consumer.events.FETCH_START, () => {
    if (isJoining) ended.reject(new Error('The group could not be joined again, and the consumer went on as before.'));
  });
  // This event also comes for ranges that kafkajs skips.
  consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
    const { topic, partition, batchSize, highWatermark } = payload;
    // Null where a batch holds only what was read before, whatever the types say.
    const firstOffset: string | null = payload.firstOffset;
    if (batchSize > 0 || firstOffset === null) return;
    guard(() => events.skipped({ topic, partition }, BigInt(firstOffset), BigInt(payload.lastOffset) + 1n, BigInt(highWatermark)));
  });
  const onAbort = (): void => ended.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  assignment.trust();
  const run = async (): Promise<void> => {
    await consumer.connect();
    events.opened(sessionOf(consumer, () => performance.now() - aliveAt < sessionTimeout));
    await consumer.subscribe({ topics: [...options.topics], fromBeginning: options.from !== 'latest' });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => guard(() => takeBatch(assignment, payload, events.skipped)),
    });
    await ended.promise;
  };
  try {
    // The end may come while it still connects.
    await Promise.race([run(), ended.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // kafkajs waits for its own retries; an unavailable broker must not delay the end of the session.
    await Promise.race([consumer.disconnect(), delay(disconnectMs, undefined, { ref: false })]);
  }
}

function takeBatch(assignment: Assignment, { batch, resolveOffset }: EachBatchPayload, skipped: SessionEvents['skipped']): void {
  const { topic, partition } = batch;
  const last = batch.messages.at(-1);
  const records = batch.messages.map((message) => recordOf({ topic, partition }, message));
  const taken = assignment.take({ topic, partition }, records, BigInt(batch.highWatermark));
  if (taken !== 'handedOver' || last === undefined) return;
  // Resolving the last record also moves kafkajs past a following range without records.
  resolveOffset(last.offset);
  const [from, to] = [BigInt(last.offset) + 1n, BigInt(batch.lastOffset()) + 1n];
  if (to > from) skipped({ topic, partition }, from, to, BigInt(batch.highWatermark));
}

function sessionOf(consumer: Consumer, isMember: () => boolean): Session {
  return {
    isMember,
    pause: (partitions) => consumer.pause(byTopic(partitions)),
    resume: (partitions) => consumer.resume(byTopic(partitions)),
    commit: (offsets) =>
      consumer.commitOffsets(
        offsets.map(({ topic, partition, offset, note }) => ({ topic, partition, offset: String(offset), metadata: note })),
      ),
  };
}

function byTopic(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  const grouped = Map.groupBy(partitions, ({ topic }) => topic);
  return [...grouped].map(([topic, members]) => ({ topic, partitions: members.map(({ partition }) => partition) }));
}

function recordOf({ topic, partition }: TopicPartition, message: KafkaMessage): LogRecord {
  const { offset, timestamp, key, value } = message;
  const record = { topic, partition, offset: BigInt(offset), timestamp: Number(timestamp), key, value };
  if (!isOurs(message)) return { ...record, headers: headersOf(message.headers ?? {}) };
  const { headersInOrder: headers, unreadable } = message;
  return unreadable === null ? { ...record, headers } : { ...record, headers, unreadable };
}

/** Decoded by record-batch.ts; kafkajs decodes formats before Kafka 0.11 itself. */
function isOurs(message: KafkaMessage): message is KafkaMessage & Pick<FetchedMessage, 'headersInOrder' | 'unreadable'> {
  return 'headersInOrder' in message;
}

function headersOf(headers: IHeaders): LogHeader[] {
  return Object.entries(headers).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const values = Array.isArray(value) ? value : [value];
    return values.map((each) => ({ key, value: typeof each === 'string' ? Buffer.from(each, 'utf8') : (each ?? Buffer.alloc(0)) }));
  });
}
