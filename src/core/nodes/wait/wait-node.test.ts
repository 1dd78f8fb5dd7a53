/** Waiting for time to pass (language, "Nodes" and "Time and retries"). */
import { describe, expect, it } from 'vitest';
import { Scenario, T0 } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';

const task = { type: 'task', task: 'work' };

describe('A wait node', () => {
  it('waits for a time, written out or evaluated, and gives null', () => {
    const scenario = new Scenario(nodeOf({ type: 'wait', for: '90m' }, { output: '${ nodes.n.output }' }));
    expect(scenario.effectsOf('armTimer')).toMatchObject([{ timerId: 'n#wait', kind: 'wait', dueAt: T0 + 5_400_000 }]);
    expect(scenario.timer('n#wait').status).toBe('completed');
    expect(scenario.state.output).toBeNull();
    expect(new Scenario(nodeOf({ type: 'wait', for: '${ input.t }' }), { t: 'P2D' }).effectsOf('armTimer')).toMatchObject([
      { dueAt: T0 + 2 * 86_400_000 },
    ]);
  });

  it('waits until a time, written out or evaluated', () => {
    const until = '2026-01-01T03:00:00+01:00';
    expect(new Scenario(nodeOf({ type: 'wait', until })).effectsOf('armTimer')).toMatchObject([{ dueAt: T0 + 2 * 3_600_000 }]);
    expect(new Scenario(nodeOf({ type: 'wait', until: '${ input.at }' }), { at: until }).effectsOf('armTimer')).toMatchObject([
      { dueAt: T0 + 2 * 3_600_000 },
    ]);
  });

  it('goes on at once when the time has passed, or is nothing', () => {
    const document = graphOf({ a: { type: 'wait', until: '2025-01-01T00:00:00Z' }, b: { type: 'wait', for: '0s' }, c: task }, [
      'a>b',
      'b>c',
    ]);
    const scenario = new Scenario(document);
    expect(scenario.open).toEqual(['c']);
    expect(scenario.effectsOf('armTimer')).toEqual([]);
  });

  it.each([
    ['for', '0s'],
    ['until', '2025-01-01T00:00:00Z'],
  ])('goes on at once when "%s" is an expression that gives %s', (field, t) => {
    const scenario = new Scenario(nodeOf({ type: 'wait', [field]: '${ input.t }' }, { output: { given: '${ nodes.n.output }' } }), { t });
    expect(scenario.status).toBe('completed');
    expect(scenario.state.output).toEqual({ given: null });
    expect(scenario.effectsOf('armTimer')).toEqual([]);
  });

  it.each([['2026-01-01T00:00:00'], ['tomorrow'], [17]])('comes under incident for the time %j: it names no instant', (at) => {
    expect(new Scenario(nodeOf({ type: 'wait', until: '${ input.at }' }), { at }).incidents).toMatchObject({
      n: { phase: 'open', error: { code: 'MR_VALUE_UNFIT' } },
    });
  });
});
