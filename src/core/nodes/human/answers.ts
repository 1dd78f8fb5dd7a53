/** What a person does to an open human task: completes it or votes, fails it, hands it to somebody else, comments on it. */
import { invariant } from '../../assert.ts';
import type { CommandId } from '../../ids.ts';
import type { PersonCommand } from '../../instance/decide/notification.ts';
import { taskCompleted, taskFailed } from '../../instance/history/event-builders.ts';
import { taskAt } from '../../instance/state/scopes.ts';
import type { Assignees, HumanTask } from '../../instance/state/state.ts';
import type { NewEvent, View } from '../../instance/view.ts';
import { isJsonObject } from '../../json.ts';
import { castVote } from './votes.ts';

type Who = { readonly by: string; readonly commandId: CommandId };

/** Relies on the command's preconditions: the task is open for this person under the attempt that the person saw. */
export function actOnTask(view: View, command: PersonCommand, who: Who): readonly NewEvent[] {
  const task = taskAt(view.state, command.path);
  invariant(task?.type === 'human' && task.status === 'open', 'the preconditions of the command hold');
  const { path, approvals } = task;
  switch (command.type) {
    case 'completeTask':
    case 'voteTask':
      return approvals === undefined ? [complete(task, command, who)] : castVote(view, { ...task, approvals }, command, who);
    case 'failTask':
      return [taskFailed(task, 'failed', command.error, who)];
    case 'delegateTask': {
      const { to, comment } = command;
      return [{ type: 'HumanTaskDelegated', path, to, assignees: delegated(task, who.by, to), comment, ...who }];
    }
    case 'commentTask':
      return [{ type: 'HumanTaskCommented', path, text: command.text, ...who }];
  }
}

function complete(task: HumanTask, answer: PersonCommand & { readonly type: 'completeTask' | 'voteTask' }, who: Who): NewEvent {
  const { output, outcome, comment } = answer;
  const whole = outcome === undefined ? output : { ...(isJsonObject(output) ? output : {}), outcome };
  const more = { ...(outcome === undefined ? {} : { outcome }), ...(comment === undefined ? {} : { comment }) };
  return { ...taskCompleted(task, whole, who), ...more };
}

/** If one person decides, the task is now assigned to the other alone; if several do, the other replaces this person. */
function delegated({ assignees, approvals }: HumanTask, by: string, to: string): Assignees {
  if (approvals === undefined || approvals.atLeast === 1) return { users: [to], roles: [] };
  return { users: [...assignees.users.filter((user) => user !== by && user !== to), to], roles: assignees.roles };
}
