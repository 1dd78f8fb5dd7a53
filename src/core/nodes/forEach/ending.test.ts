/** forEach that ends before all of its items have: by its condition, its number of items, or its timeout. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import type { Json, JsonObject } from '../../json.ts';

const ship: JsonObject = { type: 'task', task: 'ship', input: '${ item }', retry: { maxAttempts: 1 } };

function loop(more: JsonObject, edges: readonly Json[] = []): JsonObject {
  const order = { type: 'forEach', items: '${ input.items }', body: { nodes: { ship }, output: '${ nodes.ship.output }' }, ...more };
  const nodes = { order, ...(edges.length === 0 ? {} : { next: { type: 'transform', output: '${ nodes.order.error.code }' } }) };
  return { id: 'loop', nodes, edges, output: edges.length === 0 ? '${ nodes.order.output }' : '${ nodes.next.output }' };
}

const items = ['a', 'b', 'c'];

describe('until', () => {
  it('is asked as each item completes, and cancels the rest once it holds', () => {
    const scenario = new Scenario(loop({ until: 'results[index].found' }), { items });
    scenario.completes('order.2.ship', { found: false });
    expect(scenario.open).toEqual(['order', 'order.0.ship', 'order.1.ship']);
    scenario.completes('order.1.ship', { found: true });
    expect(scenario.state).toMatchObject({ phase: 'completed', output: [null, { found: true }, { found: false }] });
    expect(scenario.eventTypes.filter((type) => type === 'TaskCancelled')).toHaveLength(1);
  });

  it('sees the item by both names, its index and all results so far in the order of the items', () => {
    const until = "index == 0 && item == 'a' && line == item && results == [1, null, 3]";
    const scenario = new Scenario(loop({ as: 'line', until }), { items });
    expect(scenario.completes('order.2.ship', 3).status).toBe('running');
    expect(scenario.completes('order.0.ship', 1).state).toMatchObject({ phase: 'completed', output: [1, null, 3] });
  });

  it('opens no further items once it holds', () => {
    const scenario = new Scenario(loop({ concurrency: 1, until: 'index == 1' }), { items });
    scenario.completes('order.0.ship', 'A').completes('order.1.ship', 'B');
    expect(scenario.state).toMatchObject({ phase: 'completed', output: ['A', 'B', null] });
    expect(scenario.eventTypes.filter((type) => type === 'ScopeOpened')).toHaveLength(2);
  });

  it('is not asked about items that fail, nor where there are none', () => {
    const scenario = new Scenario(loop({ onItemFailure: 'continue', until: 'true' }), { items });
    expect(scenario.fails('order.0.ship').open).toEqual(['order', 'order.1.ship', 'order.2.ship']);
    expect(new Scenario(loop({ until: 'true' }), { items: [] }).state).toMatchObject({ phase: 'completed', output: [] });
  });

  it('that never holds lets all items run', () => {
    const scenario = new Scenario(loop({ until: 'false' }), { items: ['a', 'b'] });
    expect(scenario.completes('order.0.ship', 'A').completes('order.1.ship', 'B').state.output).toEqual(['A', 'B']);
  });

  it('that fails is an incident of the loop, which runs the others again by a retry', () => {
    const scenario = new Scenario(loop({ until: 'results[index].found' }), { items });
    scenario.completes('order.0.ship', {});
    expect(scenario.incidents).toMatchObject({ order: { phase: 'open', expression: 'results[index].found' } });
    expect(scenario.open).toEqual([]);
    scenario.command({ type: 'retry', path: null });
    expect(scenario.open).toEqual(['order', 'order.1.ship', 'order.2.ship']);
    expect(scenario.completes('order.2.ship', { found: true }).state.output).toEqual([{}, null, { found: true }]);
  });

  it('ends loops within the items that it cancels', () => {
    const inner = { type: 'forEach', items: [1, 2], body: { nodes: { ship } } };
    const scenario = new Scenario(loop({ until: 'true', body: { nodes: { first: ship, inner } } }), { items });
    scenario.completes('order.1.first').completes('order.1.inner.0.ship').completes('order.1.inner.1.ship');
    expect(scenario.state.phase).toBe('completed');
    expect(Object.keys(scenario.state.scopes)).toEqual(['']);
  });

  it('takes nothing more from a pause on', () => {
    const scenario = new Scenario(loop({ until: 'true' }), { items });
    scenario.command({ type: 'pause' }).completes('order.0.ship', 'A').completes('order.1.ship', 'B');
    expect(scenario.status).toBe('paused');
    scenario.command({ type: 'resume' });
    expect(scenario.state.phase).toBe('completed');
  });
});

describe('atLeast', () => {
  it('completes the loop with as many items, and cancels the rest', () => {
    const scenario = new Scenario(loop({ atLeast: 2 }), { items });
    scenario.completes('order.2.ship', 'C').completes('order.0.ship', 'A');
    expect(scenario.state).toMatchObject({ phase: 'completed', output: ['A', null, 'C'] });
  });

  it('closes the incident of an item that is not needed any more', () => {
    const scenario = new Scenario(loop({ atLeast: 2 }), { items });
    scenario.fails('order.1.ship').completes('order.2.ship', 'C');
    expect(scenario.status).toBe('incident');
    scenario.completes('order.0.ship', 'A');
    expect(scenario.state).toMatchObject({ phase: 'completed', output: ['A', null, 'C'] });
    expect(scenario.incidents).toEqual({});
  });

  it('fails the loop as soon as so many can no longer complete', () => {
    const scenario = new Scenario(loop({ atLeast: 2, onItemFailure: 'continue' }), { items });
    expect(scenario.fails('order.0.ship', 'LOST').task('order').status).toBe('open');
    scenario.fails('order.1.ship');
    expect(scenario.open).toEqual([]);
    const message = '2 items must complete ("atLeast"), but of 3 no more than 1 can. 2 of 3 items failed. Item 0: LOST: LOST happened';
    expect(scenario.task('order')).toMatchObject({ status: 'failed', error: { code: 'ITEMS_TOO_FEW', message } });
    scenario.command({ type: 'retry', path: null });
    expect(scenario.open).toEqual(['order', 'order.0.ship', 'order.1.ship', 'order.2.ship']);
    expect(scenario.completes('order.0.ship', 'A').completes('order.1.ship', 'B').state.output).toEqual(['A', 'B', null]);
  });

  it('counts what completed before a retry', () => {
    const scenario = new Scenario(loop({ atLeast: 2, onItemFailure: 'fail' }), { items });
    scenario.completes('order.0.ship', 'A').fails('order.1.ship').command({ type: 'retry', path: null });
    expect(scenario.completes('order.2.ship', 'C').state).toMatchObject({ phase: 'completed', output: ['A', null, 'C'] });
  });

  it('fails the loop at once where there are fewer items, by an edge if there is one', () => {
    const edges = [{ from: 'order', to: 'next', on: 'failed' }];
    const scenario = new Scenario(loop({ atLeast: 3 }, edges), { items: ['a', 'b'] });
    expect(scenario.state).toMatchObject({ phase: 'completed', output: 'ITEMS_TOO_FEW' });
    expect(scenario.eventTypes).not.toContain('ScopeOpened');
  });

  it('may be all of the items', () => {
    const scenario = new Scenario(loop({ atLeast: 2 }), { items: ['a', 'b'] });
    expect(scenario.completes('order.0.ship', 'A').completes('order.1.ship', 'B').state.output).toEqual(['A', 'B']);
  });
});

describe('timeout', () => {
  const edges = [{ from: 'order', to: 'next', on: 'timedOut' }];

  it('cancels what is open, and takes the edge', () => {
    const scenario = new Scenario(loop({ timeout: '1h' }, edges), { items });
    scenario.completes('order.0.ship').timer('order#timeout');
    expect(scenario.state).toMatchObject({ phase: 'completed', output: 'TIMEOUT' });
    expect(scenario.timers).toEqual({});
  });

  it('is an incident without an edge, and a retry runs what has not completed under a timeout of its own', () => {
    const scenario = new Scenario(loop({ timeout: '${ input.time }' }), { items, time: '10m' });
    scenario.completes('order.0.ship', 'A').timer('order#timeout');
    const message = 'The loop reached its timeout with 2 of 3 items not ended.';
    expect(scenario.incidents).toMatchObject({ order: { phase: 'failed', error: { code: 'TIMEOUT', message } } });
    scenario.after(1_000).command({ type: 'retry', path: null });
    expect(scenario.open).toEqual(['order', 'order.1.ship', 'order.2.ship']);
    expect(scenario.armed('order#timeout').dueAt).toBe(scenario.now + 600_000);
    expect(scenario.completes('order.1.ship', 'B').completes('order.2.ship', 'C').state.output).toEqual(['A', 'B', 'C']);
    expect(scenario.timers).toEqual({});
  });
});
