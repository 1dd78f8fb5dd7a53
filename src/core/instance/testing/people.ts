/** People who act on the tasks of random instances. */
import type { PersonCommand } from '../decide/notification.ts';
import type { HumanTask } from '../state/state.ts';
import type { Chance } from './chance.ts';

const people = ['ada', 'bob', 'cleo', 'dan', 'eve'];

export type Act = { readonly command: PersonCommand; readonly by: string };

/** What brings the task nearer to its end: whoever may decide it chooses the first outcome. */
export function decision(task: HumanTask): Act {
  const { path, attempt, votes = [], approvals, outcomes } = task;
  const by = people.find((each) => !votes.some((vote) => vote.by === each) && approvals?.notBy.includes(each) !== true) ?? 'zoe';
  const type = approvals === undefined ? 'completeTask' : 'voteTask';
  return { command: { type, path, attempt, output: {}, ...(outcomes?.[0] === undefined ? {} : { outcome: outcomes[0] }) }, by };
}

/** Also what the task refuses: a second vote, an outcome that there is not, somebody whom `notBy` names. */
export function anyAct(chance: Chance, task: HumanTask): Act {
  const { path, attempt, approvals, outcomes = [] } = task;
  const by = chance.pick(people) ?? 'ada';
  switch (chance.below(8)) {
    case 0:
      return { command: { type: 'failTask', path, attempt, error: { code: chance.below(2) === 0 ? 'FATAL' : 'BUSY', message: 'no' } }, by };
    case 1:
      return { command: { type: 'delegateTask', path, attempt, to: chance.pick(people) ?? 'ada', comment: null }, by };
    case 2:
      return { command: { type: 'commentTask', path, attempt, text: 'Looks odd.' }, by };
    default: {
      const outcome = chance.pick(chance.below(8) === 0 ? ['unknown'] : outcomes);
      const type = approvals === undefined ? 'completeTask' : 'voteTask';
      const answer = { type, path, attempt, output: { by: chance.below(9) } } as const;
      return { command: outcome === undefined ? answer : { ...answer, outcome }, by };
    }
  }
}
