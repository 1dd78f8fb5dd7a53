import { expect, it } from 'vitest';
import { Scenario } from '../../../test/support/scenario.ts';
import type { ScopePath, TaskPath } from '../../core/ids.ts';
import { openScopes, ScopesNeeded, scopeAt } from '../../core/instance/state/scopes.ts';
import { partOf, scopesOf } from '../../store/stored/partial-state.ts';
import { decideLoading } from './decide-loading.ts';

const loop = { items: { type: 'forEach', items: '${ input.items }', body: { nodes: { work: { type: 'task', task: 'work' } } } } };
const whole = new Scenario({ id: 'loops', nodes: loop }, { items: Array.from({ length: 20 }, (_, index) => index) }).state;
const part = { state: partOf(whole, []), version: 3 };
const item = (index: number) => `items.${index}` as ScopePath;

/** What was asked for, one load after the other. */
const loads: ScopesNeeded[] = [];
const load = async (version: number, needed: ScopesNeeded) => {
  expect(version).toBe(3);
  loads.push(needed);
  return scopesOf(whole, needed);
};

it('loads what is known to be needed at once, and keeps it', async () => {
  loads.length = 0;
  const decided = await decideLoading(part, [item(1), item(4)], ({ state }) => scopeAt(state, item(4))?.status, load);
  expect(decided?.decision).toBe('open');
  expect(loads.map(({ paths }) => paths)).toEqual([[item(1), item(4)]]);
  expect(Object.keys(decided?.stored.state.scopes ?? {})).toEqual(['', item(1), item(4)]);
  const again = await decideLoading(decided?.stored ?? part, [item(4)], ({ state }) => scopeAt(state, item(1))?.status, load);
  expect(again?.decision).toBe('open');
  expect(loads).toHaveLength(1);
});

it('loads all of a loop, or of the instance, when the decision asks for it', async () => {
  loads.length = 0;
  const decided = await decideLoading(part, [], ({ state }) => openScopes(state).length, load);
  expect(decided?.decision).toBe(21);
  expect(loads.map(({ below }) => below)).toEqual(['']);
});

it('loads everything for a decision that asks again and again', async () => {
  loads.length = 0;
  const all = Array.from({ length: 20 }, (_, index) => item(index));
  const decided = await decideLoading(part, [], ({ state }) => all.map((path) => scopeAt(state, path)?.status), load);
  expect(decided?.decision).toEqual(all.map(() => 'open'));
  expect(loads.map(({ below }) => below)).toEqual([...Array.from({ length: 8 }, () => null), '']);
});

it('knows without asking what no loop has opened', async () => {
  loads.length = 0;
  const paths = [item(20), 'none.3' as ScopePath, 'items.77.work.2' as ScopePath];
  const decided = await decideLoading(part, paths, ({ state }) => paths.map((path) => scopeAt(state, path)), load);
  expect(decided?.decision).toEqual([undefined, undefined, undefined]);
  expect(loads).toEqual([]);
});

it('gives up when the instance was written meanwhile, and throws what the decision throws', async () => {
  const below = 'items' as TaskPath;
  const needing = () => {
    throw new ScopesNeeded({ below });
  };
  expect(await decideLoading(part, [], needing, async () => null)).toBeNull();
  const failing = () => {
    throw new Error('a bug');
  };
  await expect(decideLoading(part, [], failing, load)).rejects.toThrow('a bug');
  // A state that lacks nothing cannot be helped.
  await expect(decideLoading({ state: whole, version: 3 }, [], needing, load)).rejects.toThrow(ScopesNeeded);
});
