/**
 * Which queues are paused: read from the compacted topic by a consumer group of this process's own, from the topic's beginning. Nothing
 * is told of a queue before everything was read that the topic held at the start. An installation without the topic has no paused queue.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Codec } from '../messaging/codec.ts';
import type { Log, LogAdmin, LogConsumer, LogRecord } from '../messaging/log.ts';
import type { RetryPolicy } from '../service/backoff.ts';
import type { Logger } from '../service/logging.ts';

export type QueueStatesOptions = {
  readonly codec: Codec;
  readonly log: Log;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly retry: RetryPolicy;
  readonly topic: string;
  readonly groupId: string;
};

type Follower = (isPaused: boolean) => void;

/** How often to look whether everything was read, while it was not. */
const LOOK_MS = 50;
/** Offsets are noted only to know how much is left: nobody goes on from them. */
const COMMIT_MS = 600_000;

export class QueueStates {
  readonly #options: QueueStatesOptions;
  readonly #paused = new Set<string>();
  readonly #followers = new Map<string, Follower[]>();
  readonly #admin: LogAdmin;
  #consumer: LogConsumer | undefined;
  /** One record after the other. */
  #applied: Promise<void> = Promise.resolve();
  /** Offset after the last record that was applied. */
  #position = 0n;
  #isKnown = false;

  constructor(options: QueueStatesOptions) {
    this.#options = options;
    this.#admin = options.log.admin();
  }

  /** Whether everything was read that the topic held at the start. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Calls back as soon as it is known whether the queue is paused, and with each change. */
  follow(queue: string, follower: Follower): void {
    this.#followers.set(queue, [...(this.#followers.get(queue) ?? []), follower]);
    if (this.#isKnown) follower(this.#paused.has(queue));
  }

  /**
   * Resolves when everything is known. Rejects when `signal` aborts before.
   * @param topicIsMade waits for the topic.
   */
  async start(signal: AbortSignal, topicIsMade: () => Promise<void>): Promise<void> {
    const { retry, topic, logger } = this.#options;
    const found = await retry(`find the topic ${topic}`, () => this.#admin.describeTopics([topic]));
    if (found.length === 0) {
      logger.warn({ topic }, 'There is no such topic, so no queue counts as paused until "millrace topics" has made it');
      this.#tellAll();
      await topicIsMade();
    }
    const [beginning, end] = await retry(`read the offsets of ${topic}`, async () => [
      (await this.#admin.offsetsAt(topic, 0)).get(0) ?? 0n,
      (await this.#admin.endOffsets(topic)).get(0) ?? 0n,
    ]);
    if (signal.aborted) return;
    const consumer = this.#open();
    this.#consumer = consumer;
    await consumer.start();
    while (beginning < end && !this.#hasReached(consumer, end)) await delay(LOOK_MS, undefined, { signal });
    this.#tellAll();
  }

  async stop(): Promise<void> {
    const { groupId, logger } = this.#options;
    if (this.#consumer !== undefined) {
      await this.#consumer.stop();
      // If the broker is unavailable, it removes the empty group later by itself.
      await this.#admin.deleteGroup(groupId).catch((error: unknown) => logger.warn({ err: error, groupId }, 'The group was not deleted'));
    }
    await this.#admin.close();
  }

  #open(): LogConsumer {
    const { log, groupId, topic } = this.#options;
    const consumer: LogConsumer = log.consumer({
      groupId,
      topics: [topic],
      commitIntervalMs: COMMIT_MS,
      handlers: {
        onBatch: ({ records, generation, highWatermark }) => {
          for (const record of records)
            this.#applied = this.#applied.then(async () => {
              // The topic was made anew.
              if (highWatermark < this.#position) this.#position = 0n;
              // A consumer that starts again reads everything again, and an old state must not count for a moment.
              if (record.offset >= this.#position) await this.#apply(record);
              if (record.offset >= this.#position) this.#position = record.offset + 1n;
              consumer.commit(record, record.offset + 1n, generation);
            });
        },
        onAssigned: () => undefined,
        onRevoked: () => undefined,
      },
    });
    return consumer;
  }

  /** The end may be behind the last record: marks of transactions take offsets too. */
  #hasReached(consumer: LogConsumer, end: bigint): boolean {
    return this.#position >= end || (this.#position > 0n && consumer.lag().every(({ lag }) => lag === 0));
  }

  async #apply({ value, topic, partition, offset }: LogRecord): Promise<void> {
    const { codec, logger, retry } = this.#options;
    if (value === null) return;
    const decoded = await retry('read the state of a queue', async () => await codec.decode(value, ['QueueState'])).catch(
      (error: unknown) => {
        // Only the end of the process ends the waiting for the registry.
        logger.warn({ err: error, topic, partition, offset: String(offset) }, 'The state of a queue could not be read');
        return null;
      },
    );
    if (decoded === null) return;
    if (!decoded.ok) {
      logger.warn({ topic, partition, offset: String(offset), reason: decoded.reason }, 'This is no state of a queue');
      return;
    }
    const { queue, paused, by, reason } = decoded.value;
    if (this.#paused.has(queue) === paused) return;
    if (paused) this.#paused.add(queue);
    else this.#paused.delete(queue);
    const followers = this.#followers.get(queue) ?? [];
    if (!this.#isKnown || followers.length === 0) return;
    logger.info({ queue, by, reason }, paused ? 'The queue is paused' : 'The queue is resumed');
    for (const follower of followers) follower(paused);
  }

  #tellAll(): void {
    this.#isKnown = true;
    for (const [queue, followers] of this.#followers) {
      const isPaused = this.#paused.has(queue);
      if (isPaused) this.#options.logger.info({ queue }, 'The queue is paused');
      for (const follower of followers) follower(isPaused);
    }
  }
}
