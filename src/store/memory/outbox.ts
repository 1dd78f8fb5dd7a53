/**
 * The outbox in memory, and a feed of its rows in the order of their commits: what Debezium does for the one in Postgres, an
 * in-process publisher does with the feed.
 */
import { MillraceError } from '../../core/error.ts';
import type { EpochMs } from '../../core/ids.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';

export type OutboxRow = OutboxMessage & { readonly id: number; readonly at: EpochMs };

export interface OutboxFeed {
  /** The oldest rows that are not confirmed, as soon as there are any. It gives the same rows until they are confirmed. */
  read(limit: number, signal: AbortSignal): Promise<readonly OutboxRow[]>;
  /** Rows up to this one are published, and are removed. */
  confirm(id: number): void;
}

export class MemoryOutbox implements OutboxFeed {
  readonly topics = new Set<string>();
  readonly #bytesMax: number;
  #rows: OutboxRow[] = [];
  #lastId = 0;
  #arrival = Promise.withResolvers<void>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** @throws MillraceError, not retryable, for what could never be published. */
  check(messages: readonly OutboxMessage[]): void {
    for (const { topic, key, messageType, payload } of messages) {
      if (payload.length + Buffer.byteLength(key) + messageType.length > this.#bytesMax)
        throw new MillraceError('MR_MESSAGE_TOO_LARGE', 'A message is larger than MILLRACE_MAX_MESSAGE_BYTES allows.', {
          retryable: false,
        });
      if (!this.topics.has(topic))
        throw new MillraceError('MR_OUTBOX_TOPIC_UNKNOWN', `A message is addressed to ${topic}, which this installation does not know.`, {
          retryable: false,
        });
    }
  }

  /** Call `check` first. */
  add(messages: readonly OutboxMessage[], at: EpochMs): void {
    if (messages.length === 0) return;
    for (const message of messages) this.#rows.push({ ...message, id: ++this.#lastId, at });
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }

  /** Rows that are not confirmed, oldest first. */
  get rows(): readonly OutboxRow[] {
    return this.#rows;
  }

  async read(limit: number, signal: AbortSignal): Promise<readonly OutboxRow[]> {
    while (this.#rows.length === 0 && !signal.aborted) {
      const { promise: aborted, resolve } = Promise.withResolvers<void>();
      const abort = (): void => resolve();
      signal.addEventListener('abort', abort, { once: true });
      await Promise.race([this.#arrival.promise, aborted]);
      signal.removeEventListener('abort', abort);
    }
    return this.#rows.slice(0, limit);
  }

  confirm(id: number): void {
    const left = this.#rows.findIndex((row) => row.id > id);
    this.#rows = left === -1 ? [] : this.#rows.slice(left);
  }
}
