/** A person completes or fails an open human task. */
import { invariant } from '../../assert.ts';
import type { CommandId } from '../../ids.ts';
import type { CommandIssued } from '../../instance/decide/notification.ts';
import { taskCompleted, taskFailed } from '../../instance/history/event-builders.ts';
import { taskAt } from '../../instance/state/scopes.ts';
import type { NewEvent, View } from '../../instance/view.ts';

type Answer = CommandIssued['command'] & { readonly type: 'completeTask' | 'failTask' };

/** Relies on the command's preconditions: the task is open for a person under the attempt that the person saw. */
export function answerTask(view: View, answer: Answer, who: { readonly by: string; readonly commandId: CommandId }): NewEvent {
  const task = taskAt(view.state, answer.path);
  invariant(task?.type === 'human' && task.status === 'open', 'the preconditions of the command hold');
  return answer.type === 'completeTask' ? taskCompleted(task, answer.output, who) : taskFailed(task, 'failed', answer.error, who);
}
