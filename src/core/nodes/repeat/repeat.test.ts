/** repeat: rounds one after the other, until the condition says so. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
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
    expect(scenario.open).toEqual(['poll', 'poll.2.ask']);
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
