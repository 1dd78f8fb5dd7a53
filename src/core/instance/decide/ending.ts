/**
 * An instance fails, is cancelled or times out. If compensations have work to undo, or a worker may still do such work, the
 * instance is `ending` first; `follow-ups/undo.ts` continues from there.
 */
import type { Definition } from '../../definition/types.ts';
import { compensationOf } from '../../nodes/compensation.ts';
import { openScopes, taskAt } from '../state/scopes.ts';
import type { EndGoal, TaskState } from '../state/state.ts';
import type { NewEvent, View } from '../view.ts';
import { cancelAll } from './cancel.ts';

export function endInstance(view: View, goal: EndGoal): readonly NewEvent[] {
  const ended = cancelAll(view);
  if (!isAnythingToUndo(view)) return [...ended, endedAs(goal)];
  return [...ended.map((event) => awaited(view, event)), { type: 'InstanceEnding', goal }];
}

export function endedAs(goal: EndGoal): NewEvent {
  switch (goal.status) {
    case 'failed':
      return { type: 'InstanceFailed', error: goal.error, nodeId: goal.nodeId };
    case 'cancelled':
      return { type: 'InstanceCancelled', by: goal.by, commandId: goal.commandId, reason: goal.reason };
  }
}

function isAnythingToUndo({ definition, state }: View): boolean {
  if (definition.onFailure !== 'compensate') return false;
  const { done, awaited, awaitedChildren = 0 } = state.undo ?? { done: 0, awaited: 0 };
  if (done + awaited + awaitedChildren > 0) return true;
  return openScopes(state).some(({ tasks }) => Object.values(tasks).some((task) => mayBeDone(definition, task)));
}

function mayBeDone(definition: Definition, task: TaskState): boolean {
  return mayStillBeDone(task) && compensationOf(definition, task.nodeId) !== null;
}

/** A worker or a child may complete it, though its node is cancelled. */
export function mayStillBeDone(task: TaskState): boolean {
  if (task.type === 'workflow') return task.status === 'open' && task.childId !== null && !task.detached;
  return task.status === 'scheduled';
}

/** All tasks that workers have are awaited, with or without a compensation: nothing is undone while a worker may still do something. */
function awaited(view: View, event: NewEvent): NewEvent {
  if (event.type !== 'TaskCancelled' || taskAt(view.state, event.path)?.status !== 'scheduled') return event;
  return { ...event, isAwaited: true };
}
