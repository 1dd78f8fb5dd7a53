/** forEach: items in scopes of their own, in the order and number that the definition says. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import type { JsonObject } from '../../json.ts';

const work: JsonObject = { type: 'task', task: 'ship', input: '${ item }', retry: { maxAttempts: 1 } };

function loop(
  more: JsonObject = {},
  top: JsonObject = {},
  body: JsonObject = { nodes: { ship: work }, output: '${ nodes.ship.output }' },
): JsonObject {
  return {
    id: 'orders',
    nodes: { order: { type: 'forEach', items: '${ input.items }', body, ...more } },
    output: '${ nodes.order.output }',
    ...top,
  };
}

describe('A forEach', () => {
  it('runs its body for each item, by paths that name loop, item and node', () => {
    const scenario = new Scenario(loop(), { items: ['a', 'b', 'c'] });
    expect(scenario.open).toEqual(['order', 'order.0.ship', 'order.1.ship', 'order.2.ship']);
    expect(scenario.task('order.1.ship')).toMatchObject({ nodeId: 'order/ship', payload: { input: 'b' } });
  });

  it('gives the outputs in the order of its items, whichever order they end in', () => {
    const scenario = new Scenario(loop(), { items: ['a', 'b', 'c'] });
    scenario.completes('order.2.ship', 'C').completes('order.0.ship', 'A').completes('order.1.ship', 'B');
    expect(scenario.state).toMatchObject({ phase: 'completed', output: ['A', 'B', 'C'] });
  });

  it('refers to the outputs where they stand in history, and writes none of them again', () => {
    const scenario = new Scenario(loop(), { items: ['a', 'b'] });
    scenario.completes('order.1.ship', 'B').completes('order.0.ship', 'A');
    const ends = scenario.history.flatMap(({ seq, event }) => (event.type === 'ScopeEnded' ? [[event.scope, seq] as const] : []));
    const at = Object.fromEntries(ends);
    expect(scenario.history.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: 'TaskCompleted', path: 'order', outputFrom: [at['order.0'], at['order.1']] }),
    );
  });

  it('completes at once with an empty array', () => {
    expect(new Scenario(loop(), { items: [] }).state).toMatchObject({ phase: 'completed', output: [] });
  });

  it('comes under incident for items that are no array', () => {
    const scenario = new Scenario(loop(), { items: 'abc' });
    expect(scenario.incidents).toMatchObject({
      order: { phase: 'open', error: { code: 'MR_VALUE_UNFIT', message: '`items` must be an array.' } },
    });
  });

  it('runs as many items at a time as its concurrency says', () => {
    const scenario = new Scenario(loop({ concurrency: 2 }), { items: ['a', 'b', 'c', 'd'] });
    expect(scenario.open).toEqual(['order', 'order.0.ship', 'order.1.ship']);
    expect(scenario.completes('order.1.ship').open).toEqual(['order', 'order.0.ship', 'order.2.ship']);
    expect(scenario.completes('order.0.ship').open).toEqual(['order', 'order.2.ship', 'order.3.ship']);
  });

  it('opens 500 items in a step at the most, and the next ones by a timer that is due at once', () => {
    const scenario = new Scenario(loop(), { items: Array.from({ length: 1_100 }, (_, n) => n) });
    expect(scenario.open).toHaveLength(501);
    expect(scenario.timer('order#loop').open).toHaveLength(1_001);
    expect(scenario.timer('order#loop').open).toHaveLength(1_101);
    expect(scenario.timers).toEqual({});
  });

  it('gives its body item, index, the name of its author, and the nodes around it', () => {
    const body = {
      nodes: { say: { type: 'transform', output: '${ nodes.first.output }${ index }: ${ line } ${ item }' } },
      output: '${ nodes.say.output }',
    };
    const document = { ...loop({ as: 'line' }, {}, body) };
    const nodes = { first: { type: 'transform', output: '#' }, ...(document.nodes as JsonObject) };
    const scenario = new Scenario({ ...document, nodes, edges: [{ from: 'first', to: 'order' }] }, { items: ['a', 'b'] });
    expect(scenario.state.output).toEqual(['#0: a a', '#1: b b']);
  });

  it('runs loops in loops', () => {
    const inner = { type: 'forEach', items: '${ item }', as: 'cell', body: { nodes: { ship: work }, output: '${ nodes.ship.output }' } };
    const scenario = new Scenario(loop({ as: 'row' }, {}, { nodes: { lines: inner }, output: '${ nodes.lines.output }' }), {
      items: [[1, 2], [], [3]],
    });
    expect(scenario.open).toEqual([
      'order',
      'order.0.lines',
      'order.0.lines.0.ship',
      'order.0.lines.1.ship',
      'order.2.lines',
      'order.2.lines.0.ship',
    ]);
    scenario.completes('order.2.lines.0.ship', 'c').completes('order.0.lines.0.ship', 'a').completes('order.0.lines.1.ship', 'b');
    expect(scenario.state.output).toEqual([['a', 'b'], [], ['c']]);
  });
});

describe('An item that fails', () => {
  it('is an incident at the very task when the node says nothing, and goes on from there', () => {
    const scenario = new Scenario(loop(), { items: ['a', 'b'] });
    scenario.fails('order.1.ship').completes('order.0.ship', 'A');
    expect(scenario.incidents).toMatchObject({ 'order.1.ship': { phase: 'failed', nodeId: 'order/ship' } });
    expect(scenario.status).toBe('incident');
    scenario.command({ type: 'retry', path: null });
    expect(scenario.completes('order.1.ship', 'B').state.output).toEqual(['A', 'B']);
  });

  it('leaves null in its place with "continue"', () => {
    const scenario = new Scenario(loop({ onItemFailure: 'continue' }), { items: ['a', 'b'] });
    expect(scenario.fails('order.0.ship').completes('order.1.ship', 'B').state.output).toEqual([null, 'B']);
  });

  it('fails the node with "fail", and ends the other items', () => {
    const scenario = new Scenario(loop({ onItemFailure: 'fail' }), { items: ['a', 'b', 'c'] });
    scenario.fails('order.1.ship', 'LOST');
    expect(scenario.open).toEqual([]);
    expect(scenario.task('order')).toMatchObject({
      status: 'failed',
      error: { code: 'ITEMS_FAILED', message: '1 of 3 items failed. Item 1: LOST: LOST happened' },
    });
    expect(scenario.incidents).toMatchObject({ order: { phase: 'failed' } });
  });

  it('runs only the items that did not complete after a retry, under attempts that count on', () => {
    const scenario = new Scenario(loop({ onItemFailure: 'fail' }), { items: ['a', 'b', 'c'] });
    scenario.completes('order.0.ship', 'A').fails('order.1.ship');
    const before = scenario.history.length;
    scenario.command({ type: 'retry', path: null });
    expect(scenario.open).toEqual(['order', 'order.1.ship', 'order.2.ship']);
    expect(scenario.task('order.1.ship')).toMatchObject({ attempt: 2 });
    expect(scenario.task('order')).toMatchObject({ attempt: 2 });
    expect(scenario.history.slice(before).filter(({ event }) => event.type === 'ScopeOpened')).toHaveLength(2);
    expect(scenario.completes('order.1.ship', 'B').completes('order.2.ship', 'C').state.output).toEqual(['A', 'B', 'C']);
  });

  it('fails the node once more have failed than maxFailures', () => {
    const scenario = new Scenario(loop({ onItemFailure: { maxFailures: 1 } }), { items: ['a', 'b', 'c'] });
    expect(scenario.fails('order.0.ship').task('order').status).toBe('open');
    expect(scenario.fails('order.2.ship').task('order').status).toBe('failed');
  });

  it('refuses an outcome of an attempt that its retry replaced', () => {
    const scenario = new Scenario(loop({ onItemFailure: 'fail' }), { items: ['a', 'b'] });
    const late = scenario.outcome('order.0.ship', { status: 'completed', output: 'late' });
    scenario.fails('order.1.ship').send(late);
    expect(scenario.rejected).toEqual(['MR_OUTCOME_STALE']);
    expect(scenario.command({ type: 'retry', path: null }).send(late).rejected).toEqual(['MR_OUTCOME_STALE']);
  });
});

describe('A loop that is ended from outside', () => {
  const document: JsonObject = {
    id: 'race',
    nodes: {
      ...(loop().nodes as JsonObject),
      clock: { type: 'wait', for: '1h' },
      first: { type: 'transform', output: 1, join: 'any', cancelRest: true },
    },
    edges: [
      { from: 'order', to: 'first' },
      { from: 'clock', to: 'first' },
    ],
  };

  it('by a join with cancelRest cancels what runs in all of its items', () => {
    const scenario = new Scenario(document, { items: ['a', 'b'] });
    scenario.completes('order.0.ship').timer('clock#wait');
    expect(scenario.state.phase).toBe('completed');
    expect(scenario.task('order').status).toBe('cancelled');
    expect(Object.keys(scenario.state.scopes)).toEqual(['']);
  });

  it('by a cancel of the instance leaves nothing open', () => {
    const scenario = new Scenario(document, { items: ['a', 'b'] });
    scenario.command({ type: 'cancel', reason: null });
    expect(scenario.state.phase).toBe('cancelled');
    expect(scenario.open).toEqual([]);
    expect(scenario.timers).toEqual({});
  });

  it('stands still under a pause, and goes on from there', () => {
    const scenario = new Scenario(loop({ concurrency: 1 }), { items: ['a', 'b'] });
    scenario.command({ type: 'pause' }).completes('order.0.ship', 'A');
    expect(scenario.open).toEqual(['order']);
    scenario.command({ type: 'resume' });
    expect(scenario.open).toEqual(['order', 'order.1.ship']);
    expect(scenario.completes('order.1.ship', 'B').state.output).toEqual(['A', 'B']);
  });
});

it('An output of an item that fails is an incident of that item, which a retry evaluates again', () => {
  const body = { nodes: { ship: work }, output: '${ nodes.ship.output.missing }' };
  const scenario = new Scenario(loop({}, {}, body), { items: ['a'] });
  scenario.completes('order.0.ship', {});
  expect(scenario.incidents).toMatchObject({ 'order.0': { phase: 'output' } });
  scenario.command({ type: 'retry', path: null });
  expect(scenario.incidents).toMatchObject({ 'order.0': { phase: 'output' } });
  expect(scenario.eventTypes.filter((type) => type === 'IncidentResolved')).toHaveLength(1);
});
