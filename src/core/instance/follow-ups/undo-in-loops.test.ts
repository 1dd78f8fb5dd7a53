/** Undoing in loops: items and rounds, also those whose scopes are over. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import type { ScopePath } from '../../ids.ts';
import { missingScopes } from '../state/scopes.ts';
import type { InstanceState, ScopeState } from '../state/state.ts';
import { cancel, compensating, decidedLazily, inputOf, undo, undoable, work } from '../testing/compensating.ts';

describe('In loops', () => {
  const ship = { ...undoable, compensation: { ...undo, input: '${ [item, index, nodes.pack.output, node.output] }' } };
  const body = { nodes: { pack: work, ship }, edges: [{ from: 'pack', to: 'ship' }] };
  const orders = { type: 'forEach', items: ['x', 'y'], body };

  it('each item is undone, also after the loop has exited, in the order across all scopes', () => {
    const scenario = new Scenario(compensating({ orders, z: undoable, last: work }, ['orders>last']));
    for (const index of [1, 0]) scenario.completes(`orders.${index}.pack`, `p${index}`);
    scenario.completes('orders.1.ship', 's1').completes('z', 'Z').completes('orders.0.ship', 's0').fails('last');
    expect(scenario.open).toEqual(['orders.0.ship.compensation']);
    expect(inputOf(scenario, 'orders.0.ship.compensation')).toEqual(['x', 0, 'p0', 's0']);
    scenario.completes('orders.0.ship.compensation');
    expect(scenario.open).toEqual(['z.compensation']);
    scenario.completes('z.compensation');
    expect(inputOf(scenario, 'orders.1.ship.compensation')).toEqual(['y', 1, 'p1', 's1']);
    expect(scenario.completes('orders.1.ship.compensation').status).toBe('failed');
  });

  it('what an open item has done is undone, and what its worker does yet', () => {
    const scenario = new Scenario(compensating({ orders })).completes('orders.0.pack').completes('orders.0.ship', 's0');
    scenario.completes('orders.1.pack', 'p1').command(cancel);
    expect(scenario.status).toBe('ending');
    scenario.send(scenario.outcomeOfAwaited('orders.1.ship', { status: 'completed', output: 's1' }));
    expect(inputOf(scenario, 'orders.1.ship.compensation')).toEqual(['y', 1, 'p1', 's1']);
    scenario.completes('orders.1.ship.compensation').completes('orders.0.ship.compensation');
    expect(scenario.status).toBe('cancelled');
  });

  it('each round is undone, though a repeat keeps only its last one', () => {
    const r = { type: 'repeat', max: 3, until: 'index == 2', body: { nodes: { again: undoable } } };
    const scenario = new Scenario(compensating({ r, z: work }, ['r>z']));
    for (const round of [0, 1, 2]) scenario.completes(`r.${round}.again`, round);
    scenario.fails('z');
    for (const round of [2, 1, 0]) {
      expect(inputOf(scenario, `r.${round}.again.compensation`)).toBe(round);
      scenario.completes(`r.${round}.again.compensation`);
    }
    expect(scenario.status).toBe('failed');
  });

  it('an item that ran twice is undone twice, each with what it gave', () => {
    // The condition fails after the first item, so that a retry runs the second one again.
    const items = {
      type: 'forEach',
      items: ['x', 'y'],
      until: 'item.bad',
      body: { nodes: { a: undoable, b: work }, edges: [{ from: 'a', to: 'b' }] },
    };
    const scenario = new Scenario(compensating({ items }))
      .completes('items.1.a', 'first run')
      .completes('items.0.a')
      .completes('items.0.b');
    scenario.send(scenario.command({ type: 'retry', path: null }).outcome('items.1.a', { status: 'completed', output: 'second run' }));
    scenario.command(cancel).send(scenario.outcomeOfAwaited('items.1.b', { status: 'completed', output: 1 }));
    expect(inputOf(scenario, 'items.1.a.compensation')).toBe('second run');
    const { basis } = scenario.task('items.1.a.compensation');
    scenario.completes('items.1.a.compensation').completes('items.0.a.compensation');
    expect(scenario.task('items.1.a.compensation')).toMatchObject({ status: 'scheduled', attempt: 2 });
    expect(scenario.task('items.1.a.compensation').basis).not.toBe(basis);
    expect(inputOf(scenario, 'items.1.a.compensation')).toBe('first run');
    expect(scenario.completes('items.1.a.compensation').status).toBe('cancelled');
  });

  it('whose scope is over once there is nothing to undo in it is not asked for again, where scopes are loaded as they are needed', () => {
    const body = { nodes: { a: undoable, b: work, j: { type: 'transform', output: 1, join: 'any', cancelRest: true } } };
    const r = { type: 'repeat', max: 5, until: 'index == 4', body: { ...body, edges: ['a', 'b'].map((from) => ({ from, to: 'j' })) } };
    const rounds = new Scenario(compensating({ r })).completes('r.0.b').completes('r.1.b');
    const failed = { status: 'failed', error: { code: 'BROKEN', message: 'no' }, retryable: false, retryAfterMs: null } as const;
    expect(decidedLazily(rounds, rounds.outcomeOfAwaited('r.0.a', failed)).scopes).not.toHaveProperty(['r.0']);

    const edges = [
      { from: 's', to: 'a', when: 'item == 1' },
      { from: 's', to: null, otherwise: true },
    ];
    const items = { type: 'forEach', items: [1, 2], body: { nodes: { s: work, a: undoable }, edges } };
    const loop = new Scenario(compensating({ items, z: work }, ['items>z'])).completes('items.0.s').completes('items.0.a');
    const last = loop.outcome('items.1.s', { status: 'completed', output: null });
    expect(Object.keys(decidedLazily(loop, last).scopes)).toEqual(['', 'items.0']);
  });

  it('what the first run of an item did in a loop is undone too, though its outcome comes before that loop opens again', () => {
    const inner = { type: 'forEach', items: [1], body: { nodes: { a: undoable } } };
    const body = { nodes: { first: work, inner }, edges: [{ from: 'first', to: 'inner' }] };
    const scenario = new Scenario(compensating({ items: { type: 'forEach', items: ['x', 'y'], until: 'item.bad', body }, z: work }));
    for (const index of [1, 0]) scenario.completes(`items.${index}.first`);
    scenario.completes('items.0.inner.0.a').command({ type: 'retry', path: null });
    // A process that holds the item looks for the scope of its first run.
    const { '': root, 'items.1': item } = scenario.state.scopes as Record<string, ScopeState>;
    const held = { ...scenario.state, scopes: { '': root, 'items.1': item }, partial: { absent: [], whole: [] } } as InstanceState;
    expect(missingScopes(held, ['items.1.inner.0' as ScopePath])).toEqual(['items.1.inner.0']);
    scenario.send(scenario.outcomeOfAwaited('items.1.inner.0.a', { status: 'completed', output: 'first run' }));
    scenario.completes('items.1.first').completes('items.1.inner.0.a', 'second run').fails('z');
    for (const run of ['second run', 'first run']) {
      expect(inputOf(scenario, 'items.1.inner.0.a.compensation')).toBe(run);
      scenario.completes('items.1.inner.0.a.compensation');
    }
    expect(scenario.completes('items.0.inner.0.a.compensation').status).toBe('failed');
  });

  it('a node may be called compensation', () => {
    const scenario = new Scenario(
      compensating({ l: { type: 'forEach', items: [1], body: { nodes: { compensation: undoable } } }, z: work }, ['l>z']),
    );
    scenario.completes('l.0.compensation').fails('z');
    expect(scenario.open).toEqual(['l.0.compensation.compensation']);
    expect(scenario.completes('l.0.compensation.compensation').status).toBe('failed');
  });
});
