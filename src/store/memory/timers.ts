/** Timers that are due: deleted, and turned into messages. */
import type { DueTimer } from '../../core/due-timer.ts';
import type { EpochMs } from '../../core/ids.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { type MemoryTables, taskKey } from './tables.ts';

export type Fired = { readonly fired: number; readonly nextDueAt: EpochMs | null; readonly now: EpochMs };

export function fireTimers(tables: MemoryTables, limit: number, encode: (timer: DueTimer) => OutboxMessage): Fired {
  const now = tables.now();
  const inOrder = [...tables.timers.values()].sort((a, b) => a.dueAt - b.dueAt);
  const due = inOrder.slice(0, limit).filter(({ dueAt }) => dueAt <= now);
  const messages = due.map(encode);
  tables.outbox.check(messages);
  for (const { instanceId, timerId } of due) tables.timers.delete(taskKey(instanceId, timerId));
  tables.outbox.add(messages, now);
  return { fired: due.length, nextDueAt: inOrder[due.length]?.dueAt ?? null, now };
}
