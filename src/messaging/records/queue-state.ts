/** The record QueueState: whether a queue is paused, from the API to the workers of the queue. */
import type { QueueState } from '../../core/queues.ts';
import type * as records from '../generated/records.ts';

export function toQueueRecord({ isPaused, ...same }: QueueState): records.QueueState {
  return { ...same, paused: isPaused };
}
