/** Claims of human tasks. A claim belongs to an attempt. */
import type { InstanceId, TaskPath } from '../../core/ids.ts';
import { type MemoryTables, taskKey } from './tables.ts';

export function claimOf(tables: MemoryTables, instanceId: InstanceId, path: TaskPath): string | null {
  const open = tables.humanTasks.get(taskKey(instanceId, path));
  const claim = tables.claims.get(taskKey(instanceId, path));
  return open === undefined || claim?.attempt !== open.attempt ? null : claim.assignee;
}

export function claim(
  tables: MemoryTables,
  instanceId: InstanceId,
  path: TaskPath,
  assignee: string,
): { readonly assignee: string; readonly won: boolean } | null {
  const open = tables.humanTasks.get(taskKey(instanceId, path));
  if (open === undefined) return null;
  const holder = claimOf(tables, instanceId, path);
  if (holder !== null) return { assignee: holder, won: false };
  tables.claims.set(taskKey(instanceId, path), { attempt: open.attempt, assignee });
  return { assignee, won: true };
}

/** @param assignee whose claim it must be; null: anybody's. */
export function unclaim(tables: MemoryTables, instanceId: InstanceId, path: TaskPath, assignee: string | null): boolean {
  const holder = claimOf(tables, instanceId, path);
  if (holder === null || (assignee !== null && holder !== assignee)) return false;
  return tables.claims.delete(taskKey(instanceId, path));
}
