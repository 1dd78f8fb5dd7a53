/** Starting an instance, and reading it back from its history (design: "Core"). */
import { describe, expect, it } from 'vitest';
import { definitionOf, INSTANCE_ID, Scenario } from '../../../test/support/scenario.ts';
import { graphOf, nodeOf, step as transform } from '../definition/testing/documents.ts';
import { fold, start, step } from './index.ts';

const task = { type: 'task', task: 'work' };

describe('A start', () => {
  it('decides the first tasks in the same step, and all that needs no work outside', () => {
    const scenario = new Scenario(graphOf({ a: transform, b: task, c: task }, ['a>b']));
    expect(scenario.dispatched).toEqual(['b', 'c']);
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'scheduled', c: 'scheduled' });
  });

  it('keeps input, business key, definition and version, and names its cause', () => {
    const scenario = new Scenario(nodeOf(task), { x: 1 }, { businessKey: 'order 7' });
    expect(scenario.state).toMatchObject({ input: { x: 1 }, businessKey: 'order 7', definitionId: 'test', definitionVersion: 1 });
    expect(scenario.history.every(({ cause }) => cause === 'rest:1')).toBe(true);
  });

  it('that is refused says which expression failed, and makes nothing', () => {
    const definition = definitionOf(nodeOf(task, { vars: { x: '${ input.missing }' } }));
    const refused = start(definition, { instanceId: INSTANCE_ID, input: {}, businessKey: null, by: 'ada', cause: 'rest:1' }, 1);
    expect(refused).toMatchObject({
      ok: false,
      error: { error: { code: 'MR_EXPRESSION_FAILED' }, expression: expect.stringContaining('input.missing') },
    });
  });
});

describe('A step', () => {
  it('names the message that caused each of its entries', () => {
    const scenario = new Scenario(graphOf({ a: task, b: task }));
    const done = { status: 'completed', output: null } as const;
    scenario.send(scenario.outcome('a', done), scenario.outcome('b', done));
    const causes = scenario.history.slice(-5).map(({ cause, event }) => `${event.type} ${cause}`);
    expect(causes).toEqual([
      'TaskCompleted n/0@0',
      'NodeExited n/0@0',
      'TaskCompleted n/0@1',
      'NodeExited n/0@1',
      'InstanceCompleted n/0@1',
    ]);
  });

  it('is taken on the instance’s own version only', () => {
    const { state } = new Scenario(nodeOf(task));
    expect(() => step(definitionOf(nodeOf(task), 2), state, [], 1)).toThrow('its own version');
  });
});

describe('A history', () => {
  it('folds to the state', () => {
    const { history, state } = new Scenario(graphOf({ a: task, b: task }, ['a>b'])).fails('a').timer('a#retry').completes('a');
    expect(fold(INSTANCE_ID, history)).toEqual(state);
  });

  it('with a gap, or without its start, is refused', () => {
    const { history } = new Scenario(graphOf({ a: task, b: task }, ['a>b'])).completes('a');
    expect(() => fold(INSTANCE_ID, history.slice(1))).toThrow('begins with the start');
    expect(() => fold(INSTANCE_ID, [...history.slice(0, 2), ...history.slice(3)])).toThrow('gap');
    expect(() => fold(INSTANCE_ID, [])).toThrow('begins with the start');
  });
});
