/**
 * `workflow`: a child, which is an instance of its own. The task is open until the end of the child is heard, or done at
 * once for a detached one. Each attempt has a child of its own, asked for when the one before has left the books.
 */
import type { WorkflowNode } from '../../definition/types.ts';
import type { TaskPath } from '../../ids.ts';
import { childIdOf } from '../../instance/children/child-id.ts';
import { boundedMessage } from '../../instance/expressions/evaluate.ts';
import { taskCompleted, taskFailed } from '../../instance/history/event-builders.ts';
import { bookAt, isFirstRun, scopePathOf, taskAt } from '../../instance/state/scopes.ts';
import type { NewEvent, View } from '../../instance/view.ts';
import { after, evaluateFor, type NodeBehaviour, type Opening, openedOf, subjectOf } from '../common/behaviour.ts';

/** Instances that may stand above a child. */
export const DEPTH_MAX = 16;

export const workflow: NodeBehaviour<'workflow'> = {
  open,
  fire: (_view, task) => [taskFailed(task, 'timedOut', { code: 'TIMEOUT', message: 'The child did not end within the timeout.' })],
  waitingFor: ({ definitionId: id, version, childId: instanceId }) => ({ kind: 'child', definition: { id, version }, instanceId }),
};

function open(opening: Opening<WorkflowNode>): readonly NewEvent[] {
  const { node, view } = opening;
  const input = boundedMessage(view.limits, 'input', evaluateFor(opening, node.input));
  const { definition: definitionId, version, detached } = node;
  const given = [definitionId, version, detached, input];
  if ((view.state.parent?.depth ?? 0) >= DEPTH_MAX) {
    const message = `${DEPTH_MAX} instances stand above this one already, each the child of the one before: this is the last that may be.`;
    return [taskFailed(subjectOf(opening, given), 'failed', { code: 'MR_CHILD_TOO_DEEP', message })];
  }
  const timeoutAt = after(opening, node.timeout);
  return [{ type: 'WorkflowOpened', ...openedOf(opening, given), definitionId, version, detached, input, timeoutAt }];
}

/** Asks for the child that the task needs, unless an earlier one of it is still in the books. */
export function requestChild(view: View, path: TaskPath): readonly NewEvent[] {
  const task = taskAt(view.state, path);
  if (task?.type !== 'workflow' || task.status !== 'open' || task.childId !== null) return [];
  const isFirstToAsk = task.attempt === 1 && isFirstRun(view.state, scopePathOf(path));
  if (!isFirstToAsk && bookAt(view.state, path) !== undefined) return [];
  const childId = childIdOf(view.state.instanceId, task, view.now);
  const requested: NewEvent = { type: 'ChildRequested', path, attempt: task.attempt, childId };
  return task.detached ? [requested, taskCompleted(task, { instanceId: childId })] : [requested];
}
