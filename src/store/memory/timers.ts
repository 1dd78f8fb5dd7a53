/** Timers that are due: deleted, and turned into messages. */
import type { DueTimer } from '../../core/due-timer.ts';
import type { EpochMs } from '../../core/ids.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { type FiredTimers, timeoutHeldMsMax } from '../instance-store.ts';
import { type MemoryTables, taskKey } from './tables.ts';

export function fireTimers(
  tables: MemoryTables,
  limit: number,
  encode: (timer: DueTimer) => OutboxMessage,
  eventsReadUntil: EpochMs,
): FiredTimers {
  const now = tables.now();
  const held = (timer: DueTimer) => isHeld(tables, timer, Math.max(eventsReadUntil, now - timeoutHeldMsMax), now);
  const inOrder = [...tables.timers.values()].sort((a, b) => a.dueAt - b.dueAt);
  const free = inOrder.filter((timer) => !held(timer));
  const due = free.slice(0, limit).filter(({ dueAt }) => dueAt <= now);
  const messages = due.map(encode);
  tables.outbox.check(messages);
  for (const { instanceId, timerId } of due) tables.timers.delete(taskKey(instanceId, timerId));
  tables.outbox.add(messages, now);
  return { fired: due.length, held: free.length < inOrder.length, nextDueAt: free[due.length]?.dueAt ?? null, now };
}

/** A timeout of a wait whose event may have come, and is not correlated yet. */
function isHeld(tables: MemoryTables, { kind, path, instanceId, dueAt }: DueTimer, until: EpochMs, now: EpochMs): boolean {
  if (kind !== 'timeout' || path === null || dueAt > now || dueAt <= until) return false;
  return tables.events.waits.has(taskKey(instanceId, path));
}
