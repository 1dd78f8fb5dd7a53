/** Automated tasks that have been open for long, by instance and path. Paused instances are left out. */
import { type EpochMs, firstIdAt, type InstanceId, type TaskPath } from '../../core/ids.ts';
import { hasEnded, statusOf } from '../../core/instance/state/state.ts';
import type { OpenAutomatedTask, OpenTasksLimits, OpenTasksPage, OpenTasksPosition } from '../instance-store.ts';
import type { MemoryTables, StoredTask } from './tables.ts';

export function openAutomatedTasks(
  { instances }: MemoryTables,
  partitions: readonly number[],
  dispatchedBefore: EpochMs,
  limits: OpenTasksLimits,
  after: OpenTasksPosition | null,
): OpenTasksPage {
  const end = firstIdAt(dispatchedBefore);
  const moving = [...instances.entries()]
    .filter(([id, { state }]) => id < end && statusOf(state) !== 'paused' && !hasEnded(state) && (after === null || id >= after.instanceId))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const looked = moving.slice(0, limits.instances);
  const rows: { readonly partition: number; readonly task: StoredTask }[] = [];
  for (const [, { partition, tasks }] of looked) {
    if (!partitions.includes(partition)) continue;
    const later = [...tasks.values()].filter((task) => isAfter(task, after)).sort((a, b) => (a.path < b.path ? -1 : 1));
    for (const task of later) rows.push({ partition, task });
  }
  const tasks = rows.slice(0, limits.tasks).flatMap(({ partition, task }) => openTaskOf(partition, task, dispatchedBefore));
  const lastTask = rows[limits.tasks - 1]?.task;
  if (lastTask !== undefined) return { tasks, next: { instanceId: lastTask.instanceId, path: lastTask.path } };
  const lastInstance = looked[limits.instances - 1]?.[0];
  return { tasks, next: lastInstance === undefined ? null : { instanceId: lastInstance, path: null } };
}

function isAfter(
  { instanceId, path }: { readonly instanceId: InstanceId; readonly path: TaskPath },
  after: OpenTasksPosition | null,
): boolean {
  return after === null || instanceId > after.instanceId || (after.path !== null && path > after.path);
}

function openTaskOf(partition: number, task: StoredTask, before: EpochMs): readonly OpenAutomatedTask[] {
  const { instanceId, path, attempt, type, queue, status, timeoutMs, dispatchedAt } = task;
  if (status !== 'scheduled' || dispatchedAt === null || dispatchedAt >= before || timeoutMs === null) return [];
  if (type !== 'http' && type !== 'task') return [];
  return [{ instanceId, partition, path, attempt, type, queue, timeoutMs, dispatchedAt }];
}
