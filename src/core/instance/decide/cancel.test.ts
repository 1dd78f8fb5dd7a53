/** Cancel, and what comes to an instance that has ended (language, "Time and retries"). */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';

const task = { type: 'task', task: 'work' };
const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] }, reminder: '1d' };
const event = { type: 'event', event: 'paid', key: 'k' };
const cancel = { type: 'cancel', reason: 'no longer wanted' } as const;

describe('Cancel', () => {
  it('ends all open nodes, their timers, waits and tasks of people', () => {
    const scenario = new Scenario(graphOf({ a: task, h: human, e: event, w: { type: 'wait', for: '1h' }, z: task }, ['a>z'])).command(
      cancel,
    );
    expect(scenario.status).toBe('cancelled');
    expect(scenario.statuses).toEqual({ a: 'cancelled', h: 'cancelled', e: 'cancelled', w: 'cancelled' });
    expect(scenario.timers).toEqual({});
    expect(scenario.effects.map(({ type }) => type).sort()).toEqual([
      'closeHumanTask',
      'closeSubscriptions',
      'commandApplied',
      'disarmTimer',
      'disarmTimer',
      'lifecycle',
    ]);
    expect(scenario.history.at(-1)?.event).toMatchObject({ type: 'InstanceCancelled', by: 'operator', reason: 'no longer wanted' });
  });

  it('does not reach a running handler: its outcome is dropped', () => {
    const scenario = new Scenario(nodeOf(task));
    const outcome = scenario.outcome('n', { status: 'completed', output: 1 });
    scenario.command(cancel).send(outcome);
    expect(scenario.rejected).toEqual(['MR_INSTANCE_ENDED']);
    expect(scenario.statuses).toEqual({ n: 'cancelled' });
  });

  it('ends a paused instance, and one under incident', () => {
    expect(new Scenario(nodeOf(task)).command({ type: 'pause' }).command(cancel).status).toBe('cancelled');
    const broken = new Scenario(nodeOf({ ...task, retry: { maxAttempts: 1 } })).fails('n').command(cancel);
    expect(broken.status).toBe('cancelled');
    expect(broken.incidents).toEqual({});
  });
});

it('an instance that has ended stays as it is, whatever comes', () => {
  const scenario = new Scenario(graphOf({ a: task, e: event }));
  const outcome = scenario.outcome('a', { status: 'completed', output: 1 });
  scenario.completes('a').event('e', { id: '1', source: 's' });
  const { state } = scenario;
  expect(scenario.status).toBe('completed');
  for (const command of [cancel, { type: 'pause' }, { type: 'resume' }, { type: 'retry', path: null }] as const) {
    scenario.command(command);
    expect(scenario.effectsOf('commandRefused')).toMatchObject([{ code: 'MR_INSTANCE_ENDED' }]);
  }
  scenario.send(outcome, { type: 'TimerFired', timerId: 'a#retry', kind: 'retry', dueAt: scenario.now });
  expect(scenario.rejected).toEqual(['MR_INSTANCE_ENDED', 'MR_INSTANCE_ENDED']);
  expect(scenario.state).toBe(state);
});
