/** Timers that are due: deleted, and turned into messages. */
import type { DueTimer } from '../../core/due-timer.ts';
import type { EpochMs } from '../../core/ids.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { queueName } from '../../core/queues.ts';
import { type FiredTimers, timeoutHeldMsMax } from '../instance-store.ts';
import { type ArmedTimer, type MemoryTables, taskKey } from './tables.ts';

export function fireTimers(
  tables: MemoryTables,
  limit: number,
  encode: (timer: DueTimer) => OutboxMessage,
  eventsReadUntil: EpochMs,
): FiredTimers {
  const now = tables.now();
  const held = (timer: DueTimer) => isHeld(tables, timer, Math.max(eventsReadUntil, now - timeoutHeldMsMax), now);
  const inOrder = [...tables.timers.values()]
    .map((timer) => ({ timer, at: timer.dueAt + stoodStill(tables, timer, now) }))
    .filter(({ at }) => at !== Number.POSITIVE_INFINITY)
    .sort((a, b) => a.at - b.at);
  const free = inOrder.filter(({ timer }) => !held(timer));
  const due = free.slice(0, limit).flatMap(({ timer: { armedAt: _, ...timer }, at }) => (at <= now ? [timer] : []));
  const messages = due.map(encode);
  tables.outbox.check(messages);
  for (const { instanceId, timerId } of due) tables.timers.delete(taskKey(instanceId, timerId));
  tables.outbox.add(messages, now);
  return { fired: due.length, held: free.length < inOrder.length, nextDueAt: free[due.length]?.at ?? null, now };
}

/** How long the queue of a queueTimeout's task has been paused since; for ever while it is paused. */
function stoodStill({ instances, queuePauses }: MemoryTables, { kind, path, instanceId, armedAt }: ArmedTimer, now: EpochMs): number {
  const task = kind !== 'queueTimeout' || path === null ? undefined : instances.get(instanceId)?.tasks.get(path);
  if (task === undefined) return 0;
  const since = Math.min(task.dispatchedAt ?? armedAt, armedAt);
  let ms = 0;
  for (const { queue, at, resumedAt } of queuePauses) {
    if (queue !== queueName(task.queue)) continue;
    if (resumedAt === null) return Number.POSITIVE_INFINITY;
    ms += Math.max(0, Math.min(resumedAt, now) - Math.max(at, since));
  }
  return ms;
}

/** A timeout of a wait whose event may have come, and is not correlated yet. */
function isHeld(tables: MemoryTables, { kind, path, instanceId, dueAt }: DueTimer, until: EpochMs, now: EpochMs): boolean {
  if (kind !== 'timeout' || path === null || dueAt > now || dueAt <= until) return false;
  return tables.events.waits.has(taskKey(instanceId, path));
}
