/** Queues of tasks as REST shows them. */
import { type Static, Type } from 'typebox';
import { Nullable, StorableString, strict } from './common.ts';
import { QueuePause } from './instances.ts';

export const Queue = Type.Object({
  queue: Type.String({ description: '`http` is the queue of `http` nodes.' }),
  paused: Nullable(QueuePause),
});
export type Queue = Static<typeof Queue>;

export const QueueList = Type.Object({ items: Type.Array(Queue, { description: 'All queues that deployed definitions name, by name.' }) });
export type QueueList = Static<typeof QueueList>;

export const PauseQueueBody = Type.Object(
  { reason: Type.Optional(StorableString(1_000, 'The reason, which instances that wait show.')) },
  strict,
);
