/**
 * A consumer that never waits for work: kafkajs fetches the next batch, and sends heartbeats, only after `eachBatch` has
 * returned, so batches are handed over and the caller pauses partitions. Keeps one session (a kafkajs consumer) alive and
 * opens another with a growing delay when it dies; every assignment of every session is a generation of its own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { DelegateBackoff, handleAll, retry } from 'cockatiel';
import { MillraceError } from '../../core/error.ts';
import type { Logger } from '../../core/logger.ts';
import { Assignment } from '../assignment.ts';
import type { LogConsumer, TopicPartition } from '../log.ts';
import type { OpenClient } from './client.ts';
import { unavailable } from './errors.ts';
import { type ConsumerOptions, runSession, type Session } from './session.ts';

/** After a session that lived for so long, the next one is opened with the shortest delay. */
const soundSessionMs = 60_000;
const lastCommitMs = 5_000;
const restartDelayMs = { initial: 250, max: 10_000 };

export function createConsumer(open: OpenClient, options: ConsumerOptions, logger: Logger): LogConsumer {
  return new ReopeningConsumer(open, options, logger);
}

class ReopeningConsumer implements LogConsumer {
  readonly #open: OpenClient;
  readonly #options: ConsumerOptions;
  readonly #logger: Logger;
  readonly #assignment: Assignment;
  readonly #joined = Promise.withResolvers<void>();
  readonly #ending = new AbortController();
  #session: Session | null = null;
  /** A session is open, or about to be; false while the next one is waited for. */
  #live = false;
  #running: Promise<void> | null = null;
  #commitTimer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> = Promise.resolve();

  constructor(open: OpenClient, options: ConsumerOptions, logger: Logger) {
    this.#open = open;
    this.#options = options;
    this.#logger = logger;
    this.#assignment = new Assignment(options.handlers);
  }

  async start(): Promise<void> {
    this.#running ??= this.#run();
    await Promise.race([this.#joined.promise, this.#running]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    const { groupId, handlers } = this.#options;
    let openedAt = 0;
    const backoff = new DelegateBackoff<unknown, number>((_, last) => {
      const sound = performance.now() - openedAt > soundSessionMs;
      const state = last === undefined || sound ? restartDelayMs.initial : Math.min(last * 2, restartDelayMs.max);
      return { delay: state, state };
    });
    const policy = retry(handleAll, { maxAttempts: Number.POSITIVE_INFINITY, backoff });
    policy.onRetry((failure) => {
      const error: unknown = 'error' in failure ? failure.error : undefined;
      this.#logger.warn({ err: error, groupId, restartInMs: failure.delay }, 'The consumer crashed; it starts again');
      handlers.onCrash?.(error, failure.delay);
    });
    await policy.execute(async () => {
      if (signal.aborted) return;
      openedAt = performance.now();
      this.#live = true;
      const client = this.#open();
      try {
        await runSession(client.kafka, this.#options, this.#assignment, signal, {
          opened: (session) => {
            this.#session = session;
          },
          joined: () => this.#joined.resolve(),
          skipped: (partition, from, to, highWatermark) => {
            const reached = this.#assignment.skip(partition, from, to, highWatermark);
            if (reached !== null) this.commit(partition, reached, this.#assignment.generation);
          },
          // Sent at once: afterwards nothing is assigned any more.
          leaving: () => {
            this.#assignment.dropNotes();
            void this.#sendCommits();
          },
        });
      } finally {
        client.close();
        this.#live = false;
        this.#session = null;
        this.#assignment.revoke();
      }
    });
  }

  pause(partition: TopicPartition): void {
    if (this.#assignment.has(partition)) this.#session?.pause([partition]);
  }

  resume(partition: TopicPartition): void {
    if (this.#assignment.has(partition)) this.#session?.resume([partition]);
  }

  commit(partition: TopicPartition, offset: bigint, generation: number, dealtWith = offset): void {
    if (this.#assignment.note(partition, offset, generation, dealtWith)) this.#commitSoon();
  }

  annotate(partition: TopicPartition, note: string, generation: number): void {
    if (this.#assignment.annotate(partition, note, generation)) this.#commitSoon();
  }

  #commitSoon(): void {
    this.#commitTimer ??= setTimeout(() => {
      this.#commitTimer = null;
      void this.#flush();
    }, this.#options.commitIntervalMs ?? 200);
  }

  async flush(): Promise<void> {
    const failure = await this.#flush();
    if (failure !== null) throw unavailable(`take the offsets of the group ${this.#options.groupId}`, failure);
  }

  /** One commit at a time: a later one must not overtake an earlier. */
  async #flush(): Promise<unknown> {
    const turn = this.#flushing.then(() => this.#sendCommits());
    this.#flushing = turn.then(() => undefined);
    return await turn;
  }

  /** @returns the error, or null. Offsets that the broker did not accept are sent again with the next flush. */
  async #sendCommits(): Promise<unknown> {
    const generation = this.#assignment.generation;
    const offsets = this.#assignment.takePending();
    if (offsets.length === 0) return null;
    try {
      if (this.#session === null) throw new MillraceError('MR_KAFKA_UNAVAILABLE', 'The consumer is not connected.', { retryable: true });
      await this.#session.commit(offsets);
      return null;
    } catch (error) {
      // If the group has rebalanced, these offsets no longer matter: the new owner reads the records again.
      for (const { topic, partition, offset } of offsets) this.#restore({ topic, partition }, offset, generation);
      this.#logger.debug({ err: error, groupId: this.#options.groupId }, 'Offsets were not committed');
      return error;
    }
  }

  #restore(partition: TopicPartition, offset: bigint, generation: number): void {
    this.#assignment.forget(partition, generation);
    this.commit(partition, offset, generation);
  }

  assignment(): readonly TopicPartition[] {
    return this.#assignment.partitions();
  }

  isMember(): boolean {
    return this.#session?.isMember() ?? false;
  }

  lag(): readonly (TopicPartition & { readonly lag: number })[] {
    return this.#assignment.lag();
  }

  async stop(drained: Promise<unknown> = Promise.resolve()): Promise<void> {
    this.#assignment.close();
    // A session that is still starting has nothing assigned to pause.
    const held = this.#assignment.partitions();
    if (held.length > 0) this.#session?.pause(held);
    await drained;
    this.#assignment.dropNotes();
    if (this.#commitTimer !== null) clearTimeout(this.#commitTimer);
    this.#commitTimer = null;
    // An unavailable broker must not delay the stop. Records without a commit come again.
    await Promise.race([this.#flush(), delay(lastCommitMs, undefined, { ref: false })]);
    if (this.#commitTimer !== null) clearTimeout(this.#commitTimer);
    this.#ending.abort();
    if (this.#live) await this.#running;
  }
}
