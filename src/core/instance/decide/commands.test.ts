/** Every command counts once and is answered (protocol, "A step" 6). */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';
import type { TaskPath } from '../../ids.ts';

const task = { type: 'task', task: 'work' };
const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] }, timeout: '1h' };
const n = 'n' as TaskPath;

describe('A command', () => {
  it('is answered in the step that applies it', () => {
    const scenario = new Scenario(nodeOf(task));
    const issued = scenario.issued({ type: 'pause' });
    expect(scenario.send(issued).effectsOf('commandApplied')).toEqual([{ type: 'commandApplied', commandId: issued.commandId }]);
  });

  it('that comes again changes nothing and needs no second answer', () => {
    const scenario = new Scenario(nodeOf({ ...task, retry: { maxAttempts: 1 } })).fails('n');
    const issued = scenario.issued({ type: 'retry', path: null });
    scenario.send(issued).fails('n').send(issued);
    expect(scenario.rejected).toEqual(['MR_COMMAND_REPEATED']);
    expect(scenario.status).toBe('incident');
    expect(scenario.effects).toEqual([]);
  });

  it('that was refused stays refused when its record comes again and would fit by then', () => {
    const scenario = new Scenario(nodeOf(task)).command({ type: 'pause' });
    const second = scenario.issued({ type: 'pause' });
    scenario.send(second);
    expect(scenario.effectsOf('commandRefused')).toMatchObject([{ code: 'MR_ALREADY_PAUSED' }]);
    scenario.command({ type: 'resume' }).send(second);
    expect(scenario.rejected).toEqual(['MR_COMMAND_REPEATED']);
    expect(scenario.status).toBe('running');
  });

  it('that was refused stands in the history, with who sent it and why it was refused', () => {
    const scenario = new Scenario(nodeOf(task)).command({ type: 'resume' }, 'ada');
    expect(scenario.history.at(-1)?.event).toMatchObject({ type: 'CommandRefused', command: 'resume', by: 'ada', code: 'MR_NOT_PAUSED' });
    expect(scenario.effects.map(({ type }) => type)).toEqual(['commandRefused']);
  });

  it('of the same batch sees what came before it', () => {
    const scenario = new Scenario(nodeOf(task));
    scenario.send(scenario.issued({ type: 'pause' }), scenario.issued({ type: 'resume' }), scenario.issued({ type: 'resume' }));
    expect(scenario.rejected).toEqual(['MR_NOT_PAUSED']);
    expect(scenario.effects.map(({ type }) => type)).toEqual(['lifecycle', 'commandApplied', 'commandApplied', 'commandRefused']);
  });
});

describe('Completing a person’s task', () => {
  it('is applied once: the second is refused', () => {
    const scenario = new Scenario(graphOf({ a: human, b: task }, ['a>b'])).approves('a', { ok: true }, 'ada');
    expect(scenario.history.map(({ event }) => event)).toContainEqual(expect.objectContaining({ type: 'TaskCompleted', by: 'ada' }));
    scenario.approves('a', { ok: false }, 'bob');
    expect(scenario.rejected).toEqual(['MR_TASK_NOT_OPEN']);
    expect(scenario.task('a')).toMatchObject({ status: 'completed', output: { ok: true } });
  });

  it('that came too late does not complete the task when it is open again', () => {
    const scenario = new Scenario(nodeOf(human)).timer('n#timeout');
    const late = scenario.issued({ type: 'completeTask', path: n, attempt: 1, output: 1 }, 'ada');
    scenario.send(late);
    expect(scenario.rejected).toEqual(['MR_TASK_NOT_OPEN']);
    scenario.command({ type: 'retry', path: null }).send(late);
    expect(scenario.rejected).toEqual(['MR_COMMAND_REPEATED']);
    expect(scenario.task('n').status).toBe('open');
  });

  it('for an attempt that is over does not close the one after it', () => {
    const scenario = new Scenario(nodeOf(human)).timer('n#timeout').command({ type: 'retry', path: null });
    expect(scenario.task('n')).toMatchObject({ status: 'open', attempt: 2 });
    scenario.command({ type: 'completeTask', path: n, attempt: 1, output: 1 }, 'ada');
    expect(scenario.rejected).toEqual(['MR_TASK_NOT_OPEN']);
    scenario.command({ type: 'failTask', path: n, attempt: 1, error: { code: 'NO', message: 'no' } }, 'ada');
    expect(scenario.rejected).toEqual(['MR_TASK_NOT_OPEN']);
    expect(scenario.task('n')).toMatchObject({ status: 'open', attempt: 2 });
    scenario.command({ type: 'completeTask', path: n, attempt: 2, output: 1 }, 'ada');
    expect(scenario.status).toBe('completed');
  });

  it('is refused for a task that is no person’s, and for one that is not there', () => {
    const scenario = new Scenario(graphOf({ a: task, b: human }, ['a>b'])).approves('a', 1);
    expect(scenario.rejected).toEqual(['MR_TASK_NOT_OPEN']);
    expect(scenario.approves('b', 1).rejected).toEqual(['MR_TASK_UNKNOWN']);
    expect(scenario.approves('nowhere', 1).rejected).toEqual(['MR_TASK_UNKNOWN']);
  });
});

it('knows a command again after as many others as a redispatch of a whole instance sends', () => {
  const scenario = new Scenario(nodeOf(task));
  const first = scenario.issued({ type: 'pause' });
  scenario.send(first);
  scenario.command({ type: 'resume' });
  for (let round = 0; round < 500; round++) scenario.command({ type: 'redispatch', path: n, attempt: 1 });
  expect(scenario.send(first).rejected).toEqual(['MR_COMMAND_REPEATED']);
  expect(scenario.state.paused).toBeNull();
});

describe('redispatch', () => {
  it('sends the open attempt again under the same attempt and basis', () => {
    const scenario = new Scenario(nodeOf(task));
    const { basis } = scenario.task('n');
    scenario.after(60_000).command({ type: 'redispatch', path: n, attempt: 1 });
    expect(scenario.dispatched).toEqual(['n']);
    expect(scenario.task('n')).toMatchObject({ status: 'scheduled', attempt: 1, basis, dispatchedAt: scenario.now });
    expect(scenario.effectsOf('commandApplied')).toEqual([]);
  });

  it('sends once, however often its record comes', () => {
    const scenario = new Scenario(nodeOf(task));
    const issued = scenario.issued({ type: 'redispatch', path: n, attempt: 1 });
    expect(scenario.send(issued).send(issued).rejected).toEqual(['MR_COMMAND_REPEATED']);
    expect(scenario.dispatched).toEqual([]);
  });

  it('is refused, without a record, when another attempt is open by then', () => {
    const scenario = new Scenario(nodeOf(task)).fails('n').timer('n#retry');
    const entries = scenario.history.length;
    scenario.command({ type: 'redispatch', path: n, attempt: 1 });
    expect(scenario.rejected).toEqual(['MR_OUTCOME_STALE']);
    expect(scenario.effectsOf('commandRefused')).toEqual([]);
    expect(scenario.history).toHaveLength(entries);
  });
});
