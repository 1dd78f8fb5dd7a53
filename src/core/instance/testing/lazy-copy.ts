/** The instance as a process has it that loads its scopes as they are needed, fresh from the database or out of its cache. */
import type { ScopePath } from '../../ids.ts';
import { own } from '../../record.ts';
import type { AddressedNotification } from '../decide/notification.ts';
import { scopeOfNotification } from '../decide/notification-scopes.ts';
import { ScopesNeeded, scopeChain, withScopes } from '../state/scopes.ts';
import type { InstanceState } from '../state/state.ts';
import type { StepResult } from '../step.ts';
import { same } from './assertions.ts';

export class LazyCopy {
  /** With the scopes that were needed so far. */
  #cached: InstanceState | null = null;
  #steps = 0;

  /** Decides on a part of the scopes what was decided on all of them, and checks that the same comes of it. */
  check(
    whole: InstanceState,
    batch: readonly AddressedNotification[],
    expected: StepResult,
    decide: (state: InstanceState) => StepResult,
  ): void {
    // Forgotten every now and then, as a cache does.
    const isCached = this.#cached !== null && ++this.#steps % 3 > 0;
    const partial =
      isCached && this.#cached !== null
        ? this.#cached
        : partOf(
            whole,
            batch.map(({ notification }) => scopeOfNotification(notification)),
          );
    const [lazy, loaded] = decidedLazily(whole, partial, decide);
    same(lazy.history, expected.history, 'the same is decided when scopes are loaded as they are needed');
    same(lazy.effects, expected.effects, 'the same is done when scopes are loaded as they are needed');
    same(changedScopes(loaded, lazy.state), changedScopes(whole, expected.state), 'the same scopes are written');
    const { scopes: _, partial: __, ...rest } = lazy.state;
    same({ ...rest, scopes: expected.state.scopes }, expected.state, 'the same state comes of it');
    this.#cached = lazy.state;
  }
}

/** The instance's own scope, and those on the way to these. */
function partOf(whole: InstanceState, paths: readonly ScopePath[]): InstanceState {
  const wanted = new Set(['' as ScopePath, ...paths.flatMap(scopeChain)]);
  const held = [...wanted].flatMap((path) => own(whole.scopes, path) ?? []);
  const absent = [...wanted].filter((path) => own(whole.scopes, path) === undefined);
  return { ...whole, scopes: Object.fromEntries(held.map((scope) => [scope.path, scope])), partial: { absent, whole: [] } };
}

/** @returns what was decided, and the state with everything that it took. */
function decidedLazily(
  whole: InstanceState,
  partial: InstanceState,
  decide: (state: InstanceState) => StepResult,
): [StepResult, InstanceState] {
  let state = partial;
  for (let loads = 0; loads < 1_000; loads++) {
    try {
      return [decide(state), state];
    } catch (error) {
      if (!(error instanceof ScopesNeeded)) throw error;
      const { paths, below } = error;
      const found = Object.values(whole.scopes).filter(
        ({ path }) => paths.includes(path) || (below !== null && (below === '' || path.startsWith(`${below}.`))),
      );
      state = withScopes(state, error, found);
    }
  }
  throw new Error('what is loaded does not help');
}

/** What a store writes: scopes that are another object, null for those that are gone. */
function changedScopes({ scopes: before }: InstanceState, { scopes: after }: InstanceState): ReadonlyMap<string, unknown> {
  const written = Object.values(after).filter((scope) => own(before, scope.path) !== scope);
  const gone = Object.values(before).filter(({ path }) => !Object.hasOwn(after, path));
  return new Map<string, unknown>([
    ...written.map((scope) => [scope.path, scope] as const),
    ...gone.map(({ path }) => [path, null] as const),
  ]);
}
