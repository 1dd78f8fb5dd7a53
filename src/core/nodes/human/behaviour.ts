/** `human`: a task for people, with its due time, reminder, escalation and timeout. */
import { assertNever, invariant } from '../../assert.ts';
import type { HumanNode } from '../../definition/types.ts';
import { durationMs } from '../../instance/expressions/evaluate.ts';
import { taskFailed } from '../../instance/history/event-builders.ts';
import type { TimerKind } from '../../instance/state/state.ts';
import type { NewEvent, View } from '../../instance/view.ts';
import { after, evaluateFor, type NodeBehaviour, type Opening, openedOf, type TaskOf } from '../common/behaviour.ts';
import { assigneesOf, stringOf } from '../common/values.ts';
import { instant, type WaitingFor } from '../common/waiting-for.ts';

/** Longest title, in characters. */
const TITLE_LENGTH_MAX = 2_000;

export const human: NodeBehaviour<'human'> = { open, fire, waitingFor };

function open(opening: Opening<HumanNode>): readonly NewEvent[] {
  const { node } = opening;
  const title = stringOf(evaluateFor(opening, node.title), 'title', TITLE_LENGTH_MAX);
  const assignees = assigneesOf(evaluateFor(opening, node.assignees), 'assignees');
  const times = { dueAt: after(opening, node.due), reminderAt: after(opening, node.reminder), timeoutAt: after(opening, node.timeout) };
  const escalation = node.escalate === null ? null : escalationOf(opening, node.escalate);
  const opened = openedOf(opening, [title, assignees.users, assignees.roles]);
  return [{ type: 'HumanTaskOpened', ...opened, title, assignees, ...times, escalation }];
}

function escalationOf(opening: Opening<HumanNode>, { after: delay, to }: NonNullable<HumanNode['escalate']>) {
  const { view, scope } = opening;
  return { at: view.now + durationMs(view, scope, delay), to: assigneesOf(evaluateFor(opening, to), 'escalate.to') };
}

function fire(_view: View, task: TaskOf<'human'>, _node: HumanNode, timer: TimerKind): readonly NewEvent[] {
  const { path } = task;
  switch (timer) {
    case 'reminder':
      return [{ type: 'HumanTaskReminded', path }];
    case 'escalation':
      invariant(task.escalateTo !== null, 'an escalation fires once');
      return [{ type: 'HumanTaskEscalated', path, assignees: task.escalateTo }];
    case 'timeout':
      return [taskFailed(task, 'timedOut', { code: 'TIMEOUT', message: 'Nobody completed the task within its timeout.' })];
    case 'retry':
    case 'wait':
    case 'queueTimeout':
    case 'loop':
    case 'instanceTimeout':
      invariant(false, `a human task has no timer "${timer}"`);
      return [];
    default:
      return assertNever(timer);
  }
}

function waitingFor({ assignees, title, dueAt }: TaskOf<'human'>): WaitingFor {
  const { users, roles } = assignees;
  return { kind: 'person', assignees: { users: [...users], roles: [...roles] }, title, dueAt: dueAt === null ? null : instant(dueAt) };
}
