/** Whether as many people can vote as must: told at deploy where all of them are written out, and nowhere else. */
import { expect, it } from 'vitest';
import { errorsOf, nodeOf } from '../../definition/testing/documents.ts';
import type { JsonObject } from '../../json.ts';

const told = (more: JsonObject): readonly string[] =>
  errorsOf(nodeOf({ type: 'human', title: 'Sign', assignees: { users: ['ada', 'ben'] }, approvals: { atLeast: 3 }, ...more })).map(
    ({ pointer, message }) => `${pointer} ${message}`,
  );

it('says who can vote', () => {
  expect(told({})).toEqual([
    '/nodes/n/approvals/atLeast "atLeast" is 3, but only ada, ben can vote. Name more users in "assignees", or a role.',
  ]);
  expect(told({ approvals: { notBy: ['ada', 'ben'] } })).toEqual([
    '/nodes/n/approvals/atLeast "atLeast" is 1, but nobody can vote. Name more users in "assignees", or a role.',
  ]);
});

it('counts those of escalations, without whom it excludes', () => {
  const escalate = [{ after: '1d', to: { users: ['ben', 'cy'] } }];
  expect(told({ escalate, approvals: { atLeast: 3, notBy: ['ada'] } })).toEqual([
    '/nodes/n/approvals/atLeast "atLeast" is 3, but only ben, cy can vote. Name more users in "assignees", or a role.',
  ]);
});

it.each<readonly [string, JsonObject]>([
  ['enough can vote, though not as many as may', { outcomes: ['yes', 'no'], approvals: { atLeast: 2, of: 3 } }],
  ['there are as many', { approvals: { atLeast: 2, notBy: 'eve' } }],
  ['an escalation brings others', { escalate: { after: '1d', to: { users: ['cy'] } } }],
  ['a role may be anybody', { assignees: { users: ['ada'], roles: ['board'] } }],
  ['an escalation goes to a role', { escalate: [{ after: '1d', to: { roles: ['board'] } }] }],
  ['an expression says who', { assignees: { users: '${ input.people }' } }],
  ['an expression says one of them', { assignees: { users: ['ada', '${ input.owner }'] } }],
  ['an expression says all', { assignees: '${ input.assignees }' }],
])('says nothing where %s', (_, more) => {
  expect(told(more)).toEqual([]);
});
