/** `human`: a task for people, with its due time, reminders, escalations and timeout. */
import { assertNever, invariant } from '../../assert.ts';
import type { ApprovalSetting, HumanNode } from '../../definition/types.ts';
import { durationMs, UnfitValueError } from '../../instance/expressions/evaluate.ts';
import { taskFailed } from '../../instance/history/event-builders.ts';
import type { Approvals, LaterEscalation, TimerKind } from '../../instance/state/state.ts';
import type { NewEvent, View } from '../../instance/view.ts';
import { after, evaluateFor, type NodeBehaviour, type Opening, openedOf, type TaskOf } from '../common/behaviour.ts';
import { assigneesOf, peopleOf, stringOf } from '../common/values.ts';
import { instant, type WaitingFor } from '../common/waiting-for.ts';

/** Longest title, in characters. */
const TITLE_LENGTH_MAX = 2_000;

export const human: NodeBehaviour<'human'> = { open, fire, waitingFor };

function open(opening: Opening<HumanNode>): readonly NewEvent[] {
  const { node, view } = opening;
  const title = stringOf(evaluateFor(opening, node.title), 'title', TITLE_LENGTH_MAX);
  const assignees = assigneesOf(evaluateFor(opening, node.assignees), 'assignees');
  const [reminder, ...laterReminders] = remindersOf(opening);
  const [escalation, ...laterEscalations] = escalationsOf(opening);
  const times = {
    dueAt: after(opening, node.due),
    reminderAt: reminder === undefined ? null : view.now + reminder,
    escalation: escalation === undefined ? null : { at: view.now + escalation.afterMs, to: escalation.to },
    timeoutAt: after(opening, node.timeout),
  };
  const more = {
    ...(laterReminders.length === 0 ? {} : { laterReminders }),
    ...(laterEscalations.length === 0 ? {} : { laterEscalations }),
    ...(node.outcomes === null ? {} : { outcomes: node.outcomes }),
    ...(node.approvals === null ? {} : { approvals: approvalsOf(opening, node.approvals) }),
  };
  const opened = openedOf(opening, [title, assignees.users, assignees.roles]);
  return [{ type: 'HumanTaskOpened', ...opened, title, assignees, ...times, ...more }];
}

function remindersOf(opening: Opening<HumanNode>): readonly number[] {
  const { view, scope, node } = opening;
  return gapsOf(
    node.reminders.map((setting) => durationMs(view, scope, setting)),
    'reminder',
  );
}

function escalationsOf(opening: Opening<HumanNode>): readonly LaterEscalation[] {
  const { view, scope, node } = opening;
  const gaps = gapsOf(
    node.escalations.map((step) => durationMs(view, scope, step.after)),
    'escalate',
  );
  return node.escalations.map(({ to }, index) => ({
    afterMs: gaps[index] ?? 0,
    to: assigneesOf(evaluateFor(opening, to), 'escalate.to'),
  }));
}

/** All count from the opening; what is kept is how long each comes after the one before. */
function gapsOf(times: readonly number[], field: string): readonly number[] {
  const gaps = times.map((time, index) => time - (times[index - 1] ?? 0));
  if (gaps.some((gap) => gap <= 0)) throw new UnfitValueError(`Each step of \`${field}\` must come after the one before.`);
  return gaps;
}

function approvalsOf(opening: Opening<HumanNode>, { atLeast, of, notBy }: ApprovalSetting): Approvals {
  return { atLeast, of, notBy: notBy === null ? [] : peopleOf(evaluateFor(opening, notBy), 'approvals.notBy') };
}

function fire(_view: View, task: TaskOf<'human'>, _node: HumanNode, timer: TimerKind): readonly NewEvent[] {
  const { path } = task;
  switch (timer) {
    case 'reminder':
      return [{ type: 'HumanTaskReminded', path }];
    case 'escalation':
      invariant(task.escalateTo !== null, 'an escalation has somebody to go to');
      return [{ type: 'HumanTaskEscalated', path, assignees: task.escalateTo }];
    case 'timeout':
      return [taskFailed(task, 'timedOut', { code: 'TIMEOUT', message: 'Nobody completed the task within its timeout.' })];
    case 'retry':
    case 'wait':
    case 'queueTimeout':
    case 'loop':
    case 'step':
    case 'instanceTimeout':
      invariant(false, `a human task has no timer "${timer}"`);
      return [];
    default:
      return assertNever(timer);
  }
}

function waitingFor({ assignees, title, dueAt, approvals, votes = [] }: TaskOf<'human'>): WaitingFor {
  const { users, roles } = assignees;
  return {
    kind: 'person',
    ...{ assignees: { users: [...users], roles: [...roles] }, title, dueAt: dueAt === null ? null : instant(dueAt) },
    ...(approvals === undefined ? {} : { votes: votes.length, atLeast: approvals.atLeast }),
  };
}
