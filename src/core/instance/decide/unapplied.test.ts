/** What a notification leaves behind that could not be applied, and how a person goes on from there. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';
import type { TaskPath } from '../../ids.ts';

const n = 'n' as TaskPath;
const error = { code: 'MR_STATE_TOO_LARGE', message: 'The state is too large.' };
const task = { type: 'task', task: 'work' };
const event = { id: 'e1', source: 'bank', type: 'paid', key: 'k', time: null, data: 1 };
const retry = { type: 'retry', path: n } as const;

describe('An outcome that could not be applied', () => {
  it('leaves its task open, under an incident that says so and what to do', () => {
    const scenario = new Scenario(nodeOf(task));
    scenario.unapplied(scenario.outcome('n', { status: 'completed', output: 1 }), error);
    expect(scenario.status).toBe('incident');
    expect(scenario.task('n').status).toBe('scheduled');
    expect(scenario.incidents[n]).toMatchObject({ phase: 'message', nodeId: 'n', error: { code: 'MR_STATE_TOO_LARGE' } });
    expect(scenario.incidents[n]?.error.message).toMatch(/outcome of attempt 1.*Retry.*too large/);
    expect(scenario.effectsOf('lifecycle')).toMatchObject([{ change: 'incident', path: 'n' }]);
  });

  it('is asked for again by a retry: the same attempt is sent once more', () => {
    const scenario = new Scenario(nodeOf(task));
    scenario.unapplied(scenario.outcome('n', { status: 'completed', output: 1 }), error).command(retry);
    expect(scenario.dispatched).toEqual(['n']);
    expect(scenario.task('n').attempt).toBe(1);
    expect(scenario.status).toBe('running');
    expect(scenario.completes('n', 2).status).toBe('completed');
  });

  it('is forgiven once the task ends by another copy of it', () => {
    const scenario = new Scenario(graphOf({ n: task, m: task }, [{ from: 'n', to: 'm' }]));
    const outcome = scenario.outcome('n', { status: 'completed', output: 1 });
    scenario.unapplied(outcome, error).send(outcome);
    expect(scenario.statuses).toEqual({ n: 'completed', m: 'scheduled' });
    expect(scenario.status).toBe('running');
  });

  it('is forgiven once another attempt follows', () => {
    const scenario = new Scenario(nodeOf(task));
    scenario.unapplied(scenario.outcome('n', { status: 'completed', output: 1 }), error).fails('n');
    expect(scenario.status).toBe('running');
    expect(scenario.task('n').status).toBe('retrying');
  });

  it('means nothing for an attempt that is open no more', () => {
    const scenario = new Scenario(nodeOf(task));
    const outcome = scenario.outcome('n', { status: 'completed', output: 1 });
    scenario.fails('n').unapplied(outcome, error);
    expect(scenario.status).toBe('running');
    expect(scenario.effects).toEqual([]);
  });

  it('raises one incident, however often it comes', () => {
    const scenario = new Scenario(nodeOf(task));
    const outcome = scenario.outcome('n', { status: 'completed', output: 1 });
    scenario.unapplied(outcome, error).unapplied(outcome, error);
    expect(scenario.eventTypes.filter((type) => type === 'IncidentRaised')).toHaveLength(1);
  });
});

describe('A command that could not be applied', () => {
  it('is refused in history, so that a repeat of it is refused too', () => {
    const scenario = new Scenario(nodeOf({ type: 'human', title: 'Approve', assignees: { users: ['ada'] } }));
    const command = scenario.issued({ type: 'completeTask', path: n, attempt: 1, output: 'large' });
    scenario.unapplied(command, error);
    expect(scenario.effectsOf('commandRefused')).toMatchObject([{ commandId: command.commandId, code: 'MR_STATE_TOO_LARGE' }]);
    expect(scenario.history.at(-1)?.event).toMatchObject({ type: 'CommandRefused', command: 'completeTask', code: 'MR_STATE_TOO_LARGE' });
    expect(scenario.send(command).rejected).toEqual(['MR_COMMAND_REPEATED']);
    expect(scenario.task('n').status).toBe('open');
    expect(scenario.approves('n', 'small').status).toBe('completed');
  });

  it('was given by the engine itself: its task is under an incident, and a retry sends it', () => {
    const scenario = new Scenario(nodeOf(task));
    scenario.unapplied(scenario.issued({ type: 'redispatch', path: n, attempt: 1 }), error);
    expect(scenario.incidents[n]).toMatchObject({ phase: 'message' });
    expect(scenario.effectsOf('commandRefused')).toEqual([]);
    expect(scenario.command(retry).dispatched).toEqual(['n']);
  });
});

describe('A timer that could not be applied', () => {
  it('is applied by a retry', () => {
    const scenario = new Scenario(nodeOf({ type: 'wait', for: 'PT1S' }));
    const { dueAt } = scenario.armed('n#wait');
    scenario.after(1_000).unapplied({ type: 'TimerFired', timerId: 'n#wait', kind: 'wait', dueAt }, error);
    expect(scenario.incidents[n]).toMatchObject({ phase: 'message', error: { message: expect.stringContaining('"wait"') } });
    expect(scenario.command(retry).status).toBe('completed');
  });

  it('of a task that waits for its next attempt starts that one when retried', () => {
    const scenario = new Scenario(nodeOf(task)).fails('n');
    const { dueAt } = scenario.armed('n#retry');
    scenario.after(dueAt - scenario.now).unapplied({ type: 'TimerFired', timerId: 'n#retry', kind: 'retry', dueAt }, error);
    expect(scenario.command(retry).task('n')).toMatchObject({ status: 'scheduled', attempt: 2 });
  });

  it('is applied with all others of its task that came due meanwhile', () => {
    const scenario = new Scenario(
      nodeOf({
        ...{ type: 'human', title: 'Look', assignees: { users: ['ada'] } },
        ...{ reminder: '10m', escalate: { after: '20m', to: { roles: ['boss'] } }, timeout: '1h' },
      }),
    );
    const { dueAt } = scenario.armed('n#reminder');
    scenario.after(1_800_000).unapplied({ type: 'TimerFired', timerId: 'n#reminder', kind: 'reminder', dueAt }, error);
    scenario.command(retry);
    expect(scenario.eventTypes.slice(-2)).toEqual(['HumanTaskReminded', 'HumanTaskEscalated']);
    expect(Object.keys(scenario.timers)).toEqual(['n#timeout']);
  });

  it('and a timeout that came due after it ends the task', () => {
    const scenario = new Scenario(
      nodeOf({ type: 'human', title: 'Look', assignees: { users: ['ada'] }, reminder: '10m', timeout: '1h' }, { onFailure: 'fail' }),
    );
    const { dueAt } = scenario.armed('n#reminder');
    scenario.after(7_200_000).unapplied({ type: 'TimerFired', timerId: 'n#reminder', kind: 'reminder', dueAt }, error);
    expect(scenario.command(retry).status).toBe('failed');
  });

  it('of the instance itself ends it when retried, with everything else that is under an incident', () => {
    const scenario = new Scenario({ ...nodeOf(task), timeout: 'PT1H' });
    const { dueAt } = scenario.armed('instanceTimeout');
    scenario.after(3_600_000).unapplied({ type: 'TimerFired', timerId: 'instanceTimeout', kind: 'instanceTimeout', dueAt }, error);
    scenario.unapplied(scenario.outcome('n', { status: 'completed', output: 1 }), error);
    expect(Object.keys(scenario.incidents)).toEqual(['', 'n']);
    expect(scenario.command({ type: 'retry', path: null }).status).toBe('failed');
  });

  it('that was disarmed meanwhile means nothing', () => {
    const scenario = new Scenario(nodeOf(task)).fails('n');
    const { dueAt } = scenario.armed('n#retry');
    scenario.unapplied({ type: 'TimerFired', timerId: 'n#retry', kind: 'retry', dueAt: dueAt - 1 }, error);
    expect(scenario.status).toBe('running');
  });
});

describe('An event that could not be taken in', () => {
  const waiting = () => new Scenario(nodeOf({ type: 'event', event: 'paid', key: 'k' }));
  const matched = { type: 'EventMatched', path: n, attempt: 1, wait: 0, eventRowId: '7', event, whereError: null } as const;

  it('goes back, and its wait is under an incident', () => {
    const scenario = waiting().unapplied(matched, error);
    expect(scenario.effectsOf('returnEvent')).toEqual([{ type: 'returnEvent', eventRowId: '7', path: 'n', attempt: 1 }]);
    expect(scenario.effectsOf('closeSubscriptions')).toHaveLength(1);
    expect(scenario.incidents[n]).toMatchObject({ phase: 'message' });
  });

  it('is taken by the wait that a retry opens', () => {
    const scenario = waiting().unapplied(matched, error).command(retry);
    expect(scenario.effectsOf('openSubscription')).toMatchObject([{ path: 'n', attempt: 2 }]);
    expect(scenario.event('n', event, { rowId: '7' }).status).toBe('completed');
  });

  it('goes back without an incident when its wait had ended', () => {
    const scenario = waiting().unapplied({ ...matched, attempt: 3 }, error);
    expect(scenario.effectsOf('returnEvent')).toHaveLength(1);
    expect(scenario.status).toBe('running');
  });
});

describe('An instance that has ended', () => {
  it('answers a command and takes in nothing', () => {
    const scenario = new Scenario(nodeOf(task)).completes('n');
    const { history } = scenario;
    const before = history.length;
    scenario.unapplied(scenario.issued({ type: 'pause' }), error);
    expect(scenario.effectsOf('commandRefused')).toHaveLength(1);
    expect(history).toHaveLength(before);
  });
});
