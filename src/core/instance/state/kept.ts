/** The remains of scopes that are over: entries of work that may have to be undone are kept whatever becomes of the loop. */
import { scopeChain } from './scopes.ts';
import { type EndedScope, isOpen, type KeptScope, type ScopeState, type TaskState } from './state.ts';

export const KEEPS = { keepsScopes: true } as const;

/** A loop that ended, and some of whose scopes may be kept. */
export function mayKeep(task: TaskState): boolean {
  return !isOpen(task) && (task.type === 'forEach' || task.type === 'repeat') && (task.takenEdges === null || task.keepsScopes === true);
}

export function remainsOf(scope: EndedScope): KeptScope {
  const { path, loopId } = scope;
  return { path, status: 'kept', loopId, ...leftBy(scope) };
}

/** The parts of a scope that are needed after its run. */
export function leftBy(scope: ScopeState | undefined): Pick<KeptScope, 'undo' | 'keepsScopes'> {
  const { undo, keepsScopes } = scope ?? {};
  return { ...(undo === undefined ? {} : { undo }), ...(keepsScopes === undefined ? {} : KEEPS) };
}

/** The remains of the scopes of a loop that exits: scopes with entries to be undone, and the scopes around these. */
export function keptOf(scopes: readonly ScopeState[]): readonly KeptScope[] {
  const chains = scopes.flatMap(({ path, undo }) => (undo === undefined ? [] : [scopeChain(path)]));
  const wanted = new Set(chains.flat());
  const around = new Set(chains.flatMap(([, ...outer]) => outer));
  return scopes.flatMap(({ path, loopId, undo }): KeptScope[] => {
    if (loopId === null || !wanted.has(path)) return [];
    return [{ path, status: 'kept', loopId, ...(undo === undefined ? {} : { undo }), ...(around.has(path) ? KEEPS : {}) }];
  });
}
