/** Work for people (language, "Nodes"). */
import { describe, expect, it } from 'vitest';
import { Scenario, T0 } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';
import type { TaskPath } from '../../ids.ts';
import type { Json, JsonObject } from '../../json.ts';

const task = { type: 'task', task: 'work' };
const human = { type: 'human', title: 'Approve ${ input.amount } for ${ input.employee }', assignees: { roles: ['manager'] } };
const input = { amount: 120, employee: 'Ada' };

describe('A human node', () => {
  it('opens a task with its evaluated title, assignees and due time', () => {
    const document = nodeOf({ ...human, assignees: { users: ['${ input.employee }'], roles: ['manager'] }, due: '2d' });
    expect(new Scenario(document, input).effectsOf('openHumanTask')).toEqual([
      {
        type: 'openHumanTask',
        path: 'n',
        title: 'Approve 120 for Ada',
        assignees: { users: ['Ada'], roles: ['manager'] },
        dueAt: T0 + 2 * 86_400_000,
        at: T0,
      },
    ]);
  });

  it('gives exactly what completed it', () => {
    const output = { approved: true, note: 'fine' };
    expect(new Scenario(nodeOf(human, { output: '${ nodes.n.output }' }), input).approves('n', output).state.output).toEqual(output);
  });

  it('gives null when it was completed with null', () => {
    const scenario = new Scenario(nodeOf(human, { output: { given: '${ nodes.n.output }' } }), input).approves('n', null);
    expect(scenario.state.output).toEqual({ given: null });
  });

  it('reminds, escalates and times out each in its time', () => {
    const escalate = { after: '2d', to: { roles: ['director'] } };
    const scenario = new Scenario(nodeOf({ ...human, reminder: '1d', escalate, timeout: '3d' }), input);
    expect(Object.keys(scenario.timer('n#reminder').timers)).toEqual(['n#escalation', 'n#timeout']);
    expect(Object.keys(scenario.timer('n#escalation').timers)).toEqual(['n#timeout']);
    expect(scenario.task('n').status).toBe('open');
    expect(scenario.timer('n#timeout').task('n').status).toBe('timedOut');
    expect(scenario.now).toBe(T0 + 3 * 86_400_000);
  });

  it('escalates to whom an expression names, which is known when it opens', () => {
    const document = nodeOf({ ...human, escalate: { after: '1d', to: { roles: '${ input.roles }' } } });
    const scenario = new Scenario(document, { ...input, roles: ['director', 'owner'] }).timer('n#escalation');
    expect(scenario.effectsOf('reassignHumanTask')).toMatchObject([{ assignees: { users: [], roles: ['director', 'owner'] } }]);
    const nobody = new Scenario(document, { ...input, roles: [] });
    expect(nobody.incidents).toMatchObject({ n: { phase: 'open', error: { code: 'MR_VALUE_UNFIT' } } });
    expect(nobody.effectsOf('openHumanTask')).toEqual([]);
  });

  it('reminds once, without changing the task', () => {
    const scenario = new Scenario(nodeOf({ ...human, reminder: '1d' }), input).timer('n#reminder');
    expect(scenario.effectsOf('lifecycle')).toMatchObject([{ change: 'reminder', path: 'n' }]);
    expect(scenario.task('n').status).toBe('open');
    expect(scenario.timers).toEqual({});
  });

  it('escalates to others after a time', () => {
    const escalate = { after: '3d', to: { roles: ['director'] } };
    const scenario = new Scenario(nodeOf({ ...human, escalate }), input).timer('n#escalation');
    expect(scenario.now).toBe(T0 + 3 * 86_400_000);
    expect(scenario.effectsOf('reassignHumanTask')).toEqual([
      { type: 'reassignHumanTask', path: 'n', assignees: { users: [], roles: ['director'] } },
    ]);
    expect(scenario.task('n')).toMatchObject({ assignees: { roles: ['director'] }, escalateTo: null });
  });

  it('neither reminds nor escalates once it is done', () => {
    const scenario = new Scenario(nodeOf({ ...human, reminder: '1d', escalate: { after: '3d', to: { users: ['eve'] } } }), input);
    expect(Object.keys(scenario.timers)).toEqual(['n#reminder', 'n#escalation']);
    expect(scenario.approves('n', {}).timers).toEqual({});
  });

  it('may be due, remind and escalate at times that expressions give', () => {
    const escalate = { after: '${ input.escalate }', to: { roles: ['director'] } };
    const times = { due: 'P2D', remind: '90m', escalate: 'P1W' };
    const scenario = new Scenario(nodeOf({ ...human, due: '${ input.due }', reminder: '${ input.remind }', escalate }), {
      ...input,
      ...times,
    });
    expect(scenario.effectsOf('openHumanTask')).toMatchObject([{ dueAt: T0 + 2 * 86_400_000 }]);
    expect(scenario.effectsOf('armTimer')).toMatchObject([
      { timerId: 'n#reminder', kind: 'reminder', dueAt: T0 + 90 * 60_000 },
      { timerId: 'n#escalation', kind: 'escalation', dueAt: T0 + 7 * 86_400_000 },
    ]);
  });

  it.each<[string, JsonObject]>([
    ['due', { due: '${ input.time }' }],
    ['reminder', { reminder: '${ input.time }' }],
    ['escalate.after', { escalate: { after: '${ input.time }', to: { roles: ['director'] } } }],
  ])('comes under incident when its %s gives no duration', (_, more) => {
    const scenario = new Scenario(nodeOf({ ...human, ...more }), { ...input, time: 'soon' });
    expect(scenario.incidents).toMatchObject({ n: { phase: 'open', error: { code: 'MR_VALUE_UNFIT' } } });
    expect(scenario.effectsOf('openHumanTask')).toEqual([]);
    expect(scenario.timers).toEqual({});
  });

  it('that timed out fails the instance where the definition says so', () => {
    const document = graphOf({ a: { ...human, timeout: '1h' }, b: task }, [], { onFailure: 'fail' });
    const scenario = new Scenario(document, input).timer('a#timeout');
    expect(scenario.status).toBe('failed');
    expect(scenario.state.error).toMatchObject({ code: 'TIMEOUT' });
    expect(scenario.statuses).toEqual({ a: 'timedOut', b: 'cancelled' });
    expect(scenario.effectsOf('closeHumanTask')).toEqual([{ type: 'closeHumanTask', path: 'a' }]);
    expect(scenario.incidents).toEqual({});
  });

  it('that a person failed fails the instance where the definition says so', () => {
    const document = graphOf({ a: { ...human, timeout: '1h', reminder: '10m' }, b: task }, [], { onFailure: 'fail' });
    const scenario = new Scenario(document, input);
    scenario.command({ type: 'failTask', path: 'a' as TaskPath, attempt: 1, error: { code: 'REFUSED', message: 'not mine' } }, 'ada');
    expect(scenario.status).toBe('failed');
    expect(scenario.state.error).toMatchObject({ code: 'REFUSED' });
    expect(scenario.statuses).toEqual({ a: 'failed', b: 'cancelled' });
    expect(scenario.timers).toEqual({});
    expect(scenario.incidents).toEqual({});
  });

  it('that has a fitting edge goes on where the definition would fail the instance', () => {
    const edges = [
      { from: 'a', to: 'late', on: 'timedOut' },
      { from: 'a', to: 'refused', on: 'failed' },
    ];
    const document = graphOf({ a: { ...human, timeout: '1h' }, late: task, refused: task }, edges, { onFailure: 'fail' });
    expect(new Scenario(document, input).timer('a#timeout').open).toEqual(['late']);
    const failed = { type: 'failTask', path: 'a' as TaskPath, attempt: 1, error: { code: 'REFUSED', message: 'not mine' } } as const;
    expect(new Scenario(document, input).command(failed).open).toEqual(['refused']);
  });

  it('that timed out fails the instance where only an edge for failures leaves it', () => {
    const document = graphOf({ a: { ...human, timeout: '1h' }, b: task }, [{ from: 'a', to: 'b', on: 'failed' }], { onFailure: 'fail' });
    expect(new Scenario(document, input).timer('a#timeout').status).toBe('failed');
  });

  it('that a person fails takes its failure edges', () => {
    const document = graphOf({ a: human, b: task }, [{ from: 'a', to: 'b', on: 'failed', error: 'REFUSED' }]);
    const scenario = new Scenario(document, input);
    scenario.command({ type: 'failTask', path: 'a' as TaskPath, attempt: 1, error: { code: 'REFUSED', message: 'not mine' } }, 'ada');
    expect(scenario.statuses).toEqual({ a: 'failed', b: 'scheduled' });
    expect(scenario.effectsOf('closeHumanTask')).toEqual([{ type: 'closeHumanTask', path: 'a' }]);
  });

  it('is not retried by itself: its failure is final', () => {
    const scenario = new Scenario(nodeOf(human), input);
    expect(scenario.command({ type: 'failTask', path: 'n' as TaskPath, attempt: 1, error: { code: 'NO', message: 'no' } }).status).toBe(
      'incident',
    );
  });

  it.each<[string, Json]>([
    ['no array', 'manager'],
    ['an array of no strings', [1, {}]],
    ['an array with a name that has blanks around it', ['manager', ' clerk']],
  ])('comes under incident when its assignees are %s', (_, roles) => {
    const scenario = new Scenario(nodeOf({ ...human, title: 'x', assignees: { roles: '${ input.roles }' } }), { roles });
    expect(scenario.status).toBe('incident');
    expect(scenario.effectsOf('openHumanTask')).toEqual([]);
  });

  it('whose evaluated assignees are nobody comes under incident: nobody could do it', () => {
    const scenario = new Scenario(nodeOf({ ...human, title: 'x', assignees: { roles: '${ input.roles }' } }), { roles: [] });
    expect(scenario.incidents).toMatchObject({ n: { phase: 'open', error: { code: 'MR_VALUE_UNFIT' } } });
  });
});
