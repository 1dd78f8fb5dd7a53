/**
 * An instance fails, is cancelled or times out. Where something was done that compensations undo, or may be done yet by a
 * worker, it is ending first: see `follow-ups/undo.ts` for what comes then.
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
  if (state.undo !== undefined && state.undo.done + state.undo.awaited > 0) return true;
  return openScopes(state).some(({ tasks }) => Object.values(tasks).some((task) => mayBeDone(definition, task)));
}

function mayBeDone(definition: Definition, task: TaskState): boolean {
  return task.status === 'scheduled' && compensationOf(definition, task.nodeId) !== null;
}

/** What is with a worker is awaited, whether it has a compensation or not: nothing is undone while something may still be done. */
function awaited(view: View, event: NewEvent): NewEvent {
  if (event.type !== 'TaskCancelled' || taskAt(view.state, event.path)?.status !== 'scheduled') return event;
  return { ...event, isAwaited: true };
}
