/** Tasks that several people decide, that go from one to another, and what each of them said. */
import { describe, expect, it } from 'vitest';
import { Scenario, T0 } from '../../../../test/support/scenario.ts';
import { errorsOf, graphOf, nodeOf } from '../../definition/testing/documents.ts';
import type { TaskPath } from '../../ids.ts';
import type { PersonCommand } from '../../instance/decide/notification.ts';
import type { Json, JsonObject } from '../../json.ts';

const human = { type: 'human', title: 'Approve', assignees: { roles: ['manager'] } };
const at = { path: 'n' as TaskPath, attempt: 1 };

function started(node: JsonObject, more: JsonObject = {}) {
  const scenario = new Scenario(nodeOf({ ...human, ...node }, more));
  const act = (by: string, command: PersonCommand) => scenario.command(command, by);
  return Object.assign(scenario, {
    vote: (by: string, outcome?: string, output: Json = {}) =>
      act(by, { ...at, type: 'voteTask', output, ...(outcome === undefined ? {} : { outcome }) }),
    delegate: (by: string, to: string) => act(by, { ...at, type: 'delegateTask', to, comment: 'you know more' }),
    comment: (by: string, text: string) => act(by, { ...at, type: 'commentTask', text }),
  });
}

describe('Outcomes', () => {
  const node = { outcomes: ['approve', 'refuse'] };

  it('are chosen from, and become part of the output that edges evaluate', () => {
    const edges = [
      { from: 'n', to: 'pay', when: "nodes.n.output.outcome == 'approve'" },
      { from: 'n', to: 'reject', otherwise: true },
    ];
    const step = { type: 'task', task: 'work' };
    const scenario = new Scenario(graphOf({ n: { ...human, ...node }, pay: step, reject: step }, edges));
    scenario.command({ ...at, type: 'completeTask', output: { note: 'no' }, outcome: 'refuse' }, 'ada');
    expect(scenario.task('n')).toMatchObject({ output: { note: 'no', outcome: 'refuse' }, completedBy: 'ada' });
    expect(scenario.open).toEqual(['reject']);
  });

  it.each<[string, string | undefined, string]>([
    ['that there is not', 'later', '"outcome" must be one of "approve", "refuse".'],
    ['that is missing', undefined, '"outcome" must be one of "approve", "refuse".'],
  ])('refuse one %s, and the task stays open', (_, outcome, reason) => {
    const scenario = started(node);
    scenario.command({ ...at, type: 'completeTask', output: {}, ...(outcome === undefined ? {} : { outcome }) }, 'ada');
    expect(scenario.rejected).toEqual(['MR_TASK_OUTCOME']);
    expect(scenario.effectsOf('commandRefused')).toMatchObject([{ code: 'MR_TASK_OUTCOME', reason }]);
    expect(scenario.open).toEqual(['n']);
  });

  it('refuse one where the node has none to choose from', () => {
    const scenario = new Scenario(nodeOf(human));
    scenario.command({ ...at, type: 'completeTask', output: {}, outcome: 'approve' }, 'ada');
    expect(scenario.rejected).toEqual(['MR_TASK_OUTCOME']);
  });
});

describe('Approvals', () => {
  it('need as many people as they say; the output has every vote, with who, when and what', () => {
    const scenario = started({ approvals: { atLeast: 2 } }, { output: '${ nodes.n.output }' });
    scenario.vote('ada', undefined, { note: 'fine' });
    expect(scenario.open).toEqual(['n']);
    expect(scenario.effectsOf('countVote')).toEqual([{ type: 'countVote', path: 'n' }]);
    scenario.after(60_000).vote('bob');
    expect(scenario.state.output).toEqual({
      outcome: null,
      votes: [
        { by: 'ada', at: new Date(T0).toISOString(), outcome: null, output: { note: 'fine' }, comment: null },
        { by: 'bob', at: new Date(T0 + 60_000).toISOString(), outcome: null, output: {}, comment: null },
      ],
    });
    expect(scenario.eventTypes.slice(-4)).toEqual(['HumanTaskVoted', 'TaskCompleted', 'NodeExited', 'InstanceCompleted']);
  });

  it('count the same vote once, and a second one of the same person not at all', () => {
    const scenario = started({ approvals: { atLeast: 2 } });
    const vote = scenario.issued({ ...at, type: 'voteTask', output: {} }, 'ada');
    scenario.send(vote).send(vote);
    expect(scenario.rejected).toEqual(['MR_COMMAND_REPEATED']);
    scenario.vote('ada');
    expect(scenario.rejected).toEqual(['MR_TASK_VOTED']);
    expect(scenario.task('n')).toMatchObject({ status: 'open', votes: [{ by: 'ada' }] });
  });

  it('end with the first of two last votes; the second is told so', () => {
    const scenario = started({ approvals: { atLeast: 2 } });
    scenario.vote('ada');
    scenario.send(
      scenario.issued({ ...at, type: 'voteTask', output: {} }, 'bob'),
      scenario.issued({ ...at, type: 'voteTask', output: {} }, 'cleo'),
    );
    expect(scenario.status).toBe('completed');
    expect(scenario.effectsOf('commandApplied')).toHaveLength(1);
    expect(scenario.effectsOf('commandRefused')).toMatchObject([{ code: 'MR_INSTANCE_ENDED' }]);
  });

  it('with outcomes end with the first outcome that has enough votes', () => {
    const scenario = started(
      { outcomes: ['approve', 'refuse'], approvals: { atLeast: 2, of: 3 } },
      { output: '${ nodes.n.output.outcome }' },
    );
    scenario.vote('ada', 'approve');
    scenario.vote('bob', 'refuse');
    expect(scenario.open).toEqual(['n']);
    scenario.vote('cleo', 'refuse');
    expect(scenario.state.output).toBe('refuse');
  });

  it('with outcomes fail with the counts once no outcome can have enough votes', () => {
    const scenario = started({ outcomes: ['approve', 'refuse', 'later'], approvals: { atLeast: 2, of: 3 } });
    for (const [by, outcome] of [
      ['ada', 'approve'],
      ['bob', 'refuse'],
      ['cleo', 'later'],
    ] as const)
      scenario.vote(by, outcome);
    expect(scenario.task('n')).toMatchObject({
      status: 'failed',
      error: { code: 'UNDECIDED', message: 'No outcome can have 2 votes any more: approve 1, refuse 1, later 1.' },
    });
  });

  it('are not given by whom notBy names, whatever way the task is ended, nor by delegation to them', () => {
    const first = { ...human, title: 'First' };
    const second = { ...human, approvals: { notBy: ['${ nodes.first.completedBy }', '${ instance.startedBy }', 'eve'] } };
    const scenario = new Scenario(graphOf({ first, n: second }, ['first>n'])).approves('first', {}, 'ada');
    expect(scenario.task('n')).toMatchObject({ approvals: { atLeast: 1, of: null, notBy: ['ada', 'tester', 'eve'] } });
    const error = { code: 'NO', message: 'no' };
    const commands: readonly (readonly [string, PersonCommand])[] = [
      ['ada', { ...at, type: 'voteTask', output: {} }],
      ['tester', { ...at, type: 'completeTask', output: {} }],
      ['eve', { ...at, type: 'failTask', error }],
      ['bob', { ...at, type: 'delegateTask', to: 'eve', comment: null }],
    ];
    for (const [by, command] of commands) expect(scenario.command(command, by).rejected).toEqual(['MR_TASK_EXCLUDED']);
    expect(scenario.effectsOf('commandRefused')).toMatchObject([
      { reason: 'eve may not decide this task: "notBy" of its node names this person.' },
    ]);
    expect(scenario.approves('n', {}, 'bob').status).toBe('completed');
  });

  it('take nobody for a name where the node before was not completed by a person', () => {
    const scenario = new Scenario(
      graphOf({ first: { type: 'transform', output: 1 }, n: { ...human, approvals: { notBy: '${ nodes.first.completedBy }' } } }, [
        'first>n',
      ]),
    );
    expect(scenario.task('n')).toMatchObject({ approvals: { notBy: [] } });
  });

  it('come under incident when notBy is no name', () => {
    const scenario = new Scenario(nodeOf({ ...human, approvals: { notBy: '${ input.who }' } }), { who: { id: 7 } });
    expect(scenario.incidents).toMatchObject({ n: { error: { code: 'MR_VALUE_UNFIT', message: '`approvals.notBy` must be a string.' } } });
  });

  it('refuse a vote with which the output would be larger than outputs may be', () => {
    const scenario = started({ approvals: { atLeast: 3 } });
    scenario.vote('ada', undefined, 'x'.repeat(300_000));
    scenario.vote('bob', undefined, 'x'.repeat(300_000));
    expect(scenario.rejected).toEqual(['MR_PAYLOAD_TOO_LARGE']);
    expect(scenario.vote('bob', undefined, 'small').task('n')).toMatchObject({ votes: [{ by: 'ada' }, { by: 'bob' }] });
  });

  it('are withdrawn with their task when another branch makes it needless', () => {
    const edges = ['n>join', 'quick>join'];
    const join = { type: 'task', task: 'work', join: 'any', cancelRest: true };
    const scenario = new Scenario(
      graphOf({ n: { ...human, approvals: { atLeast: 2 } }, quick: { type: 'task', task: 'work' }, join }, edges),
    );
    scenario.command({ ...at, type: 'voteTask', output: {} }, 'ada').completes('quick');
    expect(scenario.statuses).toEqual({ n: 'cancelled', quick: 'completed', join: 'scheduled' });
    expect(scenario.effectsOf('closeHumanTask')).toEqual([{ type: 'closeHumanTask', path: 'n' }]);
  });
});

describe('A delegation', () => {
  it('makes the task the other person’s alone, and is kept with who, when and why', () => {
    const scenario = started({}).delegate('ada', 'bob');
    expect(scenario.task('n')).toMatchObject({
      assignees: { users: ['bob'], roles: [] },
      delegations: [{ by: 'ada', at: T0, to: 'bob', comment: 'you know more' }],
    });
    expect(scenario.effectsOf('reassignHumanTask')).toMatchObject([{ path: 'n', assignees: { users: ['bob'], roles: [] } }]);
  });

  it('puts the other in the place of one of several people who decide', () => {
    const assignees = { users: ['ada', 'bob'], roles: ['manager'] };
    const scenario = started({ assignees, approvals: { atLeast: 2 } }).delegate('ada', 'cleo');
    expect(scenario.task('n')).toMatchObject({ assignees: { users: ['bob', 'cleo'], roles: ['manager'] } });
  });

  it('to somebody who has voted already is refused', () => {
    const scenario = started({ approvals: { atLeast: 2 } });
    scenario.vote('bob');
    expect(scenario.command({ ...at, type: 'delegateTask', to: 'bob', comment: null }, 'ada').rejected).toEqual(['MR_TASK_VOTED']);
  });
});

describe('Comments', () => {
  it('are kept with who and when, and change nothing else', () => {
    const scenario = started({}).comment('ada', 'Is that so?');
    expect(scenario.task('n')).toMatchObject({ status: 'open', comments: [{ by: 'ada', at: T0, text: 'Is that so?' }] });
    expect(scenario.effects.map(({ type }) => type)).toEqual(['commandApplied']);
  });

  it('are bounded', () => {
    const scenario = new Scenario(nodeOf(human));
    for (let n = 0; n < 20; n++) scenario.command({ ...at, type: 'commentTask', text: `${n}` }, 'ada');
    expect(scenario.command({ ...at, type: 'commentTask', text: 'one more' }, 'ada').rejected).toEqual(['MR_TASK_FULL']);
  });
});

it.each<PersonCommand['type']>(['completeTask', 'voteTask', 'failTask', 'delegateTask', 'commentTask'])(
  'A late %s does not act on the attempt after the one that its sender saw',
  (type) => {
    const more = { output: {}, error: { code: 'X', message: 'x' }, to: 'bob', comment: null, text: 'late' };
    const command = { ...at, attempt: 2, type, ...more } as unknown as PersonCommand;
    const scenario = new Scenario(nodeOf(human)).command(command, 'ada');
    expect(scenario.rejected).toEqual(['MR_TASK_NOT_OPEN']);
    expect(scenario.open).toEqual(['n']);
  },
);

describe('Steps of reminders and escalations', () => {
  const hour = 3_600_000;
  const node = {
    reminder: ['1h', '3h'],
    escalate: [
      { after: '2h', to: { roles: ['lead'] } },
      { after: '5h', to: { roles: ['director'] } },
    ],
  };

  it('come one after the other, each counted from the opening', () => {
    const scenario = new Scenario(nodeOf({ ...human, ...node }));
    const due = () =>
      [scenario.timers['n#reminder'], scenario.timers['n#escalation']].map((timer) => timer && 'dueAt' in timer && timer.dueAt - T0);
    expect(due()).toEqual([hour, 2 * hour]);
    // However late one fires, the next is due as it was meant.
    scenario.after(10_000 + hour).timer('n#reminder');
    expect(due()).toEqual([3 * hour, 2 * hour]);
    scenario.timer('n#escalation');
    expect(scenario.task('n')).toMatchObject({ assignees: { roles: ['lead'] }, escalateTo: { roles: ['director'] } });
    expect(due()).toEqual([3 * hour, 5 * hour]);
    scenario.timer('n#reminder').timer('n#escalation');
    expect(scenario.task('n')).toMatchObject({ assignees: { roles: ['director'] }, escalateTo: null });
    expect(scenario.timers).toEqual({});
  });

  it('stand still during a pause', () => {
    const scenario = new Scenario(nodeOf({ ...human, ...node }));
    scenario.after(hour / 2).command({ type: 'pause' });
    scenario.after(10 * hour).command({ type: 'resume' });
    expect(scenario.armed('n#reminder').dueAt).toBe(T0 + 11 * hour);
    expect(scenario.timer('n#reminder').armed('n#reminder').dueAt).toBe(T0 + 13 * hour);
  });

  it('come under incident when expressions give them in another order', () => {
    const scenario = new Scenario(nodeOf({ ...human, reminder: ['2h', '${ input.second }'] }), { second: '1h' });
    expect(scenario.incidents).toMatchObject({ n: { error: { message: 'Each step of `reminder` must come after the one before.' } } });
  });
});

it.each<[JsonObject, string]>([
  [{ outcomes: ['yes'] }, '"outcomes" must be an array of 2 to 20 names.'],
  [{ outcomes: ['yes', 'no', 'yes'] }, 'The outcome "yes" stands twice: name each once.'],
  [{ outcomes: ['yes, please', 'no'] }, 'An outcome is a letter, then letters, digits, _ and -, at most 64 characters.'],
  [{ approvals: { atLeast: 0 } }, '"atLeast" must be an integer from 1 to 50.'],
  [{ outcomes: ['yes', 'no'], approvals: { atLeast: 3, of: 2 } }, '"of" must not be smaller than "atLeast", which is 3.'],
  [
    { approvals: { of: 3 } },
    '"of" has no meaning without "outcomes", since every vote is for the same: give "outcomes", or leave "of" out.',
  ],
  [{ approvals: { notBy: 7 } }, '"notBy" must be an expression such as "${ instance.startedBy }", or an array of names and expressions.'],
  [{ reminder: ['2d', '1d'] }, 'Each step of "reminder" counts from the start of the task, and must come after the one before.'],
  [{ escalate: '1d' }, '"escalate" must be an object with "after" and "to", or an array of them.'],
])('A deploy of %j says: %s', (fields, message) => {
  expect(errorsOf(nodeOf({ ...human, ...fields })).map((error) => error.message)).toEqual([message]);
});
