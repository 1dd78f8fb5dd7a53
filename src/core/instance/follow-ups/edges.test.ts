/** How a node that ended chooses among its edges (language, "Graph"). */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, step } from '../../definition/testing/documents.ts';

const task = { type: 'task', task: 'work' };
const once = { ...task, retry: { maxAttempts: 1 } };

describe('A completed node', () => {
  it('opens nothing behind it before it has ended', () => {
    const scenario = new Scenario(graphOf({ a: task, b: task }, ['a>b']));
    expect(scenario.open).toEqual(['a']);
    expect(scenario.completes('a').open).toEqual(['b']);
  });

  it('takes every edge without a condition: a parallel split', () => {
    const scenario = new Scenario(graphOf({ a: task, b: task, c: task }, ['a>b', 'a>c']));
    expect(scenario.completes('a').dispatched).toEqual(['b', 'c']);
  });

  it('takes all edges whose condition holds, not only the first', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'input.n > 1' },
      { from: 'a', to: 'c', when: 'input.n > 2' },
      { from: 'a', to: 'd', when: 'input.n > 3' },
      { from: 'a', to: null, otherwise: true },
    ];
    const scenario = new Scenario(graphOf({ a: step, b: task, c: task, d: task }, edges), { n: 3 });
    expect(scenario.open).toEqual(['b', 'c']);
    expect(scenario.statuses.d).toBe('skipped');
  });

  it('takes otherwise only when no condition holds', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'input.n > 1' },
      { from: 'a', to: 'c', otherwise: true },
    ];
    const document = graphOf({ a: step, b: task, c: task }, edges);
    expect(new Scenario(document, { n: 2 }).statuses).toEqual({ a: 'completed', b: 'scheduled', c: 'skipped' });
    expect(new Scenario(document, { n: 1 }).statuses).toEqual({ a: 'completed', b: 'skipped', c: 'scheduled' });
  });

  it('takes an unconditional edge beside a condition that fails to hold', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'input.n > 1' },
      { from: 'a', to: 'c' },
    ];
    expect(new Scenario(graphOf({ a: step, b: task, c: task }, edges), { n: 0 }).open).toEqual(['c']);
  });

  it('may lead to nothing: "otherwise" to null ends the branch', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'false' },
      { from: 'a', to: null, otherwise: true },
    ];
    const scenario = new Scenario(graphOf({ a: step, b: task }, edges));
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'skipped' });
    expect(scenario.status).toBe('completed');
  });

  it('does not look at edges for failures', () => {
    const scenario = new Scenario(graphOf({ a: task, b: task }, [{ from: 'a', to: 'b', on: 'any' }])).completes('a');
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'skipped' });
    expect(scenario.status).toBe('completed');
  });

  it('sees its own output on its edges', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'nodes.a.output.ok' },
      { from: 'a', to: 'c', otherwise: true },
    ];
    expect(new Scenario(graphOf({ a: task, b: task, c: task }, edges)).completes('a', { ok: true }).open).toEqual(['b']);
  });

  it('comes under incident, with its edges unresolved, when a condition gives no bool', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'nodes.a.output' },
      { from: 'a', to: null, otherwise: true },
    ];
    const scenario = new Scenario(graphOf({ a: task, b: task }, edges)).completes('a', 'yes');
    expect(scenario.status).toBe('incident');
    expect(scenario.incidents).toMatchObject({ a: { nodeId: 'a', phase: 'exit', expression: 'nodes.a.output' } });
    expect(scenario.statuses).toEqual({ a: 'completed' });
  });
});

describe('A failed node', () => {
  const edges = [
    { from: 'a', to: 'done' },
    { from: 'a', to: 'failed', on: 'failed' },
    { from: 'a', to: 'late', on: 'timedOut' },
    { from: 'a', to: 'any', on: 'any' },
    { from: 'a', to: 'conflict', on: 'failed', error: 'HTTP_409' },
    { from: 'a', to: 'urgent', on: 'any', when: 'input.urgent' },
  ];
  const document = graphOf({ a: once, done: task, failed: task, late: task, any: task, conflict: task, urgent: task }, edges);

  it('takes every fitting edge: its kind, its error code, its condition', () => {
    expect(new Scenario(document, { urgent: true }).fails('a', 'HTTP_409').open).toEqual(['any', 'conflict', 'failed', 'urgent']);
    expect(new Scenario(document, { urgent: false }).fails('a', 'HTTP_500').open).toEqual(['any', 'failed']);
  });

  it('is not the same as one that timed out', () => {
    expect(new Scenario(document, { urgent: false }).timesOut('a').open).toEqual(['any', 'late']);
  });

  it('leaves its ordinary edges dead', () => {
    expect(new Scenario(document, { urgent: false }).fails('a').statuses.done).toBe('skipped');
  });

  it('evaluates only the edges for failures: neither "when" nor "otherwise"', () => {
    const ordinary = [
      { from: 'a', to: 'b', when: 'input.yes' },
      { from: 'a', to: 'c', otherwise: true },
    ];
    for (const yes of [true, false]) {
      const scenario = new Scenario(graphOf({ a: once, b: task, c: task }, ordinary), { yes }).fails('a');
      expect(scenario.statuses).toEqual({ a: 'failed' });
      expect(scenario.status).toBe('incident');
    }
  });

  it.each([
    ['any', 'X', true, true],
    ['any', 'X', false, false],
    ['any', 'Y', true, false],
    ['failed', 'X', true, true],
    ['failed', 'X', false, false],
    ['failed', 'Y', true, false],
  ])('takes an edge on %s with both a code and a condition for %s (%s): %s', (on, code, urgent, isTaken) => {
    const edge = { from: 'a', to: 'b', on, error: 'X', when: 'input.urgent' };
    expect(new Scenario(graphOf({ a: once, b: task }, [edge]), { urgent }).fails('a', code).open).toEqual(isTaken ? ['b'] : []);
  });

  it.each(['timedOut', 'any'])('tells the codes of a timeout apart on %s', (on) => {
    const openAfter = (error: string) =>
      new Scenario(graphOf({ a: once, b: task }, [{ from: 'a', to: 'b', on, error }])).timesOut('a').open;
    expect(openAfter('TIMEOUT')).toEqual(['b']);
    expect(openAfter('OTHER')).toEqual([]);
  });

  it('shows its error to what follows', () => {
    const handler = {
      type: 'transform',
      output: '${ nodes.a.error.code + ": " + nodes.a.status + ", attempt " + string(nodes.a.attempt) }',
    };
    const scenario = new Scenario(
      graphOf({ a: once, b: handler }, [{ from: 'a', to: 'b', on: 'failed' }], { output: '${ nodes.b.output }' }),
    );
    scenario.fails('a', 'CARD_REFUSED');
    expect(scenario.state.output).toBe('CARD_REFUSED: failed, attempt 1');
  });

  it('comes under incident when the condition of a fitting edge fails', () => {
    const scenario = new Scenario(graphOf({ a: once, b: task }, [{ from: 'a', to: 'b', on: 'failed', when: 'input.missing > 1' }]));
    scenario.fails('a');
    expect(scenario.incidents).toMatchObject({ a: { phase: 'exit', expression: 'input.missing > 1' } });
  });

  it('without a fitting edge raises an incident', () => {
    const scenario = new Scenario(graphOf({ a: once, b: task }, [{ from: 'a', to: 'b', on: 'timedOut' }])).fails('a', 'BROKEN');
    expect(scenario.status).toBe('incident');
    expect(scenario.incidents).toMatchObject({ a: { phase: 'failed', error: { code: 'BROKEN' } } });
    expect(scenario.statuses).toEqual({ a: 'failed' });
  });

  it('fails the instance with "onFailure": "fail", and ends what is open', () => {
    const scenario = new Scenario(graphOf({ a: once, b: task }, [], { onFailure: 'fail' })).fails('a', 'BROKEN');
    expect(scenario.status).toBe('failed');
    expect(scenario.state.error).toMatchObject({ code: 'BROKEN' });
    expect(scenario.statuses).toEqual({ a: 'failed', b: 'cancelled' });
    expect(scenario.history.at(-1)?.event).toMatchObject({ type: 'InstanceFailed', nodeId: 'a' });
  });
});

it('the output of a node that did not complete is null', () => {
  const b = { type: 'transform', output: { output: '${ nodes.a.output }', status: '${ nodes.a.status }' } };
  const scenario = new Scenario(graphOf({ a: once, b }, [{ from: 'a', to: 'b', on: 'any' }], { output: '${ nodes.b.output }' })).fails('a');
  expect(scenario.state.output).toEqual({ output: null, status: 'failed' });
});

it('a status may be asked of any node, and is null so far', () => {
  const a = { type: 'transform', output: '${ nodes.b.status == null && nodes.b.output == null }' };
  expect(() => new Scenario(graphOf({ a, b: step }, ['a>b']))).toThrow('cannot have run before');
  const status = { type: 'transform', output: '${ nodes.b.status == null }' };
  expect(new Scenario(graphOf({ a: status, b: step }, ['a>b'], { output: '${ nodes.a.output }' })).state.output).toBe(true);
});
