/** Publishing events (language, "Nodes"; protocol, "A step" 5). */
import { describe, expect, it } from 'vitest';
import { INSTANCE_ID, Scenario, T0 } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';

const task = { type: 'task', task: 'work' };
const publish = { type: 'publish', event: 'order.shipped', key: '${ input.order }', data: { n: '${ input.n }' } };
const input = { order: 'o-1', n: 2 };

describe('A publish node', () => {
  it('sends its event and goes on at once', () => {
    const scenario = new Scenario(graphOf({ a: publish, b: task }, ['a>b']), input);
    const { basis } = scenario.task('a');
    expect(scenario.effectsOf('publishEvent')).toEqual([
      {
        type: 'publishEvent',
        id: `${INSTANCE_ID}.a:${basis}`,
        taskId: `${INSTANCE_ID}.a`,
        event: 'order.shipped',
        key: 'o-1',
        data: { n: 2 },
        topic: null,
        at: T0,
      },
    ]);
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'scheduled' });
    expect(scenario.task('a')).toMatchObject({ output: null });
  });

  it('uses the task id and basis as the event’s id: a repeat is a duplicate', () => {
    const ids = [1, 2].map(() => new Scenario(nodeOf(publish), input).effectsOf('publishEvent')[0]?.id);
    expect(new Set(ids).size).toBe(1);
    expect(new Scenario(nodeOf(publish), { ...input, n: 3 }).effectsOf('publishEvent')[0]?.id).not.toBe(ids[0]);
  });

  it('may name a topic', () => {
    expect(new Scenario(nodeOf({ ...publish, topic: 'audit' }), input).effectsOf('publishEvent')).toMatchObject([{ topic: 'audit' }]);
  });

  it('does not publish again when its "set" failed and the incident is resolved', () => {
    const set = { x: '${ input.missing }' };
    const scenario = new Scenario(nodeOf({ ...publish, set }), input);
    expect(scenario.effectsOf('publishEvent')).toHaveLength(1);
    expect(scenario.command({ type: 'retry', path: null }).effectsOf('publishEvent')).toEqual([]);
  });

  it('sends nothing when an expression of it fails', () => {
    const scenario = new Scenario(nodeOf({ ...publish, data: '${ input.missing }' }), input);
    expect(scenario.status).toBe('incident');
    expect(scenario.effectsOf('publishEvent')).toEqual([]);
  });
});
