/** Automated tasks that have been open for long, by instance and path. Paused instances are left out. */
import type { EpochMs, InstanceId, TaskPath } from '../../core/ids.ts';
import { hasEnded, statusOf } from '../../core/instance/state/state.ts';
import type { OpenAutomatedTask } from '../instance-store.ts';
import type { MemoryTables, StoredTask } from './tables.ts';

type Position = { readonly instanceId: InstanceId; readonly path: TaskPath };

export function openAutomatedTasks(
  { instances }: MemoryTables,
  partitions: readonly number[],
  dispatchedBefore: EpochMs,
  limit: number,
  after: Position | null,
): readonly OpenAutomatedTask[] {
  const found: OpenAutomatedTask[] = [];
  for (const { partition, state, tasks } of instances.values()) {
    const status = statusOf(state);
    if (!partitions.includes(partition) || status === 'paused' || hasEnded(state)) continue;
    for (const task of tasks.values()) {
      const open = openTaskOf(partition, task);
      if (open !== null && open.dispatchedAt < dispatchedBefore && (after === null || compare(open, after) > 0)) found.push(open);
    }
  }
  return found.sort(compare).slice(0, limit);
}

function openTaskOf(partition: number, task: StoredTask): OpenAutomatedTask | null {
  const { instanceId, path, attempt, type, queue, status, timeoutMs, dispatchedAt } = task;
  if (status !== 'scheduled' || dispatchedAt === null || timeoutMs === null || (type !== 'http' && type !== 'task')) return null;
  return { instanceId, partition, path, attempt, type, queue, timeoutMs, dispatchedAt };
}

function compare(a: Position, b: Position): number {
  if (a.instanceId !== b.instanceId) return a.instanceId < b.instanceId ? -1 : 1;
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
