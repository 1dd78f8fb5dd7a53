/** What became of each node of an instance: of a node in a loop, what needs a person first, then what is under way, then how it ended. */
import { incidentsOf, tasksOf } from '../core/instance/state/scopes.ts';
import { type InstanceState, isOpen, type TaskState } from '../core/instance/state/state.ts';
import type { NodeStatus, Statuses } from './picture.ts';

/** The first that any task of the node has is the node's. */
const importance: readonly NodeStatus[] = ['incident', 'failed', 'running', 'completed', 'cancelled', 'skipped'];

/** @param state with all its scopes. Items and rounds that are over are no longer in it, so they colour nothing. */
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
