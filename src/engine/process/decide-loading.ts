/**
 * Decides on a state that holds a part of its scopes. Scopes that the decision lacks are loaded, and it is made again, which is
 * safe since it is pure. The state keeps what was loaded, so that a cached state soon holds what it needs.
 */
import type { ScopePath } from '../../core/ids.ts';
import { missingScopes, ScopesNeeded, withScopes } from '../../core/instance/state/scopes.ts';
import type { StatePart } from '../../core/instance/state/state.ts';
import type { StoredInstance } from '../../store/instance-store.ts';

/** After so many loads every scope of the instance is loaded. */
const LOADS_MAX = 8;

export type DecidedOn<T> = { readonly decision: T; readonly stored: StoredInstance };

/**
 * @param wanted scopes that are known to be needed: those that the state lacks are loaded at once.
 * @param loadScopes of this version of the instance; null when it has another one by now.
 * @returns null when somebody else wrote the instance meanwhile: it has to be loaded again.
 */
export async function decideLoading<T>(
  given: StoredInstance,
  wanted: readonly ScopePath[],
  decide: (stored: StoredInstance) => T | Promise<T>,
  loadScopes: (version: number, needed: ScopesNeeded) => Promise<readonly StatePart[] | null>,
): Promise<DecidedOn<T> | null> {
  let stored = given;
  const missing = missingScopes(stored.state, wanted);
  let needed = missing.length === 0 ? null : new ScopesNeeded({ paths: missing });
  for (let loads = 0; ; ) {
    if (needed !== null) {
      if (++loads > LOADS_MAX) needed = new ScopesNeeded({ below: '' });
      const scopes = await loadScopes(stored.version, needed);
      if (scopes === null) return null;
      stored = { ...stored, state: withScopes(stored.state, needed, scopes) };
    }
    try {
      const decided = decide(stored);
      return { decision: decided instanceof Promise ? await decided : decided, stored };
    } catch (error) {
      if (!(error instanceof ScopesNeeded) || stored.state.partial === undefined) throw error;
      needed = error;
    }
  }
}
