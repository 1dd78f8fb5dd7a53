/** States and scopes in the database: without the members that are the same for most. They are put back when a state is read. */
import type { EpochMs, ScopePath, TaskPath } from '../../core/ids.ts';
import type { BookedChild, EndedScope, InstanceState, KeptScope, OpenScope } from '../../core/instance/state/state.ts';
import { longTask, type StoredTask, type WrittenTask } from './short-task.ts';
import type { StoredEntry, StoredUndo } from './undo-entries.ts';

/** A scope beside the instance's own. */
export type StoredScopeRow = { readonly path: ScopePath; readonly scope: StoredScope };

export type StoredScope = { readonly undo?: readonly StoredEntry[] } & (
  | Omit<BookedChild, 'path' | 'input'>
  | Omit<EndedScope, 'path' | 'output' | 'undo'>
  | Omit<KeptScope, 'path' | 'undo'>
  | (Omit<OpenScope, 'path' | 'tasks' | 'undo'> & { readonly tasks: { readonly [path: string]: StoredTask } })
);
export type StoredState = Omit<InstanceState, 'instanceId' | 'input' | 'output' | 'scopes' | 'partial' | 'undo'> & {
  readonly undo?: StoredUndo;
  /** The instance's own scope. */
  readonly root: StoredScope;
};

/** The zero of scopes of items and rounds, whose text knows nothing of the instance. That of its own scope is the instance's start. */
export const ABSOLUTE: EpochMs = 0;

type StoredOpenScope = StoredScope & { readonly status: 'open' };
type WrittenOpenScope = Partial<Omit<StoredOpenScope, 'tasks'>> & { readonly tasks: { readonly [path: string]: WrittenTask } };
/** `status` tells it from a scope that has ended. */
type Marked = WrittenOpenScope & Pick<StoredOpenScope, 'status' | 'basis'>;
type WrittenScope = Exclude<StoredScope, StoredOpenScope> | Marked;
/** A row of a scope of an item or a round. */
export type WrittenScopeRow = { readonly path: ScopePath; readonly scope: WrittenScope };
/** `root` stands in states that were written with all members. */
export type WrittenState = Partial<Omit<StoredState, 'root' | 'basis' | 'startedAt'>> &
  Pick<StoredState, 'basis' | 'startedAt' | 'definitionId' | 'definitionVersion' | 'seq' | 'updatedAt'> &
  ({ readonly own: WrittenOpenScope } | { readonly root: Marked });

const usualState = {
  businessKey: null,
  vars: {},
  phase: 'running',
  paused: null,
  incidentCount: 0,
  commands: [],
  endedAt: null,
  error: null,
} as const satisfies Partial<StoredState>;
const usualScope = { loopId: null, firstAttempt: 1, openCount: 1, incidents: {}, timers: {} } as const satisfies Partial<OpenScope>;

/** Members that are as usual are left out. */
export function shortState(members: Partial<StoredState>): object {
  return without(members, usualState);
}

export function shortScope(members: Partial<OpenScope>): object {
  return without(members, usualScope);
}

/** The instance's own scope. */
export function shortOwnScope(members: Partial<OpenScope>, { basis }: Pick<StoredState, 'basis'>): object {
  return without(members, { ...usualScope, status: 'open', basis });
}

export function readState(written: WrittenState): StoredState {
  if ('root' in written) return { ...usualState, ...written, root: readOpenScope(written.root, ABSOLUTE) };
  const { own, ...members } = written;
  const { basis, startedAt } = members;
  return { ...usualState, ...members, root: readOpenScope({ status: 'open', basis, ...own }, startedAt) };
}

export function readScope({ path, scope }: WrittenScopeRow): StoredScopeRow {
  return { path, scope: scope.status === 'open' ? readOpenScope(scope, ABSOLUTE) : scope };
}

function readOpenScope(written: Marked, zero: EpochMs): StoredOpenScope {
  const tasks: Record<string, StoredTask> = {};
  for (const [path, task] of Object.entries(written.tasks)) tasks[path] = longTask(path as TaskPath, task, zero);
  return { ...usualScope, ...written, tasks };
}

/** The members, less those that are as usual. */
export function without(members: object, usual: object): object {
  // No `Object.entries` and no `delete`: this runs at each step, and both cost more than the rest of it.
  const kept: Record<string, unknown> = {};
  for (const name in members) {
    const value = members[name as keyof typeof members];
    if (!Object.hasOwn(usual, name) || !isSame(value, usual[name as keyof typeof usual])) kept[name] = value;
  }
  return kept;
}

/** Of two that are not the same one, empty arrays and empty objects are the same. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || (isEmpty(a) && isEmpty(b) && Array.isArray(a) === Array.isArray(b));
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  for (const _ in value) return false;
  return true;
}
