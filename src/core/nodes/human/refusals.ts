/** Why a person cannot do this to a task of people, now. */
import type { TaskPath } from '../../ids.ts';
import type { PersonCommand } from '../../instance/decide/notification.ts';
import type { Rejection } from '../../instance/decide/rejection.ts';
import { taskAt } from '../../instance/state/scopes.ts';
import type { InstanceState } from '../../instance/state/state.ts';

/** Comments, and delegations, of one task: its state holds them while it is open. */
const remarksMax = 20;

export function refusalOfPerson(state: InstanceState, command: PersonCommand, by: string): Rejection | null {
  const { path, attempt } = command;
  const task = taskAt(state, path);
  if (task === undefined) return { code: 'MR_TASK_UNKNOWN', reason: `The instance has no task ${path}.` };
  if (task.type !== 'human' || task.status !== 'open')
    return { code: 'MR_TASK_NOT_OPEN', reason: `The task ${path} is not open for a person.` };
  if (attempt !== task.attempt)
    return { code: 'MR_TASK_NOT_OPEN', reason: `Attempt ${attempt} of the task ${path} is over; attempt ${task.attempt} is open.` };
  const { approvals, votes = [], outcomes = null, comments = [], delegations = [] } = task;
  const facts = { path, notBy: approvals?.notBy ?? [], voters: votes.map((vote) => vote.by), outcomes };
  return refusalOn({ ...facts, comments: comments.length, delegations: delegations.length }, command, by);
}

/** What of an open task says who may do what to it. */
export type TaskFacts = {
  readonly path: TaskPath;
  /** Who may not decide it, and who has. */
  readonly notBy: readonly string[];
  readonly voters: readonly string[];
  readonly outcomes: readonly string[] | null;
  /** How many it has. */
  readonly comments: number;
  readonly delegations: number;
};

/** Of a task that is open under the attempt that the command names. */
export function refusalOn(task: TaskFacts, command: PersonCommand, by: string): Rejection | null {
  switch (command.type) {
    case 'completeTask':
    case 'voteTask':
      return refusalOfDecision(task, by) ?? refusalOfVote(task, by) ?? refusalOfOutcome(task, command.outcome ?? null);
    case 'failTask':
      return refusalOfDecision(task, by);
    case 'delegateTask':
      return refusalOfDecision(task, command.to) ?? refusalOfVote(task, command.to) ?? refusalOfRemark(task, 'delegations');
    case 'commentTask':
      return refusalOfRemark(task, 'comments');
  }
}

/** Four eyes: who is named by `notBy` does not decide, whoever speaks for that person. */
function refusalOfDecision({ notBy }: TaskFacts, person: string): Rejection | null {
  if (!notBy.includes(person)) return null;
  return { code: 'MR_TASK_EXCLUDED', reason: `${person} may not decide this task: "notBy" of its node names this person.` };
}

function refusalOfVote({ path, voters }: TaskFacts, person: string): Rejection | null {
  if (!voters.includes(person)) return null;
  return { code: 'MR_TASK_VOTED', reason: `${person} has voted on the task ${path} already.` };
}

function refusalOfOutcome({ outcomes }: TaskFacts, outcome: string | null): Rejection | null {
  if (outcomes === null)
    return outcome === null ? null : { code: 'MR_TASK_OUTCOME', reason: 'The task has no outcomes to choose from: leave "outcome" out.' };
  if (outcome !== null && outcomes.includes(outcome)) return null;
  return { code: 'MR_TASK_OUTCOME', reason: `"outcome" must be one of ${outcomes.map((each) => `"${each}"`).join(', ')}.` };
}

function refusalOfRemark(task: TaskFacts, kind: 'comments' | 'delegations'): Rejection | null {
  if (task[kind] < remarksMax) return null;
  return { code: 'MR_TASK_FULL', reason: `The task has ${remarksMax} ${kind}, as many as it may have.` };
}
