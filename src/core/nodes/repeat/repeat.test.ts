/** repeat: rounds one after the other, until the condition says so. */
import { describe, expect, it } from 'vitest';
import { definitionOf, INSTANCE_ID, Scenario, T0 } from '../../../../test/support/scenario.ts';
import { stateText } from '../../../store/stored/state.ts';
import type { TaskPath } from '../../ids.ts';
import { start, step } from '../../instance/index.ts';
import { taskAt } from '../../instance/state/scopes.ts';
import type { JsonObject } from '../../json.ts';

const body: JsonObject = {
  nodes: { ask: { type: 'task', task: 'ask', input: { last: '${ last }', round: '${ index }' } } },
  output: '${ nodes.ask.output }',
};

function poll(more: JsonObject): JsonObject {
  return { id: 'poll', nodes: { poll: { type: 'repeat', body, ...more } }, output: '${ nodes.poll.output }' };
}

describe('A repeat', () => {
  it('with until runs once at least, and gives the output of its last round', () => {
    const scenario = new Scenario(poll({ until: 'last.done' }));
    expect(scenario.open).toEqual(['poll', 'poll.0.ask']);
    expect(scenario.task('poll.0.ask')).toMatchObject({ payload: { input: { last: null, round: 0 } } });
    scenario.completes('poll.0.ask', { done: false });
    expect(scenario.task('poll.1.ask')).toMatchObject({ payload: { input: { last: { done: false }, round: 1 } } });
    expect(scenario.completes('poll.1.ask', { done: true }).state.output).toEqual({ done: true });
  });

  it('with while may run not at all, and gives null then', () => {
    expect(new Scenario(poll({ while: 'input.go' }), { go: false }).state).toMatchObject({ phase: 'completed', output: null });
  });

  it('with while asks before each round', () => {
    const scenario = new Scenario(poll({ while: 'index < 2' }));
    scenario.completes('poll.0.ask', 'a').completes('poll.1.ask', 'b');
    expect(scenario.state).toMatchObject({ phase: 'completed', output: 'b' });
  });

  it('waits for its delay between two rounds', () => {
    const scenario = new Scenario(poll({ until: 'last.done', delay: '30s' }));
    scenario.completes('poll.0.ask', { done: false });
    expect(scenario.open).toEqual(['poll']);
    expect(scenario.timers).toMatchObject({ 'poll#loop': { dueAt: scenario.now + 30_000 } });
    expect(scenario.timer('poll#loop').open).toEqual(['poll', 'poll.1.ask']);
  });

  it('keeps the rest of its delay over a pause', () => {
    const scenario = new Scenario(poll({ until: 'last.done', delay: '30s' }));
    scenario.completes('poll.0.ask', { done: false }).after(10_000).command({ type: 'pause' }).after(60_000).command({ type: 'resume' });
    expect(scenario.open).toEqual(['poll']);
    expect(scenario.timers).toMatchObject({ 'poll#loop': { dueAt: scenario.now + 20_000 } });
  });

  it('fails with a clear sentence after as many rounds as max allows; a retry grants as many more', () => {
    const scenario = new Scenario(poll({ until: 'last.done', max: 2 }));
    scenario.completes('poll.0.ask', { done: false }).completes('poll.1.ask', { done: false });
    expect(scenario.incidents).toMatchObject({
      poll: {
        phase: 'failed',
        error: {
          code: 'ROUNDS_EXHAUSTED',
          message: 'The loop has run 2 rounds, as many as "max" allows, and its condition does not end it.',
        },
      },
    });
    scenario.command({ type: 'retry', path: null });
    expect(scenario.task('poll.2.ask')).toMatchObject({ payload: { input: { last: { done: false }, round: 2 } } });
    expect(scenario.completes('poll.2.ask', { done: true }).state.output).toEqual({ done: true });
  });

  it('comes under incident when its condition fails, and goes on with the next round by a retry', () => {
    const scenario = new Scenario(poll({ until: 'last.done' }));
    scenario.completes('poll.0.ask', {});
    expect(scenario.incidents).toMatchObject({ poll: { phase: 'open', expression: 'last.done' } });
    scenario.command({ type: 'retry', path: null });
    expect(scenario.completes('poll.1.ask', { done: true }).state.output).toEqual({ done: true });
  });
});

describe('The timeout of a repeat', () => {
  it('ends the round that runs, and a retry goes on with the next one', () => {
    const scenario = new Scenario(poll({ until: 'last.done', timeout: '1h' }));
    scenario.completes('poll.0.ask', { done: false }).timer('poll#timeout');
    const message = 'The loop reached its timeout in round 1, counted from 0.';
    expect(scenario.incidents).toMatchObject({ poll: { phase: 'failed', error: { code: 'TIMEOUT', message } } });
    expect(scenario.open).toEqual([]);
    scenario.command({ type: 'retry', path: null });
    expect(scenario.open).toEqual(['poll', 'poll.2.ask']);
    expect(scenario.completes('poll.2.ask', { done: true }).timers).toEqual({});
  });

  it('ends its delay too, and takes the edge', () => {
    const document = { ...poll({ until: 'last.done', timeout: '1h', delay: '2h' }), edges: [{ from: 'poll', to: 'late', on: 'timedOut' }] };
    const late = { type: 'transform', output: '${ nodes.poll.status }' };
    const nodes = { ...(document as unknown as { nodes: JsonObject }).nodes, late };
    const scenario = new Scenario({ ...document, nodes, output: '${ nodes.late.output }' });
    scenario.completes('poll.0.ask', { done: false }).timer('poll#timeout');
    expect(scenario.state).toMatchObject({ phase: 'completed', output: 'timedOut' });
    expect(scenario.timers).toEqual({});
  });
});

it('A delay may be an expression, evaluated after each round', () => {
  const ask = { type: 'task', task: 'ask', set: { pause: '${ nodes.ask.output.pause }' } };
  const document = poll({ until: 'last.done', delay: '${ vars.pause }', body: { nodes: { ask }, output: '${ nodes.ask.output }' } });
  const scenario = new Scenario({ ...document, vars: { pause: '1s' } });
  scenario.completes('poll.0.ask', { done: false, pause: '5s' });
  expect(scenario.armed('poll#loop').dueAt).toBe(scenario.now + 5_000);
  scenario.timer('poll#loop').completes('poll.1.ask', { done: false, pause: '2m' });
  expect(scenario.armed('poll#loop').dueAt).toBe(scenario.now + 120_000);
});

describe('A long repeat', () => {
  const rounds = 5_000;
  const count: JsonObject = { type: 'transform', output: '${ last == null ? 1 : last + 1 }' };
  const long = (nodes: JsonObject, output: string) => poll({ max: 100_000, until: `index >= ${rounds - 1}`, body: { nodes, output } });

  it('of rounds that need no work outside goes 500 rounds a step', () => {
    const scenario = new Scenario(long({ count }, '${ nodes.count.output }'));
    expect(scenario.eventTypes.filter((type) => type === 'ScopeOpened')).toHaveLength(500);
    expect(scenario.armed('poll#loop').dueAt).toBe(scenario.now);
    expect(scenario.timer('poll#loop').eventTypes.filter((type) => type === 'ScopeOpened')).toHaveLength(1_000);
  });

  it('keeps of its rounds the last one, and does not grow', () => {
    const definition = definitionOf(long({ ask: { type: 'task', task: 'ask' }, count }, '${ nodes.count.output }'));
    const command = { instanceId: INSTANCE_ID, input: null, businessKey: null, by: 'tester', cause: 'rest:1' };
    const started = start(definition, command, T0);
    if (!started.ok) throw new Error('it is started');
    let { state } = started.value;
    let entries = started.value.history.length;
    const sizes: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const timer = round % 500 === 0 && round > 0;
      if (timer) state = go({ type: 'TimerFired', timerId: 'poll#loop', kind: 'loop', dueAt: T0 });
      const path = `poll.${round}.ask` as TaskPath;
      const task = taskAt(state, path);
      if (task?.status !== 'scheduled') throw new Error(`${path} runs`);
      const { attempt, basis } = task;
      state = go({ type: 'TaskOutcome', path, attempt, basis, result: { status: 'completed', output: null } });
      if (state.phase === 'running') expect(Object.keys(state.scopes).length).toBeLessThanOrEqual(3);
      sizes.push(stateText(state).length);
    }
    expect(state).toMatchObject({ phase: 'completed' });
    expect(state.seq).toBe(entries);
    expect(entries).toBeGreaterThan(rounds * 5);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(500);

    function go(notification: Parameters<typeof step>[2][number]['notification']) {
      const result = step(definition, state, [{ instanceId: INSTANCE_ID, cause: 'n', notification }], T0);
      entries += result.history.length;
      return result.state;
    }
  });

  it('knows the events that the waits of earlier rounds took', () => {
    const event = { type: 'event', event: 'paid', key: 'k' };
    const scenario = new Scenario(poll({ until: 'index >= 9', body: { nodes: { event } } }));
    const paid = (id: string) => ({ id, source: 'bank', type: 'paid', key: 'k', time: null, data: null });
    scenario.event('poll.0.event', paid('1')).event('poll.1.event', paid('2')).event('poll.2.event', paid('3'));
    expect(Object.keys(scenario.state.scopes).sort()).toEqual(['', 'poll.2', 'poll.3']);
    expect(scenario.event('poll.0.event', paid('1')).rejected).toEqual(['MR_EVENT_REPEATED']);
    expect(scenario.event('poll.0.event', paid('4')).rejected).toEqual(['MR_EVENT_REFUSED']);
  });
});
