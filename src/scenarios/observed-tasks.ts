/**
 * The state of each task, by the history: the state of an instance drops the tasks of items that are over, but scenarios may
 * expect them.
 */
import type { NodeId, TaskPath } from '../core/ids.ts';
import type { InstanceEvent } from '../core/instance/history/events.ts';
import { nodeIdOfPath, tasksOf } from '../core/instance/state/scopes.ts';
import { type Assignees, errorOf, type InstanceState, type TaskStatus } from '../core/instance/state/state.ts';
import type { HistoryEntry } from '../core/instance/step.ts';
import type { Json } from '../core/json.ts';

export type ObservedTask = {
  readonly nodeId: NodeId;
  readonly status: TaskStatus;
  /** null for a task that was skipped or cancelled before it opened. */
  readonly attempt: number | null;
  readonly input: Json;
  readonly output: Json;
  readonly error: string | null;
  readonly title: string | null;
  readonly assignees: Assignees | null;
};

const nothing = { attempt: null, input: null, output: null, error: null, title: null, assignees: null };

export function observeTasks(state: InstanceState, history: readonly HistoryEntry[]): ReadonlyMap<TaskPath, ObservedTask> {
  const tasks = new Map<TaskPath, ObservedTask>();
  for (const { event } of history) {
    const path = 'path' in event ? event.path : null;
    const change = changeBy(event);
    if (path === null || change === null) continue;
    const before = tasks.get(path) ?? { ...nothing, nodeId: nodeIdOfPath(path), status: 'open' };
    tasks.set(path, { ...before, ...change });
  }
  for (const task of tasksOf(state)) {
    const before = tasks.get(task.path) ?? { ...nothing, nodeId: task.nodeId };
    const { status } = task;
    const ran = status !== 'skipped' && !(status === 'cancelled' && before.attempt === null);
    const human = task.type === 'human' && task.status === 'open' ? { assignees: task.assignees } : {};
    tasks.set(task.path, { ...before, status, attempt: ran ? task.attempt : null, error: errorOf(task)?.code ?? null, ...human });
  }
  return tasks;
}

/** The change of a task by an entry; null when it changes nothing that scenarios can expect. */
function changeBy(event: InstanceEvent): Partial<ObservedTask> | null {
  switch (event.type) {
    case 'TaskScheduled':
      return { status: 'scheduled', attempt: event.attempt, input: event.payload.input, output: null, error: null };
    case 'WorkflowOpened':
      return { status: 'open', attempt: event.attempt, input: event.input, output: null, error: null };
    case 'AttemptStarted':
      return { status: 'scheduled', attempt: event.attempt };
    case 'HumanTaskOpened':
      return { status: 'open', attempt: event.attempt, title: event.title, assignees: event.assignees };
    case 'HumanTaskEscalated':
      return { assignees: event.assignees };
    case 'TaskCompleted':
      return { status: 'completed', attempt: event.attempt, output: event.output, error: null };
    case 'TaskFailed':
      return { status: event.status, attempt: event.attempt, error: event.error.code };
    case 'TaskCancelled':
      return { status: 'cancelled' };
    case 'NodeSkipped':
      return { status: 'skipped' };
    default:
      return null;
  }
}
