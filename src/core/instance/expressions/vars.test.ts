/** Variables, scope and the instance's output (language, "Expressions"). */
import { describe, expect, it } from 'vitest';
import { INSTANCE_ID, Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf, step } from '../../definition/testing/documents.ts';
import type { JsonObject } from '../../json.ts';

const task = { type: 'task', task: 'work' };
const give = (output: string) => ({ type: 'transform', output });

describe('vars', () => {
  it('have their first values from the input and the instance', () => {
    const vars = { limit: '${ input.limit * 2.0 }', id: '${ instance.id }', list: [1] };
    expect(new Scenario(nodeOf(step, { vars }), { limit: 4 }).state.vars).toEqual({ limit: 8, id: INSTANCE_ID, list: [1] });
  });

  it('that cannot be evaluated refuse the start: nothing is made', () => {
    expect(() => new Scenario(nodeOf(step, { vars: { x: '${ input.missing }' } }))).toThrow('MR_EXPRESSION_FAILED');
  });

  it('are set when a node completes, from its own output too', () => {
    const document = graphOf({ a: { ...task, set: { total: '${ nodes.a.output.n + 1 }' } }, b: give('${ vars.total }') }, ['a>b'], {
      output: '${ nodes.b.output }',
    });
    expect(new Scenario(document).completes('a', { n: 4 }).state.output).toBe(5);
  });

  it('are not set by a node that failed', () => {
    const a = { ...task, retry: { maxAttempts: 1 }, set: { x: 1 } };
    const scenario = new Scenario(graphOf({ a, b: task }, [{ from: 'a', to: 'b', on: 'failed' }], { vars: { x: 0 } })).fails('a');
    expect(scenario.state.vars).toEqual({ x: 0 });
  });

  it('are seen by a node’s expressions as they were before it', () => {
    const a = { type: 'transform', output: '${ vars.x }', set: { x: 2, y: '${ vars.x }' } };
    const scenario = new Scenario(nodeOf(a, { vars: { x: 1, y: 0 }, output: '${ nodes.n.output }' }));
    expect(scenario.state.output).toBe(1);
    expect(scenario.state.vars).toEqual({ x: 2, y: 1 });
  });

  it('are seen by a node’s edges as it set them', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'vars.x == 2' },
      { from: 'a', to: null, otherwise: true },
    ];
    expect(new Scenario(graphOf({ a: { ...step, set: { x: 2 } }, b: task }, edges, { vars: { x: 1 } })).open).toEqual(['b']);
  });

  it('that branches set alike keep what came later in the history', () => {
    const document = graphOf({ a: { ...task, set: { x: 'a' } }, b: { ...task, set: { x: 'b' } } }, [], { output: '${ vars.x }' });
    expect(new Scenario(document).completes('a').completes('b').state.output).toBe('b');
    expect(new Scenario(document).completes('b').completes('a').state.output).toBe('a');
  });
});

describe('In scope', () => {
  it('is the instance: id, business key, definition, version, when and by whom it was started', () => {
    const scenario = new Scenario(nodeOf(give('${ instance }'), { output: '${ nodes.n.output }' }), {}, { businessKey: 'order 7' });
    expect(scenario.state.output).toEqual({
      id: INSTANCE_ID,
      businessKey: 'order 7',
      startedBy: 'tester',
      definition: 'test',
      version: 1,
      startedAt: '2026-01-01T00:00:00.000Z',
    });
  });

  it('is a node by its id, also one with a dash', () => {
    const document = graphOf({ 'a-b': step, c: give("${ nodes['a-b'].output }") }, ['a-b>c'], { output: '${ nodes.c.output }' });
    expect(new Scenario(document).state.output).toBe(1);
  });

  it('is every node, when one is looked up by a computed name', () => {
    const document = graphOf({ a: step, b: give('${ nodes[input.name].output }') }, ['a>b'], { output: '${ nodes.b.output }' });
    expect(new Scenario(document, { name: 'a' }).state.output).toBe(1);
  });

  it('is the attempt that a node took', () => {
    const document = graphOf({ a: task, b: give('${ nodes.a.attempt }') }, ['a>b'], { output: '${ nodes.b.output }' });
    expect(new Scenario(document).fails('a').timer('a#retry').completes('a').state.output).toBe(2);
  });
});

describe('What an expression sees of a node that did not complete', () => {
  const seen = { status: '${ nodes.a.status }', output: '${ nodes.a.output }', isNull: '${ nodes.a.output == null }' };
  const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] }, timeout: '1h' };
  const look = { type: 'transform', output: seen, join: 'any' };
  const outputOf = (scenario: Scenario) => scenario.task('look');

  it('is null while it is open or retrying', () => {
    const document = graphOf({ a: task, b: task, look }, ['a>look', 'b>look']);
    const expected = { status: 'completed', output: { status: null, output: null, isNull: true } };
    expect(outputOf(new Scenario(document).completes('b'))).toMatchObject(expected);
    expect(outputOf(new Scenario(document).fails('a').completes('b'))).toMatchObject(expected);
    const person = graphOf({ a: human, b: task, look }, ['a>look', 'b>look']);
    expect(outputOf(new Scenario(person).completes('b'))).toMatchObject(expected);
  });

  it('is that it was skipped, and null', () => {
    const edges = [{ from: 's', to: 'a', when: 'false' }, { from: 's', to: 'b', otherwise: true }, 'a>look', 'b>look'];
    const scenario = new Scenario(graphOf({ s: step, a: step, b: step, look }, edges));
    expect(outputOf(scenario)).toMatchObject({ output: { status: 'skipped', output: null, isNull: true } });
  });

  it('is that it timed out, and null', () => {
    const document = graphOf({ a: human, look }, [{ from: 'a', to: 'look', on: 'timedOut' }]);
    const expected = { output: { status: 'timedOut', output: null, isNull: true } };
    expect(outputOf(new Scenario(document).timer('a#timeout'))).toMatchObject(expected);
    const once = { ...task, retry: { maxAttempts: 1 } };
    const attempt = graphOf({ a: once, look }, [{ from: 'a', to: 'look', on: 'timedOut' }]);
    expect(outputOf(new Scenario(attempt).timesOut('a'))).toMatchObject(expected);
  });

  it('is that it failed, and null', () => {
    const once = { ...task, retry: { maxAttempts: 1 } };
    const scenario = new Scenario(graphOf({ a: once, look }, [{ from: 'a', to: 'look', on: 'failed' }])).fails('a');
    expect(outputOf(scenario)).toMatchObject({ output: { status: 'failed', output: null, isNull: true } });
  });

  it('is that it was cancelled, and null, in the join that cancelled it and behind it', () => {
    const document = graphOf({ a: task, b: task, look: { ...look, cancelRest: true }, c: { type: 'transform', output: seen } }, [
      'a>look',
      'b>look',
      'look>c',
    ]);
    const scenario = new Scenario(document).completes('b');
    const expected = { output: { status: 'cancelled', output: null, isNull: true } };
    expect(outputOf(scenario)).toMatchObject(expected);
    expect(scenario.task('c')).toMatchObject(expected);
  });

  it('tells its error by code and message once it has failed or timed out, and null before and otherwise', () => {
    const asking = { type: 'transform', join: 'any', output: '${ nodes.a.error }' };
    const once = { ...task, retry: { maxAttempts: 1 } };
    const behind = (a: JsonObject) => new Scenario(graphOf({ a, b: task, look: asking }, [{ from: 'a', to: 'look', on: 'any' }, 'b>look']));
    expect(outputOf(behind(once).fails('a', 'BROKEN'))).toMatchObject({
      output: { code: 'BROKEN', message: 'BROKEN happened', details: null },
    });
    expect(outputOf(behind(once).timesOut('a'))).toMatchObject({ output: { code: 'TIMEOUT', message: 'too slow' } });
    const retrying = behind(task).fails('a', 'BROKEN');
    expect(retrying.task('a')).toMatchObject({ status: 'retrying', lastError: { code: 'BROKEN' } });
    expect(outputOf(retrying.completes('b'))).toMatchObject({ status: 'completed', output: null });
    expect(outputOf(behind(task).completes('a').completes('b'))).toMatchObject({ status: 'completed', output: null });
  });

  it('tells what the server said, by which an edge can decide', () => {
    const edges = [{ from: 'a', to: 'other', on: 'failed', when: 'nodes.a.error.details.body.code == "card_declined"' }];
    const scenario = new Scenario(graphOf({ a: { ...task, retry: { maxAttempts: 1 } }, other: task }, edges));
    const error = { code: 'HTTP_402', message: 'no', details: { status: 402, headers: {}, body: { code: 'card_declined' } } };
    scenario.send(scenario.outcome('a', { status: 'failed', error, retryable: false, retryAfterMs: null }));
    expect(scenario.task('other').status).toBe('scheduled');
  });

  it('tells neither an error nor an attempt of a node that was not opened', () => {
    const asking = { type: 'transform', join: 'any', output: { error: '${ nodes.b.error }', attempt: '${ nodes.b.attempt }' } };
    const scenario = new Scenario(graphOf({ a: task, c: task, b: task, look: asking }, ['c>b', 'a>look', 'b>look'])).completes('a');
    expect(outputOf(scenario)).toMatchObject({ output: { error: null, attempt: null } });
  });

  it('decides edges by its status', () => {
    const edges = [
      'a>look',
      'b>look',
      { from: 'look', to: 'c', when: "nodes.a.status == 'cancelled'" },
      { from: 'look', to: 'd', otherwise: true },
    ];
    const nodes = { a: task, b: task, look: { ...look, cancelRest: true }, c: task, d: task };
    expect(new Scenario(graphOf(nodes, edges)).completes('b').open).toEqual(['c']);
    const late = [
      { from: 'a', to: 'look', on: 'any' },
      { from: 'look', to: 'c', when: "nodes.a.status == 'timedOut'" },
      { from: 'look', to: 'd', otherwise: true },
    ];
    expect(new Scenario(graphOf({ a: human, look, c: task, d: task }, late)).timer('a#timeout').open).toEqual(['c']);
  });
});

describe('The output of an instance', () => {
  it('is null when the definition gives none', () => {
    expect(new Scenario(nodeOf(step)).state.output).toBeNull();
  });

  it('may be one whole expression, or an object of them', () => {
    expect(new Scenario(nodeOf(step, { output: '${ nodes.n.output }' })).state.output).toBe(1);
    expect(new Scenario(nodeOf(step, { output: { a: ['${ nodes.n.output }'], text: 'is ${ nodes.n.output }' } })).state.output).toEqual({
      a: [1],
      text: 'is 1',
    });
  });

  it('asks skipped nodes safely', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'false' },
      { from: 'a', to: null, otherwise: true },
    ];
    const output = { status: '${ nodes.b.status }', paid: "${ nodes.b.status == 'completed' }" };
    expect(new Scenario(graphOf({ a: step, b: step }, edges, { output })).state.output).toEqual({ status: 'skipped', paid: false });
  });

  it('and its variables work for nodes with the names of an object’s own members', () => {
    const document = graphOf({ constructor: step, toString: give('${ nodes.constructor.output }') }, ['constructor>toString'], {
      output: '${ nodes.toString.output }',
    });
    expect(new Scenario(document).state.output).toBe(1);
  });
});
