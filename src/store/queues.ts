/** Queues, and whether they are paused: the port. Names are as people say them; `http` is the queue of `http` nodes. */
import type { EpochMs } from '../core/ids.ts';
import type { OutboxMessage } from '../core/outbox-message.ts';
import type { QueueState } from '../core/queues.ts';

export type QueuePause = { readonly by: string; readonly at: EpochMs; readonly reason: string | null };

/** `pause` is null while its tasks are begun. */
export type QueueRow = { readonly queue: string; readonly pause: QueuePause | null };

/** Makes the message that tells workers of a state. */
export type EncodeQueueState = (state: QueueState) => OutboxMessage;

export interface QueueStore {
  /** Queues that the outbox takes messages for, by name. */
  list(): Promise<readonly QueueRow[]>;
  /**
   * Pauses a queue, and tells its workers in the same transaction. A queue that is paused stays so, by whom and since when it was, and its
   * workers are told again. @returns null when there is no such queue.
   */
  pause(queue: string, by: string, reason: string | null, encode: EncodeQueueState): Promise<QueueRow | null>;
  /** Ends the pause in the same way. A queue that is not paused stays so, and its workers are told again. */
  resume(queue: string, by: string, encode: EncodeQueueState): Promise<QueueRow | null>;
}

/** How long a timer of a paused queue is put off before it is looked at again, unless the queue is resumed before. */
export const putOffMs = 60_000;
