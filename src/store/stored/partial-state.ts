/** States with a part of their scopes: cut out of whole states, and merged back into them. Pure. */
import type { ScopePath, TaskPath } from '../../core/ids.ts';
import { rootPath, scopeChain } from '../../core/instance/state/scopes.ts';
import type { InstanceState, StatePart } from '../../core/instance/state/state.ts';

/** Which scopes a state lacks: these, and all of a loop (`''`: of the instance). */
export type NeededScopes = { readonly paths: readonly ScopePath[]; readonly below: TaskPath | '' | null };

/** Scopes and those around them, without the instance's own. */
export function chainsOf(scopes: readonly ScopePath[]): readonly ScopePath[] {
  const chains = new Set(scopes.flatMap(scopeChain));
  chains.delete(rootPath);
  return [...chains];
}

/** A whole state, with only the wanted scopes and those around them. */
export function partOf(whole: InstanceState, wanted: readonly ScopePath[] | 'all'): InstanceState {
  const { [rootPath]: root, ...others } = whole.scopes;
  if (wanted === 'all' || root === undefined || Object.keys(others).length === 0) return whole;
  const scopes: Record<ScopePath, StatePart> = { [rootPath]: root };
  const absent: ScopePath[] = [];
  for (const path of chainsOf(wanted)) {
    const scope = whole.scopes[path];
    if (scope === undefined) absent.push(path);
    else scopes[path] = scope;
  }
  return { ...whole, scopes, partial: { absent, whole: [] } };
}

export function scopesOf(whole: InstanceState, { paths, below }: NeededScopes): readonly StatePart[] {
  const named = new Set(chainsOf(paths));
  return Object.values(whole.scopes).filter(({ path }) => {
    if (path === rootPath) return false;
    return named.has(path) || below === '' || (below !== null && path.startsWith(`${below}.`));
  });
}

/** The whole state after a step that was decided on a part of it. */
export function wholeAfter(whole: InstanceState, before: InstanceState, after: InstanceState): InstanceState {
  if (after.partial === undefined) return after;
  const { partial: _, ...rest } = after;
  const scopes: Record<ScopePath, StatePart> = { ...whole.scopes, ...after.scopes };
  for (const { path } of Object.values(before.scopes)) if (!Object.hasOwn(after.scopes, path)) delete scopes[path];
  return { ...rest, scopes };
}
