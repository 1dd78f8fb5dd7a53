/** Names of queues as people say them, and whether a queue is paused. */
import type { EpochMs } from './ids.ts';

/** What the tasks of `http` nodes are called where queues have names. No definition may name a queue so. */
export const httpQueue = 'http';

/** @param queue null: the tasks of `http` nodes. */
export function queueName(queue: string | null): string {
  return queue ?? httpQueue;
}

/** What the workers of a queue are told. */
export type QueueState = {
  readonly queue: string;
  readonly isPaused: boolean;
  /** Who paused or resumed it, and when. */
  readonly by: string;
  readonly at: EpochMs;
  /** Of a pause; null: nobody said. */
  readonly reason: string | null;
};
