/**
 * The status of each node of an instance. A node in a loop has many tasks: those that need a person come first, then those under
 * way, then ended ones.
 */
import { incidentsOf, tasksOf } from '../core/instance/state/scopes.ts';
import { type InstanceState, isOpen, type TaskState } from '../core/instance/state/state.ts';
import type { NodeStatus, Statuses } from './picture.ts';

/** A node has the first of these that any of its tasks has. */
const importance: readonly NodeStatus[] = ['incident', 'failed', 'running', 'completed', 'cancelled', 'skipped'];

/** @param state with all its scopes. Items and rounds that are over are no longer in it, so they do not count. */
export function statusesOf(state: InstanceState): Statuses {
  const incidents = incidentsOf(state);
  const found = new Map<string, NodeStatus>();
  for (const task of tasksOf(state)) {
    const status = Object.hasOwn(incidents, task.path) ? 'incident' : statusOf(task);
    const before = found.get(task.nodeId);
    if (before === undefined || importance.indexOf(status) < importance.indexOf(before)) found.set(task.nodeId, status);
  }
  return found;
}

function statusOf(task: TaskState): NodeStatus {
  if (isOpen(task)) return 'running';
  return task.status === 'timedOut' ? 'failed' : task.status;
}
