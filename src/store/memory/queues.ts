/** Queues in memory, and their pauses. */
import { httpQueue, type QueueState } from '../../core/queues.ts';
import type { EncodeQueueState, QueueRow, QueueStore } from '../queues.ts';
import type { MemoryTables, StoredQueuePause } from './tables.ts';

/** @param tasksTopic of `http` nodes; those of other queues are called after it. */
export function createMemoryQueueStore(tables: MemoryTables, tasksTopic: string): QueueStore {
  const queues = (): string[] =>
    [...tables.outbox.topics]
      .flatMap((topic) =>
        topic === tasksTopic ? [httpQueue] : topic.startsWith(`${tasksTopic}.`) ? [topic.slice(tasksTopic.length + 1)] : [],
      )
      .sort();
  const change = (queue: string, encode: EncodeQueueState, next: QueueState, apply: () => void): QueueRow | null => {
    if (!queues().includes(queue)) return null;
    const message = encode(next);
    tables.outbox.check([message]);
    apply();
    tables.outbox.add([message], tables.now());
    return rowOf(tables, queue);
  };
  return {
    list: async () => queues().map((queue) => rowOf(tables, queue)),
    async pause(queue, by, reason, encode) {
      const before = openPause(tables, queue);
      const pause = before ?? { queue, by, reason, at: tables.now(), resumedAt: null };
      const state = { queue, isPaused: true, by: pause.by, at: pause.at, reason: pause.reason };
      return change(queue, encode, state, () => {
        if (before === undefined) tables.queuePauses.push(pause);
      });
    },
    async resume(queue, by, encode) {
      const at = tables.now();
      return change(queue, encode, { queue, isPaused: false, by, at, reason: null }, () => {
        const pause = openPause(tables, queue);
        if (pause !== undefined) pause.resumedAt = at;
      });
    },
  };
}

function openPause({ queuePauses }: MemoryTables, queue: string): StoredQueuePause | undefined {
  return queuePauses.find((pause) => pause.queue === queue && pause.resumedAt === null);
}

function rowOf(tables: MemoryTables, queue: string): QueueRow {
  const pause = openPause(tables, queue);
  return { queue, pause: pause === undefined ? null : { by: pause.by, at: pause.at, reason: pause.reason } };
}
