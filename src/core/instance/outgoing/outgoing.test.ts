/** What a step asks of the world outside: each thing once, and nothing that the step itself took back. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf, step } from '../../definition/testing/documents.ts';
import type { TaskPath } from '../../ids.ts';
import { timerIdOf } from '../state/state.ts';

const task = { type: 'task', task: 'work' };
const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] }, reminder: '1h', timeout: '2h' };

describe('Lifecycle records', () => {
  const changes = (scenario: Scenario) => scenario.effectsOf('lifecycle').map(({ change, status }) => `${change} ${status}`);

  it('are started, ended, incident and paused, one a step: that which matters most', () => {
    const scenario = new Scenario(graphOf({ a: { ...task, retry: { maxAttempts: 1 } }, b: task }, [], { lifecycle: 'starts' }));
    expect(changes(scenario)).toEqual(['started running']);
    expect(changes(scenario.fails('a'))).toEqual(['incident incident']);
    expect(changes(scenario.completes('b'))).toEqual([]);
    expect(changes(scenario.command({ type: 'pause' }))).toEqual(['paused paused']);
    expect(changes(scenario.command({ type: 'resume' }))).toEqual(['resumed incident']);
    scenario.command({ type: 'retry', path: null });
    expect(changes(scenario.completes('a'))).toEqual(['ended completed']);
    expect(changes(new Scenario(nodeOf(step)))).toEqual(['ended completed']);
  });

  it('are written of a start only where the definition asks for it', () => {
    expect(changes(new Scenario(graphOf({ a: task })))).toEqual([]);
    expect(changes(new Scenario(graphOf({ a: task }, [], { lifecycle: 'starts' })))).toEqual(['started running']);
    expect(changes(new Scenario(graphOf({ a: task }, [], { lifecycle: 'tasks' })))).toEqual(['started running']);
    expect(changes(new Scenario({ ...nodeOf(step), lifecycle: 'starts' }))).toEqual(['ended completed']);
  });

  it('are written for tasks only where the definition asks for it', () => {
    expect(changes(new Scenario(graphOf({ a: task, b: task }, ['a>b'])).completes('a'))).toEqual([]);
    expect(changes(new Scenario(graphOf({ a: task, b: task }, ['a>b'], { lifecycle: 'tasks' })).completes('a'))).toEqual(['task running']);
  });

  it('carry the number of the last history entry, to resume a reading from', () => {
    const scenario = new Scenario(nodeOf(task)).completes('n');
    expect(scenario.effectsOf('lifecycle')).toMatchObject([{ seq: scenario.history.length }]);
  });
});

describe('A step', () => {
  it('sends no work that its end leaves to nobody, though the work of a cancelled node may be undone', () => {
    const compensation = { type: 'task', task: 'undo' };
    const body = { nodes: { a: { ...task, compensation } } };
    const r = { type: 'repeat', max: 3, until: 'index == 2', delay: '5s', body };
    const scenario = new Scenario(graphOf({ r }, [], { onFailure: 'compensate' })).completes('r.0.a');
    const { dueAt } = scenario.armed('r#loop');
    scenario.send(
      { type: 'TimerFired', timerId: timerIdOf('loop', 'r' as TaskPath), kind: 'loop', dueAt },
      scenario.issued({ type: 'skipNode', path: 'r' as TaskPath, attempt: 1, reason: null }),
    );
    expect(scenario.status).toBe('completed');
    expect(scenario.effectsOf('dispatchTask')).toEqual([]);
  });

  it('arms no timer and opens no task of a person that ended within it', () => {
    const document = graphOf({ a: task, h: human, j: { ...task, join: 'any', cancelRest: true } }, ['a>j', 'a>h', 'h>j']);
    const scenario = new Scenario(document).completes('a');
    expect(scenario.statuses).toMatchObject({ h: 'cancelled', j: 'scheduled' });
    expect(scenario.effectsOf('armTimer')).toEqual([]);
    expect(scenario.effectsOf('openHumanTask')).toEqual([]);
  });

  it('dispatches a task once, although it was scheduled and sent again within it', () => {
    const scenario = new Scenario(nodeOf(task));
    const path = scenario.task('n').path;
    scenario.send(scenario.issued({ type: 'redispatch', path, attempt: 1 }), scenario.issued({ type: 'redispatch', path, attempt: 1 }));
    expect(scenario.dispatched).toEqual(['n']);
  });

  it('opens one subscription for a wait that it took up again and opened anew', () => {
    const scenario = new Scenario(nodeOf({ type: 'event', event: 'paid', key: 'k', count: 3, timeout: '1h' })).after(3_600_000);
    const { path } = scenario.task('n');
    const timer = scenario.timers['n#timeout'];
    const dueAt = timer?.state === 'armed' ? timer.dueAt : 0;
    const event = { id: '1', type: 'paid', source: 's', key: 'k', time: null, data: null };
    scenario.send(
      { type: 'EventMatched', path, attempt: 1, wait: 0, eventRowId: '1', event, whereError: null },
      { type: 'TimerFired', timerId: 'n#timeout', kind: 'timeout', dueAt },
      scenario.issued({ type: 'retry', path }),
    );
    expect(scenario.effectsOf('openSubscription')).toMatchObject([{ path: 'n', attempt: 2, wait: 0 }]);
  });

  it('does not dispatch what it ended', () => {
    const scenario = new Scenario(nodeOf(task)).fails('n');
    const timer = scenario.timers['n#retry'];
    const dueAt = timer?.state === 'armed' ? timer.dueAt : 0;
    scenario
      .after(10_000)
      .send({ type: 'TimerFired', timerId: 'n#retry', kind: 'retry', dueAt }, scenario.issued({ type: 'cancel', reason: null }));
    expect(scenario.eventTypes).toContain('AttemptStarted');
    expect(scenario.dispatched).toEqual([]);
  });

  it('that rejects everything asks for nothing and keeps the very state', () => {
    const scenario = new Scenario(nodeOf(task));
    const { state } = scenario;
    scenario.send({ type: 'TimerFired', timerId: 'x#retry', kind: 'retry', dueAt: 1 });
    expect(scenario.effects).toEqual([]);
    expect(scenario.state).toBe(state);
  });

  it('never goes back in time, whatever the clock says', () => {
    const scenario = new Scenario(nodeOf(task)).after(-60_000).completes('n');
    const [first, last] = [scenario.history.at(0), scenario.history.at(-1)];
    expect(last?.event.at).toBe(first?.event.at);
  });
});
